//! How many were taken in each of the last sixteen minutes.

use sunbeon_domain::{Pace, UnixMs};

const MINUTE_MS: i64 = 60_000;

#[derive(Default)]
pub(super) struct Ring {
    /// Minute since the epoch, and how many.
    minutes: [(i64, u64); 16],
    since: Option<UnixMs>,
}

impl Ring {
    pub(super) fn add(&mut self, taken: u64, now: UnixMs) {
        let minute = now.0.div_euclid(MINUTE_MS);
        let slot = &mut self.minutes[minute.rem_euclid(16) as usize];
        if slot.0 != minute {
            *slot = (minute, 0);
        }
        slot.1 += taken;
        self.since.get_or_insert(now);
    }

    /// The oldest minute of a window counts by its share.
    pub(super) fn pace(&self, now: UnixMs) -> Pace {
        let (minute, into) = (
            now.0.div_euclid(MINUTE_MS),
            now.0.rem_euclid(MINUTE_MS) as u64,
        );
        let taken = |m: i64| {
            let (at, taken) = self.minutes[m.rem_euclid(16) as usize];
            if at == m { taken } else { 0 }
        };
        let window = |minutes: i64| {
            let oldest = taken(minute - minutes) * (MINUTE_MS as u64 - into) / MINUTE_MS as u64;
            oldest + (minute - minutes + 1..=minute).map(taken).sum::<u64>()
        };
        Pace {
            one: window(1),
            five: window(5),
            fifteen: window(15),
            since: self.since,
        }
    }
}
