//! The wait as a page tells it: a range, for an estimate is never exact. The page's script does the same
//! (`crates/pages/web/waiting-text.js`).

use serde::Serialize;
use sunbeon_domain::UnixMs;

/// A wait from now, in one unit, and the same as times of the day.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Wait {
    /// The key of the text: `soon`, `seconds`, `minutes`, or `hours`, which counts by half hours.
    unit: &'static str,
    low: u64,
    high: u64,
    /// `14:05`, or `14:05–14:12`; empty for a wait in seconds.
    clock: String,
}

impl Wait {
    /// Tells a wait of this many seconds. The estimate is never too early, so it is the range's beginning;
    /// the end is a quarter later.
    pub(super) fn of(seconds: u64, now: UnixMs, time_zone: &str) -> Self {
        let latest = seconds + (seconds / 4).max(10);
        let step = match seconds {
            0..90 => 10,
            90..5_400 => 60,
            _ => 1_800,
        };
        let (low, high) = (seconds / step, latest.div_ceil(step));
        let (unit, low, high) = match step {
            10 if seconds < 10 => ("soon", 0, 0),
            10 => ("seconds", low * 10, high * 10),
            60 => ("minutes", low, high),
            _ => ("hours", low, high),
        };
        let at = |seconds: u64| {
            let ms = i64::try_from(seconds * 1_000).unwrap_or(i64::MAX);
            let time = (now + ms).local_time(time_zone);
            time.get(..5).unwrap_or_default().to_owned()
        };
        let clock = match step {
            10 => String::new(),
            _ => format!("{}–{}", at(low * step), at(high * step)),
        };
        Self {
            unit,
            low,
            high,
            clock,
        }
    }
}

/// Returns what is left until a moment as `4:58` or `1:04:58`, never less than nothing.
pub(super) fn left(until: UnixMs, now: UnixMs) -> String {
    let seconds = (until.0 - now.0).max(0) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        return format!("{hours}:{minutes:02}:{seconds:02}");
    }
    format!("{minutes}:{seconds:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMs = UnixMs(1_763_607_600_000); // 12:00:00 in Seoul

    #[test]
    fn a_wait_is_told_as_a_range_in_one_unit() {
        for (seconds, unit, low, high, clock) in [
            (0, "soon", 0, 0, ""),
            (9, "soon", 0, 0, ""),
            (25, "seconds", 20, 40, ""),
            (89, "seconds", 80, 120, ""),
            (90, "minutes", 1, 2, "12:01–12:02"),
            (500, "minutes", 8, 11, "12:08–12:11"),
            (5_399, "minutes", 89, 113, "13:29–13:53"),
            (5_400, "hours", 3, 4, "13:30–14:00"),
            (36_000, "hours", 20, 25, "22:00–00:30"),
        ] {
            let clock = clock.to_owned();
            let expected = Wait {
                unit,
                low,
                high,
                clock,
            };
            assert_eq!(Wait::of(seconds, NOON, "Asia/Seoul"), expected, "{seconds}");
        }
    }

    #[test]
    fn what_is_left_counts_down_to_nothing() {
        let left = |seconds: i64| left(NOON + seconds * 1_000, NOON);
        assert_eq!(
            [298, 3_898, 5, 0, -1].map(left),
            ["4:58", "1:04:58", "0:05", "0:00", "0:00"]
        );
    }
}
