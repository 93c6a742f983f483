//! Slots: how many are free, and when those in use become free.

use sunbeon_domain::{COOLING_MS, Mode, Slots, UnixMs};

use super::{line::Line, ordered::Ordered};
use crate::Counts;

impl Line {
    fn limit(&self) -> Option<u64> {
        let policy = &self.concert.policy;
        policy
            .max_active
            .filter(|_| policy.mode != Mode::Off)
            .map(u64::from)
    }

    /// Returns the free slots; `None` without a limit.
    pub(super) fn free(&self, counts: &Counts) -> Option<u64> {
        Some(self.limit()?.saturating_sub(counts.slots))
    }

    /// Returns the slots as the `number`-th live entry waits for them, 0 for nobody.
    pub(super) fn slots(&self, number: u64) -> Option<Slots> {
        let (limit, counts) = (self.limit()?, self.counts());
        let entries = Slots::sampled(number.min(limit));
        let ends = entries.map(|entry| {
            let ended = (entry + counts.slots).saturating_sub(limit);
            let waits = number > 0 && ended > 0;
            if waits {
                self.slot_end(&counts, ended)
            } else {
                0
            }
        });
        Some(Slots {
            used: counts.slots,
            free_at: ends.map(UnixMs),
        })
    }

    /// When `ended` of the slots in use will be free again, if every session lasts to its end. Those
    /// called and not yet inside are taken to begin their session now.
    fn slot_end(&self, counts: &Counts, ended: u64) -> i64 {
        let now = self.now.0;
        let cooling = self.cooling.count_above(now);
        if let Some(till) = nth_above(&self.cooling, now, ended) {
            return till;
        }
        let last_cooling = nth_above(&self.cooling, now, cooling).unwrap_or(0);
        let inside =
            |nth| nth_above(&self.inside, now - COOLING_MS, nth).map(|end| end + COOLING_MS);
        let (ended, called) = (ended - cooling, counts.admitting + counts.ready);
        let session = i64::from(self.concert.policy.session_minutes) * 60_000;
        let called_end = now + session + COOLING_MS;
        let first = inside(ended).filter(|till| called == 0 || *till <= called_end);
        let till = first
            .unwrap_or_else(|| called_end.max(inside(ended.saturating_sub(called)).unwrap_or(0)));
        till.max(last_cooling)
    }
}

/// The score of the `nth`, from 1, of those above a score.
fn nth_above<K: Clone + Eq + std::hash::Hash + Ord>(
    set: &Ordered<K>,
    score: i64,
    nth: u64,
) -> Option<i64> {
    let skip = usize::try_from(nth.checked_sub(1)?).ok()?;
    let mut above = set.iter().filter(|(at, _)| *at > score);
    above.nth(skip).map(|(at, _)| at)
}
