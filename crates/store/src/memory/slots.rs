//! Slots: how many are free, and when those in use become free.

use sunbeon_domain::{COOLING_MS, MemberId, Mode, SlotEnd, Slots};

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

    /// Returns whether a member could have a slot while so many are in use: their own that is cooling
    /// is free for them.
    pub(super) fn has_slot_for(&self, member: &MemberId, used: u64) -> bool {
        let cools = self.cooling.score(member).unwrap_or(0) > self.times.slot.time;
        self.limit()
            .is_none_or(|limit| used - u64::from(cools) < limit)
    }

    /// Returns whether all slots are in use.
    pub(super) fn is_full(&self, used: u64) -> bool {
        self.limit().is_some_and(|limit| used >= limit)
    }

    /// The member's earlier slot, if it is not free yet, is theirs to use again. Returns whether it was
    /// in use.
    pub(super) fn take_cooling(&mut self, member: &MemberId) -> bool {
        let Some(until) = self.cooling.remove(member) else {
            return false;
        };
        self.owed.set(member, until);
        until > self.times.slot.time
    }

    /// A slot ends, and stays taken until a reading of `slotTime`; or for as long as the member's
    /// earlier slot does.
    pub(super) fn end_slot(&mut self, member: &MemberId, until: i64) {
        let owed = self.owed.remove(member).unwrap_or(0);
        let until = until.max(owed);
        if until > self.times.slot.time {
            self.cooling.set(member, until);
        }
    }

    /// Returns the slots and when they become free.
    pub(super) fn slots(&self) -> Option<Slots> {
        let counts = self.counts();
        let end = |ended| SlotEnd {
            slots: ended,
            at: self.times.moment(self.slot_end(&counts, ended), self.now),
        };
        self.limit().map(|_| Slots {
            used: counts.slots,
            ends: Slots::sampled(counts.slots).map(end).collect(),
        })
    }

    /// When `ended` of the slots in use will be free again, as a reading of `slotTime`, if every session
    /// lasts to its end. Those called and not yet inside are taken to begin their session now.
    fn slot_end(&self, counts: &Counts, ended: u64) -> i64 {
        let now = self.times.slot.time;
        let cooling = self.cooling.count_above(now);
        if let Some(till) = nth_above(&self.cooling, now, ended) {
            return till;
        }
        let last_cooling = nth_above(&self.cooling, now, cooling).unwrap_or(0);
        let inside =
            |nth| nth_above(&self.inside, now - COOLING_MS, nth).map(|end| end + COOLING_MS);
        let (ended, called) = (ended - cooling, counts.admitting + counts.ready);
        let session = i64::from(self.concert.policy.session_minutes) * 60_000;
        let called_end = self.times.slot.reading(self.now) + session + COOLING_MS;
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
