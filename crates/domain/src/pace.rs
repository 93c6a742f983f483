//! How fast a line has moved.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::UnixMs;

/// How many people were taken off the front of the line lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// In the last minute.
    pub one: u64,
    /// In the last five minutes.
    pub five: u64,
    /// In the last fifteen minutes.
    pub fifteen: u64,
    /// When the first of all was taken.
    #[serde(rename = "sinceAt", skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMs>,
}

impl Pace {
    /// How long the past influences the pace.
    pub(crate) const MEMORY_MS: i64 = 15 * 60_000;

    /// Returns people per minute, weighted 0.5 / 0.3 / 0.2 over the last 1, 5 and 15 minutes. A
    /// window longer than the sale so far is averaged over the sale so far, which counts as one
    /// interval longer than the time since the first take, because a take stands for its interval.
    pub fn per_minute(&self, interval_seconds: u32, now: UnixMs) -> f64 {
        let [one, five, fifteen] = self.averages(interval_seconds, now);
        0.5 * one + 0.3 * five + 0.2 * fifteen
    }

    /// Returns people per minute over the last 1, 5 and 15 minutes.
    pub(crate) fn averages(&self, interval_seconds: u32, now: UnixMs) -> [f64; 3] {
        let Some(since) = self.since else {
            return [0.0; 3];
        };
        let so_far = ((now.0 - since.0) as f64 / 1000.0 + f64::from(interval_seconds)) / 60.0;
        [
            self.one as f64 / so_far.min(1.0),
            self.five as f64 / so_far.min(5.0),
            self.fifteen as f64 / so_far.min(15.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_weigh_half_three_tenths_and_two_tenths() {
        let pace = Pace {
            one: 60,
            five: 200,
            fifteen: 300,
            since: Some(UnixMs(0)),
        };
        let expected = 0.5 * 60.0 + 0.3 * 40.0 + 0.2 * 20.0;
        let weighted = pace.per_minute(30, UnixMs(3_600_000));
        assert!((weighted - expected).abs() < 1e-9, "{weighted}");
    }
}
