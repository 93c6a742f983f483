//! From the line to READY: taking off the front, announcing again, calling.

use sunbeon_domain::{EntryNumber, MemberId, Phase};

use super::{
    line::{Line, RESEND_MOST_MS, RESEND_MS},
    records::{Opened, Pop, Settled, TakenBy, WORK},
};
use crate::{Admission, AdmitBy, Held, LimitedBy, Taken, TakenEntry};

const DAY_MS: i64 = 86_400_000;

impl Line {
    pub(super) fn admit(&mut self, by: AdmitBy<'_>) -> Admission {
        self.beat_slots();
        match by {
            AdmitBy::Open {
                batch_size,
                taken,
                key,
            } => self.open(batch_size, taken, key),
            AdmitBy::Schedule => self.take_if_due(),
        }
    }

    fn open(&mut self, batch_size: u32, taken: u32, key: Option<&str>) -> Admission {
        let mut total = taken;
        let now = self.now;
        let opened = key
            .and_then(|key| self.opened.get(key))
            .filter(|opened| opened.until > now);
        if let Some(opened) = opened {
            if opened.batch_size != batch_size {
                return Admission::KeyReused;
            }
            total = opened.taken;
            if opened.finished {
                let limited_by = opened.limited_by;
                let (entries, more, replayed) = (Vec::new(), false, true);
                return self.taken(entries, total, more, limited_by, replayed);
            }
        }
        if self.over() {
            return Admission::Closed;
        }
        let enough = self.enough();
        let left = u64::from(batch_size.saturating_sub(total)).min(enough);
        let (entries, more) = self.take(left, TakenBy::Open);
        let is_enough = entries.len() as u64 >= enough;
        total += u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let limited_by = if total >= batch_size {
            LimitedBy::BatchSize
        } else {
            self.what_limits(is_enough)
        };
        if let Some(key) = key {
            let (finished, until) = (!more, now + DAY_MS);
            let opened = Opened {
                batch_size,
                taken: total,
                finished,
                limited_by,
                until,
            };
            self.opened.retain(|_, opened| opened.until > now);
            self.opened.insert(key.to_owned(), opened);
        }
        self.taken(entries, total, more, limited_by, false)
    }

    fn take_if_due(&mut self) -> Admission {
        if self.over() {
            return Admission::Closed;
        }
        let enough = self.enough();
        let left = self.due().min(enough);
        let (entries, more) = self.take(left, TakenBy::Schedule);
        let n = entries.len();
        if n > 0 {
            self.last_take = Some(self.times.slot.time);
            self.take_left = if more { left - n as u64 } else { 0 };
        }
        let total = u32::try_from(n).unwrap_or(u32::MAX);
        let limited_by = self.what_limits(n as u64 >= enough);
        self.taken(entries, total, more, limited_by, false)
    }

    /// What keeps more from being taken, where as many were as can have some of what is left, or not.
    fn what_limits(&self, is_enough: bool) -> LimitedBy {
        let counts = self.counts();
        if is_enough && counts.waiting > 0 {
            LimitedBy::SoldOut
        } else if self.is_full(counts.slots) && counts.waiting > 0 {
            LimitedBy::MaxActive
        } else {
            LimitedBy::Line
        }
    }

    fn taken(
        &self,
        entries: Vec<TakenEntry>,
        total: u32,
        more: bool,
        limited_by: LimitedBy,
        replayed: bool,
    ) -> Admission {
        Admission::Taken(Box::new(Taken {
            concert: self.concert.clone(),
            entries,
            total,
            more,
            still_waiting: self.counts().waiting,
            limited_by,
            paused: self.concert.policy.paused,
            replayed,
        }))
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

    /// Moves up to `left` live entries from the front to admitting, as slots are free; says
    /// whether the bound on work ended it.
    fn take(&mut self, left: u64, by: TakenBy) -> (Vec<TakenEntry>, bool) {
        let (mut taken, mut looked, mut full) = (Vec::new(), 0, false);
        let mut used = self.counts().slots;
        while (taken.len() as u64) < left && looked < WORK && !full {
            let Some(member) = self.line.iter().next().map(|(_, member)| member.clone()) else {
                break;
            };
            if let Some(Settled::Waiting(number)) = self.settle_line(&member) {
                full = !self.has_slot_for(&member, used);
                if full {
                    break;
                }
                used += u64::from(!self.take_cooling(&member));
                taken.push(self.take_one(member, number, by));
            }
            looked += 1;
        }
        if !taken.is_empty() {
            self.ring.add(taken.len() as u64, self.now);
        }
        let is_short = (taken.len() as u64) < left && looked >= WORK;
        (taken, is_short && !full && self.line.len() > 0)
    }

    fn take_one(&mut self, member: MemberId, number: EntryNumber, by: TakenBy) -> TakenEntry {
        self.line.remove(&member);
        self.seen.remove(&member);
        let reading = self.times.slot.time;
        self.taken += 1;
        self.taken_through = self.taken_through.max(number.0);
        self.admitting.set(&member, reading + RESEND_MS);
        let pop = Pop {
            number,
            at: self.now,
            reading,
            by,
        };
        let taken = self.taken_entry(member.clone(), &pop);
        self.pops.insert(member, pop);
        taken
    }

    fn taken_entry(&self, member: MemberId, pop: &Pop) -> TakenEntry {
        TakenEntry {
            number: pop.number,
            name: self.names.get(&member).cloned().unwrap_or_default(),
            taken_at: pop.at,
            member,
        }
    }

    pub(super) fn ready(&mut self, entries: &[(MemberId, EntryNumber)]) -> Vec<bool> {
        entries
            .iter()
            .map(|(member, number)| self.call(member, *number))
            .collect()
    }

    fn call(&mut self, member: &MemberId, number: EntryNumber) -> bool {
        let known = self.pops.get(member);
        let Some(by) = known.filter(|pop| pop.number == number).map(|pop| pop.by) else {
            return false;
        };
        if self.over() {
            return false;
        }
        self.admitting.remove(member);
        self.pops.remove(member);
        self.names.remove(member);
        self.become_ready(member, number);
        match by {
            TakenBy::Open => self.totals.by_open += 1,
            TakenBy::Schedule => self.totals.by_schedule += 1,
        }
        true
    }

    pub(super) fn resend(&mut self) -> Vec<TakenEntry> {
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
}
