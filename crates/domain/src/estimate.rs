//! Estimating the wait, and the reason why it is longer than the pace suggests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Pace, Policy, Stock, UnixMs};

/// How long the slot of a session stays taken after its end, in counted time. Every gate knows of the end
/// within 5 s; a beat after a step of the clock may count 2 s too many.
pub const COOLING_MS: i64 = 7_000;

const MINUTE_MS: i64 = 60_000;

/// The input of an estimate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFacts {
    /// Entries in line, including those away.
    pub line_length: u64,
    /// How fast the line has moved.
    pub pace: Pace,
    /// The latest scheduled take.
    pub last_take_at: Option<UnixMs>,
    /// When the policy was last changed to admit more slowly.
    pub slower_since: Option<UnixMs>,
    /// The slots; `None` without a limit.
    pub slots: Option<Slots>,
    /// What is left; `None` if the shop has not reported it lately.
    pub stock: Option<Stock>,
    /// Whether the shop has reported lately that nothing is left and nothing held.
    pub sold_out: bool,
}

/// The slots of a concert with a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots {
    /// How many are in use.
    pub used: u64,
    /// When those in use become free if every session lasts to its end, for each of
    /// [`Slots::sampled`].
    pub ends: Vec<SlotEnd>,
}

/// When some of the slots in use will have become free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotEnd {
    /// How many.
    pub slots: u64,
    /// When.
    pub at: UnixMs,
}

impl Slots {
    /// Returns for how many of the slots in use an end is told: the numbers up to 16, from there on each
    /// an eighth above the one before, and all of them at the end.
    pub fn sampled(used: u64) -> impl Iterator<Item = u64> {
        let further = move |last: &u64| (*last < used).then(|| used.min(last + (last / 8).max(1)));
        std::iter::successors((used > 0).then_some(1), further)
    }

    /// Returns when there will be a slot for so many more entries: never too early, as what lies between
    /// two samples counts as the later one. Any past moment if there is now.
    fn free_at(&self, entries: u64, limit: u64) -> UnixMs {
        let ended = (self.used + entries).saturating_sub(limit);
        let reached = self.ends.partition_point(|end| end.slots < ended);
        let end = self.ends.get(reached).or(self.ends.last());
        end.filter(|_| ended > 0).map_or(UnixMs(0), |end| end.at)
    }
}

/// Why an estimate is longer than the pace of the line suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EstimateReason {
    /// The operator paused the line; there is no estimate until it is resumed.
    Paused,
    /// All slots are taken, so sessions must end first.
    SlotsFull,
    /// The operator changed the concert to admit fewer people.
    Changed,
    /// The line moves more slowly than it did in the last quarter of an hour.
    Slowed,
}

/// When an entry will be taken off the front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The moment; `None` while paused, where nobody is taken because nothing is left, and without any
    /// pace if only `open` admits.
    pub at: Option<UnixMs>,
    /// Why it is later than the pace suggests.
    pub reason: Option<EstimateReason>,
}

impl Estimate {
    /// Estimates when the entry with this many live entries ahead of it will be taken.
    ///
    /// The estimate is never earlier than the schedule and the slots allow if every session lasts
    /// to its end: groups of `groupSize`, one every `entryIntervalSeconds` from the next due take,
    /// and no member before a slot is free. If only `open` admits, there is no schedule; the pace
    /// and the slots decide.
    pub fn new(live_ahead: u64, line_facts: &LineFacts, policy: &Policy, now: UnixMs) -> Self {
        if policy.paused {
            return Self {
                at: None,
                reason: Some(EstimateReason::Paused),
            };
        }
        let stock = line_facts.stock.as_ref();
        if policy.stop_when_sold_out && stock.is_some_and(|stock| stock.left() == 0) {
            return Self::default();
        }
        let interval = i64::from(policy.entry_interval_seconds) * 1_000;
        let wait = Wait {
            number: live_ahead + 1,
            begin: policy.booking_start_at.map_or(now, |start| start.max(now)),
            interval: if policy.auto_open { interval } else { 0 },
            line_facts,
            policy,
            now,
        };
        wait.estimate()
    }

    /// Returns the largest queue number, those away not counted, for which the wait is not long; 0 if
    /// even the first in line would wait too long.
    pub fn longest_line(line_facts: &LineFacts, policy: &Policy, now: UnixMs) -> u64 {
        let is_long =
            |number: u64| Self::new(number - 1, line_facts, policy, now).is_long(policy, now);
        let (mut short, mut long) = (0, u64::from(u32::MAX));
        if !is_long(long) {
            return u64::MAX;
        }
        while long - short > 1 {
            let middle = short.midpoint(long);
            if is_long(middle) {
                long = middle;
            } else {
                short = middle;
            }
        }
        short
    }

    /// Returns an estimate without a reason.
    pub fn at(moment: UnixMs) -> Self {
        Self {
            at: Some(moment),
            reason: None,
        }
    }

    /// Returns whether the wait, counted from the later of now and `bookingStartAt`, exceeds the
    /// concert's `maxWaitTimeMinutes`.
    pub fn is_long(&self, policy: &Policy, now: UnixMs) -> bool {
        let begin = policy.booking_start_at.map_or(now, |start| start.max(now));
        let most = i64::from(policy.max_wait_time_minutes) * MINUTE_MS;
        self.at.is_some_and(|at| at > begin + most)
    }
}

struct Wait<'a> {
    /// Live entries up to and including this one.
    number: u64,
    /// The later of now and `bookingStartAt`.
    begin: UnixMs,
    /// The minimum time between two takes; 0 if only `open` admits.
    interval: i64,
    line_facts: &'a LineFacts,
    policy: &'a Policy,
    now: UnixMs,
}

impl Wait<'_> {
    fn estimate(&self) -> Estimate {
        let Some(unhindered) = self.unhindered() else {
            return Estimate::default();
        };
        let at = self
            .slots_allow()
            .map_or(unhindered, |allowed| allowed.max(unhindered));
        let since = self.line_facts.slower_since;
        let reason = if at > unhindered {
            Some(EstimateReason::SlotsFull)
        } else if since.is_some_and(|since| self.now < since + Pace::MEMORY_MS) {
            Some(EstimateReason::Changed)
        } else {
            self.is_slowed().then_some(EstimateReason::Slowed)
        };
        Estimate {
            at: Some(at),
            reason,
        }
    }

    /// Returns the moment by the schedule, or else by the pace, if slots are free.
    fn unhindered(&self) -> Option<UnixMs> {
        if self.policy.auto_open {
            return Some(self.due() + self.takes(self.number));
        }
        let rate = self.rate();
        let wait = (self.number as f64 * MINUTE_MS as f64 / rate).ceil() as i64;
        (rate > 0.0).then(|| self.begin + wait)
    }

    fn rate(&self) -> f64 {
        let interval = self.policy.entry_interval_seconds;
        self.line_facts.pace.per_minute(interval, self.now)
    }

    /// Returns how long after a take the last of this many entries is taken, if the first goes with
    /// that take.
    fn takes(&self, entries: u64) -> i64 {
        let groups = entries.div_ceil(u64::from(self.policy.group_size));
        millis(groups.saturating_sub(1)).saturating_mul(self.interval)
    }

    /// Returns the next take. A take that is overdue may still need up to an interval, unless it
    /// only waits for a slot.
    fn due(&self) -> UnixMs {
        let last = self.line_facts.last_take_at;
        let next = last.map(|last| last + self.interval);
        let full = self
            .limited()
            .is_some_and(|(slots, limit)| slots.used >= limit);
        match next.filter(|next| *next > self.begin) {
            Some(next) => next,
            None if full => self.begin,
            None => self.begin + self.interval,
        }
    }

    /// Returns the slots and their limit; `None` without a limit.
    fn limited(&self) -> Option<(&Slots, u64)> {
        let limit = self.policy.max_active.map(u64::from);
        self.line_facts.slots.as_ref().zip(limit)
    }

    /// Returns the latest moment to which waiting for slots can lead. Until some entry ahead gets
    /// its slot, the entries before it may be taken one by one, an interval apart; from then on
    /// every take is a whole group. Only the quarter of that entry is known, so the slot of the
    /// quarter's last entry and the place of its first stand for it.
    fn slots_allow(&self) -> Option<UnixMs> {
        let (slots, limit) = self.limited()?;
        let reach = self.number.min(limit);
        let lasts = [1, 2, 3, 4].map(|quarter| (reach * quarter).div_ceil(4));
        let befores = std::iter::once(0).chain(lasts);
        befores
            .zip(lasts)
            .filter(|(before, last)| before < last)
            .filter_map(|(before, last)| {
                let free_at = slots.free_at(last, limit);
                let rounds = (self.number - before - 1) / limit;
                let first = (free_at > self.begin).then(|| {
                    let apart = if last == 1 { 0 } else { self.interval };
                    self.due().max(free_at + apart) + self.takes(self.number - before)
                });
                let again = (rounds > 0).then(|| {
                    let left = self.number - rounds * limit - before;
                    let start = self.due().max(free_at + self.interval);
                    start + self.reuse(rounds) + self.takes(left)
                });
                first.max(again)
            })
            .max()
    }

    /// Returns how long a slot takes to serve this many whole sessions, one after another.
    fn reuse(&self, rounds: u64) -> i64 {
        let session = i64::from(self.policy.session_minutes) * MINUTE_MS;
        let round = session + COOLING_MS + self.interval;
        millis(rounds).saturating_mul(round) + self.interval
    }

    /// Returns whether the line moved faster than this estimate assumes, by more than a fifth.
    fn is_slowed(&self) -> bool {
        if self.policy.auto_open {
            self.pace_beats_schedule()
        } else {
            self.pace_has_fallen()
        }
    }

    /// Returns whether the line moved faster than the current schedule, by more than a fifth, for two
    /// intervals at least: a single take is no pace.
    fn pace_beats_schedule(&self) -> bool {
        let since = self.line_facts.pace.since;
        if since.is_none_or(|since| self.now < since + 2 * self.interval) {
            return false;
        }
        let a_take = self.rate() * self.interval as f64 / MINUTE_MS as f64;
        let paced = (self.number as f64 * 1.2 / a_take).ceil();
        a_take > 0.0 && self.number.div_ceil(u64::from(self.policy.group_size)) as f64 > paced
    }

    /// Returns whether the pace is below that of the last quarter of an hour, by more than a fifth.
    fn pace_has_fallen(&self) -> bool {
        let interval = self.policy.entry_interval_seconds;
        let [_, _, fifteen] = self.line_facts.pace.averages(interval, self.now);
        self.rate() < 0.8 * fifteen
    }
}

fn millis(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
