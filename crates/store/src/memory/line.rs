//! One concert's line: what the scripts' prelude is on Redis.

use std::collections::HashMap;

use sunbeon_domain::{
    COOLING_MS, Concert, EntryNumber, EntryState, LineFacts, MemberId, Phase, Policy, UnixMs,
};

use super::{
    feed::Feed,
    ordered::Ordered,
    records::{Entry, Opened, Session, Settled},
    ring::Ring,
};
use crate::{Counts, StandingFacts, Totals};

pub(super) const RESEND_MS: i64 = 5_000;
pub(super) const RESEND_MOST_MS: i64 = 60_000;
pub(super) const WORK: usize = 1_000;
const DEAF_MS: i64 = 15_000;

/// One concert's line.
pub(super) struct Line {
    pub(super) concert: Concert,
    pub(super) now: UnixMs,
    pub(super) now_us: u64,
    pub(super) phase: Phase,
    pub(super) line: Ordered<MemberId>,
    pub(super) away: Ordered<MemberId>,
    pub(super) deadlines: Ordered<MemberId>,
    pub(super) lapses: Ordered<MemberId>,
    pub(super) admitting: Ordered<MemberId>,
    pub(super) entries: HashMap<MemberId, Entry>,
    pub(super) ready: Ordered<MemberId>,
    pub(super) inside: Ordered<MemberId>,
    pub(super) cooling: Ordered<EntryNumber>,
    pub(super) revoked: Feed,
    /// No token of this concert lives longer, whatever the policy says by then.
    pub(super) longest_s: i64,
    pub(super) sessions: HashMap<MemberId, Session>,
    pub(super) totals: Totals,
    pub(super) ring: Ring,
    pub(super) last: u64,
    pub(super) cleared_through: u64,
    pub(super) last_take: Option<UnixMs>,
    pub(super) guests_refused: u64,
    pub(super) take_left: u64,
    pub(super) opened: HashMap<String, Opened>,
    pub(super) beat: Option<UnixMs>,
    pub(super) grace: i64,
    resumed: i64,
    slower: Option<UnixMs>,
}

pub(super) fn moment(now_us: u64) -> UnixMs {
    UnixMs(i64::try_from(now_us / 1_000).unwrap_or(i64::MAX))
}

/// How long tokens live at most by a policy (s).
fn longest_s(policy: &Policy) -> i64 {
    (i64::from(policy.session_minutes) + i64::from(policy.hold_duration_minutes)) * 60
}

impl Line {
    pub(super) fn new(concert: Concert, now_us: u64, revoked: Feed) -> Self {
        let now = moment(now_us);
        let longest_s = longest_s(&concert.policy);
        Self {
            now,
            now_us,
            phase: concert.phase(now),
            concert,
            line: Ordered::default(),
            away: Ordered::default(),
            deadlines: Ordered::default(),
            lapses: Ordered::default(),
            admitting: Ordered::default(),
            entries: HashMap::new(),
            ready: Ordered::default(),
            inside: Ordered::default(),
            cooling: Ordered::default(),
            revoked,
            longest_s,
            sessions: HashMap::new(),
            totals: Totals::default(),
            ring: Ring::default(),
            last: 0,
            cleared_through: 0,
            last_take: None,
            guests_refused: 0,
            take_left: 0,
            opened: HashMap::new(),
            beat: Some(now),
            grace: 0,
            resumed: 0,
            slower: None,
        }
    }

    /// What every verb begins with: the clock is read; a grace begins if nobody heard signs of
    /// life for 15 s; if the sale is over, its line is cleared.
    pub(super) fn begin(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.now = moment(now_us);
        self.phase = self.concert.phase(self.now);
        let now = self.now;
        if self
            .beat
            .is_some_and(|beat| now.0 - beat.0 > DEAF_MS || beat > now)
        {
            self.grace = now.0;
            self.beat = Some(now);
        }
        if self.over() && !self.is_empty() {
            let end = self.concert.policy.booking_end_at;
            let as_of = end.filter(|_| !self.concert.closed).unwrap_or(now);
            self.clear_as_of(as_of);
        }
    }

    pub(super) fn put(&mut self, concert: &Concert, now_us: u64) {
        self.begin(now_us);
        if self.concert.version >= concert.version {
            return;
        }
        // Who has run out by now was decided by the old policy.
        let over = matches!(concert.phase(self.now), Phase::Closed | Phase::Ended);
        if over && !self.is_empty() {
            self.clear();
        }
        // Who could not run out until now has a whole time to be seen from now on.
        if self.frozen() && concert.phase(self.now) == Phase::Open {
            self.resumed = self.now.0;
        }
        if concert.policy.is_slower_than(&self.concert.policy) {
            self.slower = Some(self.now);
        }
        self.longest_s = self.longest_s.max(longest_s(&concert.policy));
        self.concert = concert.clone();
    }

    pub(super) fn version(&self) -> u64 {
        self.concert.version
    }

    pub(super) fn over(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Ended)
    }

    /// Nobody goes away or lapses before the start, or while paused.
    pub(super) fn frozen(&self) -> bool {
        matches!(self.phase, Phase::Early | Phase::Before | Phase::Paused)
    }

    fn is_empty(&self) -> bool {
        self.line.len() + self.away.len() + self.admitting.len() == 0
    }

    /// The deadlines of the line count from no earlier than this.
    fn floor(&self) -> i64 {
        let start = self
            .concert
            .policy
            .booking_start_at
            .map_or(0, |start| start.0);
        self.grace.max(self.resumed).max(start)
    }

    pub(super) fn waiting_ms(&self) -> i64 {
        i64::from(self.concert.policy.waiting_ttl_seconds) * 1_000
    }

    fn keep_ms(&self) -> i64 {
        i64::from(self.concert.policy.keep_place_minutes) * 60_000
    }

    pub(super) fn ready_ms(&self) -> i64 {
        i64::from(self.concert.policy.ready_ttl_seconds) * 1_000
    }

    /// Whether no waiting member has run out yet, all signs of life being too fresh for it.
    pub(super) fn line_is_fresh(&self) -> bool {
        self.frozen() || self.floor() + self.waiting_ms() > self.now.0
    }

    /// Whether no place of an away member has run out yet.
    pub(super) fn places_are_fresh(&self) -> bool {
        self.frozen() || self.floor() + self.keep_ms() > self.now.0
    }

    /// Whether no READY member has run out yet.
    pub(super) fn calls_are_fresh(&self) -> bool {
        self.grace + self.ready_ms() > self.now.0
    }

    /// Entries in line that have run out by a moment: those gone, and those lapsed.
    fn run_out(&self, by: UnixMs) -> (u64, u64) {
        let (floor, waiting, keep) = (self.floor(), self.waiting_ms(), self.keep_ms());
        let count = |passed: bool, of: &Ordered<MemberId>, until: i64| {
            if passed { of.count_up_to(until) } else { 0 }
        };
        let gone = count(floor + waiting <= by.0, &self.deadlines, by.0);
        let lapsed = count(floor + waiting + keep <= by.0, &self.deadlines, by.0 - keep)
            + count(floor + keep <= by.0, &self.lapses, by.0);
        (gone, lapsed)
    }

    /// Empties the line as of a moment; says how many were in it.
    pub(super) fn clear_as_of(&mut self, as_of: UnixMs) -> u64 {
        let all = self.line.len() + self.away.len() + self.admitting.len();
        let lapsed = if self.frozen() || self.concert.policy.paused {
            0
        } else {
            self.run_out(as_of).1
        };
        self.totals.lapsed += lapsed;
        self.totals.cleared += all - lapsed;
        self.cleared_through = self.last;
        for set in [
            &mut self.line,
            &mut self.away,
            &mut self.deadlines,
            &mut self.lapses,
            &mut self.admitting,
        ] {
            set.clear();
        }
        self.entries.clear();
        all - lapsed
    }

    /// Whether anybody is in line or inside, or not yet collected.
    pub(super) fn is_in_use(&self) -> bool {
        let counts = self.counts();
        let sessions = self.ready.len() + self.inside.len();
        counts.waiting + counts.away + counts.slots + sessions > 0
    }

    /// How many there are, by the clock.
    pub(super) fn counts(&self) -> Counts {
        let (gone, lapsed) = if self.frozen() {
            (0, 0)
        } else {
            self.run_out(self.now)
        };
        let (now, admitting) = (self.now.0, self.admitting.len());
        let ready = self.ready.len() - self.unclaimed();
        let slots = admitting
            + ready
            + self.inside.count_above(now - COOLING_MS)
            + self.cooling.count_above(now);
        Counts {
            waiting: self.line.len() - gone,
            away: self.away.len() + gone - lapsed,
            admitting,
            ready,
            inside: self.inside.count_above(now),
            slots,
        }
    }

    fn unclaimed(&self) -> u64 {
        if self.calls_are_fresh() {
            0
        } else {
            self.ready.count_up_to(self.now.0)
        }
    }

    /// The totals, with what has run out and is not collected.
    pub(super) fn totals(&self) -> Totals {
        let lapsed = if self.frozen() {
            0
        } else {
            self.run_out(self.now).1
        };
        Totals {
            lapsed: self.totals.lapsed + lapsed,
            unclaimed: self.totals.unclaimed + self.unclaimed(),
            expired: self.totals.expired + self.inside.count_up_to(self.now.0),
            ..self.totals
        }
    }

    /// Ends what has run out of an entry in line or away; says where it stands then.
    pub(super) fn settle_line(&mut self, member: &MemberId) -> Option<Settled> {
        let (frozen, now) = (self.frozen(), self.now.0);
        let entry = |score: i64| EntryNumber(u64::try_from(score).unwrap_or(0));
        if let Some(number) = self.line.score(member) {
            let deadline = self.deadlines.score(member).unwrap_or(0);
            let till = deadline.max(self.floor() + self.waiting_ms());
            if frozen || till > now {
                return Some(Settled::Waiting(entry(number)));
            }
            self.line.remove(member);
            self.deadlines.remove(member);
            if till + self.keep_ms() > now {
                self.away.set(member, number);
                self.lapses.set(member, till + self.keep_ms());
                return Some(Settled::Away(entry(number)));
            }
        } else {
            let number = self.away.score(member)?;
            let till = self
                .lapses
                .score(member)
                .unwrap_or(0)
                .max(self.floor() + self.keep_ms());
            if frozen || till > now {
                return Some(Settled::Away(entry(number)));
            }
            self.away.remove(member);
            self.lapses.remove(member);
        }
        self.entries.remove(member);
        self.totals.lapsed += 1;
        Some(Settled::Lapsed)
    }

    /// Where a member stands, all that has run out ended.
    pub(super) fn settle(&mut self, member: &MemberId) -> Settled {
        match self.settle_line(member) {
            Some(Settled::Lapsed) | None => {}
            Some(place) => return place,
        }
        if self.admitting.score(member).is_some() {
            let number = self.entries.get(member).map_or(0, |entry| entry.number.0);
            return Settled::Admitting(EntryNumber(number));
        }
        self.settle_session(member)
    }

    /// A sign of life of a member in line; an away member is back at the same number.
    pub(super) fn seen(&mut self, member: &MemberId, place: Settled) -> Settled {
        let number = match place {
            Settled::Away(number) => {
                self.away.remove(member);
                self.lapses.remove(member);
                self.line.set(member, number.0 as i64);
                number
            }
            Settled::Waiting(number) => number,
            other => return other,
        };
        self.deadlines.set(member, self.now.0 + self.waiting_ms());
        Settled::Waiting(number)
    }

    /// What an estimate is made from for the `number`-th live entry, 0 for nobody's.
    pub(super) fn line_facts(&self, number: u64) -> LineFacts {
        LineFacts {
            line_length: self.line.len() + self.away.len(),
            pace: self.ring.pace(self.now),
            last_take_at: self.last_take,
            slower_since: self.slower,
            slots: self.slots(number),
        }
    }

    /// What a standing is made from.
    pub(super) fn standing_facts(&self, settled: Settled) -> StandingFacts {
        let (mut number_of_live, state) = (0, self.entry_state(settled));
        if let EntryState::Waiting { live_ahead, .. } = state {
            number_of_live = live_ahead + 1;
        }
        StandingFacts {
            at: self.now,
            concert: self.concert.clone(),
            state,
            line_facts: self.line_facts(number_of_live),
        }
    }

    fn entry_state(&self, settled: Settled) -> EntryState {
        match settled {
            Settled::Lapsed | Settled::None => EntryState::None,
            Settled::Waiting(number) | Settled::Away(number) => {
                let at = number.0 as i64;
                let live = self.line.count_up_to(at);
                let own = matches!(settled, Settled::Waiting(_));
                EntryState::Waiting {
                    number,
                    queue_number: live + self.away.count_up_to(at),
                    live_ahead: live - u64::from(own),
                }
            }
            Settled::Admitting(number) => EntryState::Admitting { number },
            Settled::Ready(number, until) => EntryState::Ready { number, until },
            Settled::Entered(number, until) => EntryState::Entered { number, until },
        }
    }
}
