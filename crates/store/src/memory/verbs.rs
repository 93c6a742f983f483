//! The verbs of the line.

use sunbeon_domain::{EntryNumber, Estimate, MemberId, Mode, Phase};

use super::{
    feed::LOOK,
    line::Line,
    records::{Settled, WORK},
};
use crate::{Entering, Leaving, Listed, Snapshot, StandingFacts, Swept};

impl Line {
    pub(super) fn enter(&mut self, member: &MemberId, name: &str) -> Entering {
        self.beat_slots();
        let place = self.settle(member);
        if self.over() {
            return Entering::Closed;
        }
        if !matches!(place, Settled::None | Settled::Lapsed) {
            let place = self.seen(member, place);
            return Entering::Already(self.standing_facts(place));
        }
        if !self.concert.policy.identity.allows(member) {
            return Entering::MembersOnly;
        }
        if let (Phase::Early, Some(opens_at)) = (self.phase, self.concert.opens_at()) {
            return Entering::NotOpenYet { opens_at };
        }
        let straight = self.goes_straight_in(member);
        if !straight && self.takes_nobody() {
            return Entering::Full;
        }
        self.last = self.now_us.max(self.last + 1);
        self.totals.joined += 1;
        let number = EntryNumber(self.last);
        if straight {
            self.totals.by_enter += 1;
            self.take_cooling(member);
            let place = self.become_ready(member, number);
            return Entering::New(self.standing_facts(place));
        }
        self.line.set(member, number.0 as i64);
        if !name.is_empty() {
            self.names.insert(member.clone(), name.to_owned());
        }
        let place = self.seen(member, Settled::Waiting(number));
        Entering::New(self.standing_facts(place))
    }

    fn goes_straight_in(&self, member: &MemberId) -> bool {
        if self.phase != Phase::Open {
            return false;
        }
        let counts = self.counts();
        match self.concert.policy.mode {
            Mode::Off => true,
            Mode::Queue => false,
            Mode::Threshold => {
                counts.waiting + counts.admitting == 0 && self.has_slot_for(member, counts.slots)
            }
        }
    }

    fn takes_nobody(&self) -> bool {
        let (policy, counts) = (&self.concert.policy, self.counts());
        let length = counts.waiting + counts.away;
        if policy
            .max_queue_size
            .is_some_and(|most| length >= u64::from(most))
        {
            return true;
        }
        let live = self.line.len();
        let estimate = || Estimate::new(live, &self.line_facts(live + 1), policy, self.now);
        policy.refuse_long_wait && estimate().is_long(policy, self.now)
    }

    pub(super) fn status(&mut self, member: &MemberId, sign_of_life: bool) -> StandingFacts {
        let mut place = self.settle(member);
        if sign_of_life {
            place = self.seen(member, place);
        }
        self.standing_facts(place)
    }

    pub(super) fn leave(&mut self, member: &MemberId, how: Leaving) -> Option<EntryNumber> {
        self.beat_slots();
        let place = self.settle(member);
        match place {
            Settled::None | Settled::Lapsed => None,
            Settled::Ready(number, _) | Settled::Entered(number, _) => {
                self.exit_session(member, place, how);
                Some(number)
            }
            Settled::Waiting(number) | Settled::Away(number) | Settled::Admitting(number) => {
                for set in [
                    &mut self.line,
                    &mut self.seen,
                    &mut self.away,
                    &mut self.lapses,
                    &mut self.admitting,
                ] {
                    set.remove(member);
                }
                self.names.remove(member);
                if self.pops.remove(member).is_some() {
                    self.end_slot(member, 0);
                }
                match how {
                    Leaving::ByChoice => self.totals.left += 1,
                    Leaving::Removed => self.totals.removed += 1,
                }
                Some(number)
            }
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let entry = |number: u64| Some(EntryNumber(number)).filter(|number| number.0 != 0);
        let heads = [&self.line, &self.away].map(|set| set.iter().next().map(|(score, _)| score));
        Snapshot {
            at: self.now,
            concert: self.concert.clone(),
            counts: self.counts(),
            totals: self.totals(),
            pace: self.ring.pace(self.now),
            head: heads
                .into_iter()
                .flatten()
                .min()
                .map(|head| EntryNumber(head as u64)),
            last: entry(self.last),
            cleared_through: entry(self.cleared_through),
            last_take_at: self.last_take_at(),
            guests_refused: self.guests_refused,
        }
    }

    pub(super) fn members(&self, after: Option<EntryNumber>, limit: u32) -> Vec<Listed> {
        let after = after.map_or(0, |number| number.0 as i64);
        let mut listed = Vec::new();
        for (set, away) in [(&self.line, false), (&self.away, true)] {
            let behind = set.iter().filter(|(score, _)| *score > after);
            listed.extend(behind.take(limit as usize).map(|(score, member)| Listed {
                member: member.clone(),
                number: EntryNumber(score as u64),
                name: self.names.get(member).cloned().unwrap_or_default(),
                away,
            }));
        }
        listed.sort_by_key(|listed| listed.number);
        listed.truncate(limit as usize);
        listed
    }

    pub(super) fn sweep(&mut self) -> Swept {
        self.beat_slots();
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
