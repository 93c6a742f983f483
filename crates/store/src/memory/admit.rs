//! From the line to READY: taking off the front, announcing again, calling.

use sunbeon_domain::{EntryNumber, MemberId, Phase, UnixMs};

use super::{
    line::{Line, RESEND_MOST_MS, RESEND_MS, WORK},
    records::{Opened, Settled, TakenBy},
};
use crate::{Admission, AdmitBy, LimitedBy, Taken, TakenEntry};

const DAY_MS: i64 = 86_400_000;

impl Line {
    pub(super) fn admit(&mut self, by: AdmitBy<'_>) -> Admission {
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
        let left = u64::from(batch_size.saturating_sub(total));
        let (entries, more) = self.take(left, TakenBy::Open);
        total += u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let limited_by = if total >= batch_size {
            LimitedBy::BatchSize
        } else {
            self.what_limits()
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
        let left = self.due();
        let (entries, more) = self.take(left, TakenBy::Schedule);
        let n = entries.len();
        if n > 0 {
            self.last_take = Some(self.now);
            self.take_left = if more { left - n as u64 } else { 0 };
        }
        let total = u32::try_from(n).unwrap_or(u32::MAX);
        let limited_by = self.what_limits();
        self.taken(entries, total, more, limited_by, false)
    }

    /// What keeps more from being taken.
    fn what_limits(&self) -> LimitedBy {
        let counts = self.counts();
        let full = self.free(&counts) == Some(0) && counts.waiting > 0;
        if full {
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

    /// How many the schedule may take now.
    fn due(&mut self) -> u64 {
        // A clock that went back begins the interval anew.
        self.last_take = self.last_take.map(|last| last.min(self.now));
        let policy = &self.concert.policy;
        if self.phase != Phase::Open || !policy.auto_open {
            return 0;
        }
        let left = u64::from(policy.group_size).saturating_sub(self.admitting.len());
        let interval = i64::from(policy.entry_interval_seconds) * 1_000;
        let between = |last: UnixMs| self.now < last + interval;
        // Between two takes only the rest of one that the bound on work cut short.
        if self.last_take.is_some_and(between) {
            left.min(self.take_left)
        } else {
            left
        }
    }

    /// Moves up to `left` live entries from the front to admitting, as slots are free; says
    /// whether the bound on work ended it.
    fn take(&mut self, left: u64, by: TakenBy) -> (Vec<TakenEntry>, bool) {
        let wanted = self
            .free(&self.counts())
            .map_or(left, |free| free.min(left)) as usize;
        let (mut taken, mut looked) = (Vec::new(), 0);
        while taken.len() < wanted && looked < WORK {
            let Some(member) = self.line.iter().next().map(|(_, member)| member.clone()) else {
                break;
            };
            looked += 1;
            if let Some(Settled::Waiting(number)) = self.settle_line(&member) {
                taken.push(self.take_one(member, number, by));
            }
        }
        if !taken.is_empty() {
            self.ring.add(taken.len() as u64, self.now);
        }
        let more = taken.len() < wanted && looked >= WORK && self.line.len() > 0;
        (taken, more)
    }

    fn take_one(&mut self, member: MemberId, number: EntryNumber, by: TakenBy) -> TakenEntry {
        self.line.remove(&member);
        self.deadlines.remove(&member);
        self.admitting.set(&member, self.now.0 + RESEND_MS);
        let entry = self
            .entries
            .get_mut(&member)
            .expect("an entry in line has a record");
        entry.taken = Some((self.now, by));
        TakenEntry {
            member,
            number,
            name: entry.name.clone(),
            taken_at: self.now,
        }
    }

    pub(super) fn ready(&mut self, entries: &[(MemberId, EntryNumber)]) -> Vec<bool> {
        entries
            .iter()
            .map(|(member, number)| self.call(member, *number))
            .collect()
    }

    fn call(&mut self, member: &MemberId, number: EntryNumber) -> bool {
        let known = self
            .entries
            .get(member)
            .filter(|entry| entry.number == number);
        let Some((_, by)) = known.and_then(|entry| entry.taken) else {
            return false;
        };
        self.admitting.remove(member);
        self.entries.remove(member);
        self.become_ready(member, number);
        match by {
            TakenBy::Open => self.totals.by_open += 1,
            TakenBy::Schedule => self.totals.by_schedule += 1,
        }
        true
    }

    pub(super) fn resend(&mut self) -> Vec<TakenEntry> {
        let mut due = Vec::new();
        for member in self.admitting.due(self.now.0, WORK) {
            let entry = &self.entries[&member];
            let taken_at = entry.taken.map_or(self.now, |(at, _)| at);
            let pause = (self.now.0 - taken_at.0).clamp(RESEND_MS, RESEND_MOST_MS);
            self.admitting.set(&member, self.now.0 + pause);
            let (number, name) = (entry.number, entry.name.clone());
            due.push(TakenEntry {
                member,
                number,
                name,
                taken_at,
            });
        }
        due
    }
}
