//! What is due on a line: the schedule, messages to be sent again, and what has expired.

use sunbeon_domain::Phase;

use super::{
    feed::LOOK,
    line::{Line, RESEND_MOST_MS, RESEND_MS},
    records::{TakenBy, WORK},
};
use crate::{Held, Swept, TakenEntry, Ticked};

impl Line {
    pub(super) fn tick(&mut self, sends: bool) -> Ticked {
        self.beat_slots();
        let (mut taken, mut due_again) = ((Vec::new(), false), Vec::new());
        if sends {
            taken = self.take_if_due();
            due_again = self.due_again();
        }
        let swept = self.sweep();
        Ticked {
            concert: self.concert.clone(),
            entries: taken.0,
            more: taken.1,
            still_waiting: self.counts().waiting,
            next_take_ms: self.next_take_ms(),
            due_again,
            swept,
        }
    }

    fn take_if_due(&mut self) -> (Vec<TakenEntry>, bool) {
        let left = self.due().min(self.enough());
        let (entries, more) = self.take(left, TakenBy::Schedule);
        let n = entries.len() as u64;
        if n > 0 {
            self.last_take = Some(self.times.slot.time);
            self.take_left = if more { left - n } else { 0 };
        }
        (entries, more)
    }

    /// In how long the schedule may take somebody who waits.
    fn next_take_ms(&self) -> Option<u64> {
        let policy = &self.concert.policy;
        if self.over() || !policy.auto_open || self.counts().waiting == 0 {
            return None;
        }
        let start = policy.booking_start_at.filter(|start| self.now < *start);
        let left = match (start, self.last_take) {
            (Some(start), _) => start.0 - self.now.0,
            (None, Some(last)) => last + self.interval_ms() - self.times.slot.time,
            (None, None) => 0,
        };
        Some(u64::try_from(left).unwrap_or(0))
    }

    /// How many the schedule may take now: nobody while one of those that a member needs is away.
    fn due(&self) -> u64 {
        let policy = &self.concert.policy;
        if self.phase != Phase::Open || !policy.auto_open || self.who_is_away().is_some() {
            return 0;
        }
        let left = u64::from(policy.group_size).saturating_sub(self.admitting.len());
        let interval = self.interval_ms();
        let between = |last: i64| self.times.slot.time < last + interval;
        // Between two takes only the rest of one that the bound on work cut short.
        if self.last_take.is_some_and(between) {
            left.min(self.take_left)
        } else {
            left
        }
    }

    /// Why the schedule takes nobody of those who wait, even when a take is due.
    pub(super) fn held(&self) -> Option<Held> {
        let (policy, counts) = (&self.concert.policy, self.counts());
        if !policy.auto_open || counts.waiting == 0 {
            return None;
        }
        match self.phase {
            Phase::Open => {}
            Phase::Paused => return Some(Held::Paused),
            _ => return None,
        }
        let reasons = [
            (self.enough() == 0, Held::SoldOut),
            (self.is_full(counts.slots), Held::MaxActive),
            (
                counts.admitting >= u64::from(policy.group_size),
                Held::Messages,
            ),
        ];
        let first = reasons.into_iter().find(|(holds, _)| *holds);
        self.who_is_away().or(first.map(|(_, why)| why))
    }

    pub(super) fn interval_ms(&self) -> i64 {
        i64::from(self.concert.policy.entry_interval_seconds) * 1_000
    }

    /// Entries whose message is due to be sent again.
    fn due_again(&mut self) -> Vec<TakenEntry> {
        let slot = self.times.slot.time;
        let mut due = Vec::new();
        for member in self.admitting.due(slot, WORK) {
            let pop = &self.pops[&member];
            let pause = (slot - pop.reading).clamp(RESEND_MS, RESEND_MOST_MS);
            self.admitting.set(&member, slot + pause);
            due.push(self.taken_entry(member, pop));
        }
        due
    }

    /// Removes what has expired, up to a thousand of each kind.
    fn sweep(&mut self) -> Swept {
        let before = self.totals;
        let (slot, half) = (self.times.slot.time, WORK / 2);
        let mut sessions = self.ready.due(self.times.claim.time, half);
        sessions.extend(self.inside.due(slot, half));
        let unseen = self.seen.due(self.times.line.time, WORK);
        let lapsed = self.lapses.due(self.times.keep, WORK);
        for member in unseen.iter().chain(&lapsed) {
            self.settle_line(member);
        }
        for member in &sessions {
            self.settle_session(member);
        }
        let mut most = unseen.len().max(lapsed.len());
        for set in [&mut self.cooling, &mut self.owed] {
            let ended = set.due(slot, WORK);
            for member in &ended {
                set.remove(member);
            }
            most = most.max(ended.len());
        }
        self.live &= !self.has_nothing_left();
        let forgotten = self.revoked.forget(self.now.seconds());
        Swept {
            away: unseen.len() as u64,
            lapsed: self.totals.lapsed - before.lapsed,
            unclaimed: self.totals.unclaimed - before.unclaimed,
            expired: self.totals.expired - before.expired,
            more: most >= WORK || sessions.len() >= half || forgotten >= LOOK / 2,
        }
    }
}
