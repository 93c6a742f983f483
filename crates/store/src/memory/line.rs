//! One concert's line: what the scripts' prelude is on Redis.

use std::{collections::HashMap, sync::Arc};

use sunbeon_domain::{
    COOLING_MS, Concert, EntryNumber, EntryState, LineFacts, MemberId, Phase, Policy, UnixMs,
};

use super::{
    feed::Feed,
    ordered::Ordered,
    pages::Pages,
    records::{Opened, Pop, Session, Settled},
    ring::Ring,
    stock::Reported,
    time::Times,
};
use crate::{Counts, Progress, Snapshot, StandingFacts, Totals};

pub(super) const RESEND_MS: i64 = 5_000;
pub(super) const RESEND_MOST_MS: i64 = 60_000;

/// One concert's line.
pub(super) struct Line {
    pub(super) concert: Arc<Concert>,
    /// The version by which it was first put.
    born: u64,
    pub(super) now: UnixMs,
    pub(super) now_us: u64,
    pub(super) phase: Phase,
    pub(super) times: Times,
    pub(super) line: Ordered<MemberId>,
    pub(super) away: Ordered<MemberId>,
    /// Until which reading of `lineTime` a waiting member is seen.
    pub(super) seen: Ordered<MemberId>,
    /// Until which reading of `keepTime` an away member's place is kept.
    pub(super) lapses: Ordered<MemberId>,
    pub(super) names: HashMap<MemberId, String>,
    /// At which reading of `slotTime` the message is sent again.
    pub(super) admitting: Ordered<MemberId>,
    pub(super) pops: HashMap<MemberId, Pop>,
    /// Until which reading of `claimTime`.
    pub(super) ready: Ordered<MemberId>,
    /// Until which reading of `slotTime`.
    pub(super) inside: Ordered<MemberId>,
    /// Until which reading of `slotTime` the slot of an ended session is taken.
    pub(super) cooling: Ordered<MemberId>,
    /// What was in `cooling` of those who were called or taken since: put back when they leave.
    pub(super) owed: Ordered<MemberId>,
    pub(super) revoked: Feed,
    /// No token of this concert lives longer, whatever the policy says by then.
    pub(super) longest_s: i64,
    pub(super) sessions: HashMap<MemberId, Session>,
    pub(super) totals: Totals,
    pub(super) ring: Ring,
    pub(super) last: u64,
    pub(super) cleared_through: u64,
    /// How many entries were ever taken off the front, and the largest number of those.
    pub(super) taken: u64,
    pub(super) taken_through: u64,
    /// From the enter that wakes the line until a tick finds that nothing is left.
    pub(super) live: bool,
    /// The reading of `slotTime` at the latest scheduled take.
    pub(super) last_take: Option<i64>,
    pub(super) guests_refused: u64,
    pub(super) out_of_order: u64,
    pub(super) reported: Option<Reported>,
    pub(super) take_left: u64,
    pub(super) opened: HashMap<String, Opened>,
    slower: Option<UnixMs>,
    pub(super) pages: Pages,
    /// The snapshot that is kept for all.
    pub(super) shared: Option<Snapshot>,
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
            born: concert.version,
            concert: Arc::new(concert),
            times: Times::new(now),
            line: Ordered::default(),
            away: Ordered::default(),
            seen: Ordered::default(),
            lapses: Ordered::default(),
            names: HashMap::new(),
            admitting: Ordered::default(),
            pops: HashMap::new(),
            ready: Ordered::default(),
            inside: Ordered::default(),
            cooling: Ordered::default(),
            owed: Ordered::default(),
            revoked,
            longest_s,
            sessions: HashMap::new(),
            totals: Totals::default(),
            ring: Ring::default(),
            last: 0,
            cleared_through: 0,
            taken: 0,
            taken_through: 0,
            last_take: None,
            live: false,
            guests_refused: 0,
            out_of_order: 0,
            reported: None,
            take_left: 0,
            opened: HashMap::new(),
            slower: None,
            pages: Pages::default(),
            shared: None,
        }
    }

    /// What every verb begins with: the clock is read.
    pub(super) fn begin(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.now = moment(now_us);
        self.phase = self.concert.phase(self.now);
    }

    pub(super) fn put(&mut self, concert: &Concert, now_us: u64) {
        self.begin(now_us);
        if self.concert.version >= concert.version {
            return;
        }
        // The end of a sale, unlike a close, is left to counted time: a clock may be wrong.
        if concert.closed && !self.is_empty() {
            self.clear();
        }
        if concert.policy.is_slower_than(&self.concert.policy) {
            self.slower = Some(self.now);
        }
        self.longest_s = self.longest_s.max(longest_s(&concert.policy));
        self.concert = Arc::new(concert.clone());
    }

    pub(super) fn version(&self) -> u64 {
        self.concert.version
    }

    pub(super) fn over(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Ended)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.line.len() + self.away.len() + self.admitting.len() == 0
    }

    /// Whether nobody is in line or inside, nothing is left to collect, and the interval of the last
    /// scheduled take has passed, so that no take comes early.
    pub(super) fn has_nothing_left(&self) -> bool {
        let sets = [
            &self.line,
            &self.away,
            &self.admitting,
            &self.ready,
            &self.inside,
            &self.cooling,
            &self.owed,
        ];
        let paced = self.last_take.map(|last| last + self.interval_ms());
        paced.is_none_or(|until| self.times.slot.time >= until)
            && sets.iter().all(|set| set.len() == 0)
    }

    pub(super) fn waiting_ms(&self) -> i64 {
        i64::from(self.concert.policy.waiting_ttl_seconds) * 1_000
    }

    /// How long a place is kept: through at least one beat while the sale is open.
    fn keep_ms(&self) -> i64 {
        (i64::from(self.concert.policy.keep_place_minutes) * 60_000).max(1)
    }

    pub(super) fn ready_ms(&self) -> i64 {
        i64::from(self.concert.policy.ready_ttl_seconds) * 1_000
    }

    /// Waiting members who are unseen, and away ones whose place was kept too long.
    fn run_out(&self) -> (u64, u64) {
        let gone = self.seen.count_up_to(self.times.line.time);
        (gone, self.lapses.count_up_to(self.times.keep))
    }

    /// Empties the line; says how many were in it.
    pub(super) fn clear(&mut self) -> u64 {
        let all = self.line.len() + self.away.len() + self.admitting.len();
        let lapsed = self.run_out().1;
        let taken: Vec<_> = self.pops.keys().cloned().collect();
        for member in taken {
            self.end_slot(&member, 0);
        }
        self.totals.lapsed += lapsed;
        self.totals.cleared += all - lapsed;
        self.cleared_through = self.last;
        // It does not know of it.
        self.shared = None;
        for set in [
            &mut self.line,
            &mut self.away,
            &mut self.seen,
            &mut self.lapses,
            &mut self.admitting,
        ] {
            set.clear();
        }
        self.names.clear();
        self.pops.clear();
        all - lapsed
    }

    /// Whether anybody is in line or inside, or not yet collected.
    pub(super) fn is_in_use(&self) -> bool {
        let counts = self.counts();
        let sessions = self.ready.len() + self.inside.len();
        counts.waiting + counts.away + counts.slots + sessions > 0
    }

    /// How many there are; what has run out has ended.
    pub(super) fn counts(&self) -> Counts {
        let (gone, lapsed) = self.run_out();
        let (slot, admitting) = (self.times.slot.time, self.admitting.len());
        let ready = self.ready.count_above(self.times.claim.time);
        let slots = admitting
            + ready
            + self.inside.count_above(slot - COOLING_MS)
            + self.cooling.count_above(slot);
        Counts {
            waiting: self.line.len() - gone,
            away: self.away.len() + gone - lapsed,
            admitting,
            ready,
            inside: self.inside.count_above(slot),
            slots,
        }
    }

    /// The totals, with what has run out and is not collected.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            lapsed: self.totals.lapsed + self.run_out().1,
            unclaimed: self.totals.unclaimed + self.ready.count_up_to(self.times.claim.time),
            expired: self.totals.expired + self.inside.count_up_to(self.times.slot.time),
            ..self.totals
        }
    }

    /// Ends what has run out of an entry in line or away; says where it stands then.
    pub(super) fn settle_line(&mut self, member: &MemberId) -> Option<Settled> {
        let entry = |score: i64| EntryNumber(u64::try_from(score).unwrap_or(0));
        if let Some(number) = self.line.score(member) {
            let seen_until = self.seen.score(member).unwrap_or(0);
            if seen_until > self.times.line.time {
                return Some(Settled::Waiting(entry(number)));
            }
            self.line.remove(member);
            self.seen.remove(member);
            self.away.set(member, number);
            self.lapses.set(member, self.times.keep + self.keep_ms());
            return Some(Settled::Away(entry(number)));
        }
        let number = self.away.score(member)?;
        if self.lapses.score(member).unwrap_or(0) > self.times.keep {
            return Some(Settled::Away(entry(number)));
        }
        self.away.remove(member);
        self.lapses.remove(member);
        self.names.remove(member);
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
            let number = self.pops.get(member).map_or(0, |pop| pop.number.0);
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
        let until = self.times.line.reading(self.now) + self.waiting_ms();
        self.seen.set(member, until);
        Settled::Waiting(number)
    }

    /// The latest scheduled take, as a moment of the clock.
    pub(super) fn last_take_at(&self) -> Option<UnixMs> {
        let shown = |reading| self.times.moment(reading, self.now);
        self.last_take.map(shown)
    }

    /// How far the line has come.
    pub(super) fn progress(&self) -> Progress {
        Progress {
            born: self.born,
            taken: self.taken,
            line_time: self.times.line.reading(self.now),
        }
    }

    /// What estimates are made from.
    pub(super) fn line_facts(&self) -> LineFacts {
        LineFacts {
            line_length: self.line.len() + self.away.len(),
            pace: self.ring.pace(self.now),
            last_take_at: self.last_take_at(),
            slower_since: self.slower,
            slots: self.slots(),
            stock: self.stock(),
            sold_out: self.is_sold_out(),
        }
    }

    /// What a standing is made from.
    pub(super) fn standing_facts(&self, settled: Settled) -> StandingFacts {
        StandingFacts {
            at: self.now,
            concert: self.concert.clone(),
            state: self.entry_state(settled),
            progress: self.progress(),
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
