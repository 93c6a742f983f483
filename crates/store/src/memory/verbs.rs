//! The verbs of the line.

use sunbeon_domain::{EntryNumber, MemberId, Mode, Phase};

use super::{line::Line, ordered::Ordered, records::Settled};
use crate::{Asker, Beat, Entering, Entrant, Leaving, Listed, Recent, Snapshot, StandingFacts};

/// How old the snapshot that is kept for all may be.
const RECENT_MS: i64 = 900;

/// What came of an enter.
enum Decided {
    New(Settled),
    Already(Settled),
    Refused(Entering),
}

impl Line {
    /// Settles all, decides for each in turn, and answers as all stand then.
    pub(super) fn enter_all(&mut self, entrants: &[Entrant], longest: u64) -> Vec<Entering> {
        let (idle, joined) = (!self.live, self.totals.joined);
        self.beat_slots();
        for entrant in entrants {
            self.settle(&entrant.member);
        }
        let before = self.times;
        if idle {
            self.times.wake(self.now);
        }
        let mut decided = Vec::with_capacity(entrants.len());
        for entrant in entrants {
            decided.push(self.enter(entrant, longest));
        }
        if self.totals.joined == joined {
            self.times = before;
        } else {
            self.live = true;
        }
        let answer = |decided| match decided {
            Decided::New(place) => Entering::New(self.standing_facts(place)),
            Decided::Already(place) => Entering::Already(self.standing_facts(place)),
            Decided::Refused(why) => why,
        };
        decided.into_iter().map(answer).collect()
    }

    fn enter(&mut self, Entrant { member, name }: &Entrant, longest: u64) -> Decided {
        let place = self.settle(member);
        if self.over() {
            return Decided::Refused(Entering::Closed);
        }
        if !matches!(place, Settled::None | Settled::Lapsed) {
            return Decided::Already(self.seen(member, place));
        }
        if !self.concert.policy.identity.allows(member) {
            return Decided::Refused(Entering::MembersOnly);
        }
        if let (Phase::Early, Some(opens_at)) = (self.phase, self.concert.opens_at()) {
            return Decided::Refused(Entering::NotOpenYet { opens_at });
        }
        let straight = self.goes_straight_in(member);
        if !straight && self.takes_nobody(longest) {
            return Decided::Refused(Entering::Full);
        }
        self.last = self.now_us.max(self.last + 1);
        self.totals.joined += 1;
        let number = EntryNumber(self.last);
        if straight {
            self.totals.by_enter += 1;
            self.take_cooling(member);
            return Decided::New(self.become_ready(member, number));
        }
        self.line.set(member, number.0 as i64);
        if !name.is_empty() {
            self.names.insert(member.clone(), name.clone());
        }
        Decided::New(self.seen(member, Settled::Waiting(number)))
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
                counts.waiting + counts.admitting == 0
                    && self.has_slot_for(member, counts.slots)
                    && !self.stops()
            }
        }
    }

    fn takes_nobody(&self, longest: u64) -> bool {
        let (policy, counts) = (&self.concert.policy, self.counts());
        let (length, most) = (counts.waiting + counts.away, policy.max_queue_size);
        let is_full = most.is_some_and(|most| length >= u64::from(most));
        is_full || policy.refuse_long_wait && self.line.len() >= longest
    }

    pub(super) fn status_all(&mut self, askers: &[Asker]) -> Vec<StandingFacts> {
        for asker in askers {
            let place = self.settle(&asker.member);
            if asker.sign_of_life {
                self.seen(&asker.member, place);
            }
        }
        let mut found = Vec::with_capacity(askers.len());
        for asker in askers {
            let place = self.settle(&asker.member);
            found.push(self.standing_facts(place));
        }
        found
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
        let first = |set: &Ordered<MemberId>| set.iter().next().map(|(score, _)| score as u64);
        let (waiting, away) = (first(&self.line), first(&self.away));
        Snapshot {
            at: self.now,
            concert: self.concert.clone(),
            counts: self.counts(),
            totals: self.totals(),
            line_facts: self.line_facts(),
            progress: self.progress(),
            front: waiting.map(|first| EntryNumber(first.max(self.taken_through + 1))),
            head: waiting.into_iter().chain(away).min().map(EntryNumber),
            last: entry(self.last),
            cleared_through: entry(self.cleared_through),
            guests_refused: self.guests_refused,
            out_of_order: self.out_of_order,
            held: self.held(),
        }
    }

    pub(super) fn recent(&mut self, beat: Option<Beat>) -> Recent {
        if let Some(beat) = beat {
            self.beat(beat);
        }
        let now = self.now;
        let kept = self.shared.take().filter(|kept| {
            let is_recent = (0..=RECENT_MS).contains(&(now.0 - kept.at.0));
            is_recent && kept.concert.version == self.version()
        });
        let snapshot = kept.unwrap_or_else(|| self.snapshot());
        self.shared = Some(snapshot.clone());
        Recent { snapshot, now }
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
}
