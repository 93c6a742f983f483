//! From the line to READY: taking off the front, by hand too, and calling.

use sunbeon_domain::{EntryNumber, MemberId};

use super::{
    line::{Line, RESEND_MS},
    records::{Opened, Pop, Settled, TakenBy, WORK},
};
use crate::{Admission, LimitedBy, Opening, Taken, TakenEntry};

const DAY_MS: i64 = 86_400_000;

impl Line {
    pub(super) fn admit(&mut self, opening: Opening<'_>) -> Admission {
        self.beat_slots();
        let Opening {
            batch_size,
            taken,
            key,
        } = opening;
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

    /// Moves up to `left` live entries from the front to admitting, as slots are free; says
    /// whether the bound on work ended it.
    pub(super) fn take(&mut self, left: u64, by: TakenBy) -> (Vec<TakenEntry>, bool) {
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
        if let Some(last) = taken.last() {
            self.out_of_order += self.in_front_of(last.number);
            self.ring.add(taken.len() as u64, self.now);
            // It does not know of them.
            self.shared = None;
        }
        let is_short = (taken.len() as u64) < left && looked >= WORK;
        (taken, is_short && !full && self.line.len() > 0)
    }

    /// Returns how many stand in line in front of an entry that was just taken: they were passed over. Nobody
    /// ever is, or this is wrong.
    fn in_front_of(&self, taken: EntryNumber) -> u64 {
        let numbers = self.line.iter().map(|(number, _)| number as u64);
        numbers.take_while(|number| *number < taken.0).count() as u64
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

    pub(super) fn taken_entry(&self, member: MemberId, pop: &Pop) -> TakenEntry {
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
}
