//! Estimates compared with a simulation of how entries are taken.

use proptest::prelude::*;
use sunbeon_domain::{COOLING_MS, Estimate, LineFacts, Policy, SlotEnd, Slots, UnixMs};

const NOW: i64 = 1_000_000_000;

/// A line as the schedule finds it.
#[derive(Debug, Clone)]
struct Line {
    policy: Policy,
    last_take: Option<i64>,
    /// When each slot in use becomes free.
    ends: Vec<i64>,
    /// The entry whose estimate is tested, from 1.
    number: u64,
}

impl Line {
    fn interval(&self) -> i64 {
        i64::from(self.policy.entry_interval_seconds) * 1_000
    }

    fn begin(&self) -> i64 {
        self.policy
            .booking_start_at
            .map_or(NOW, |start| start.0.max(NOW))
    }

    /// Takes groups as soon as the rules allow. Every session starts at once and lasts to its end.
    fn taken_at(&self) -> i64 {
        let session = i64::from(self.policy.session_minutes) * 60_000 + COOLING_MS;
        let (mut ends, mut last, mut taken) = (self.ends.clone(), self.last_take, 0);
        let mut now = self.begin();
        loop {
            now = now.max(last.map_or(now, |last| last + self.interval()));
            ends.retain(|end| *end > now);
            let free = self.policy.max_active.map_or(u64::MAX, |limit| {
                u64::from(limit).saturating_sub(ends.len() as u64)
            });
            if free == 0 {
                now = *ends.iter().min().unwrap();
                continue;
            }
            let group = free
                .min(u64::from(self.policy.group_size))
                .min(self.number - taken);
            taken += group;
            if taken == self.number {
                return now;
            }
            last = Some(now);
            ends.extend(std::iter::repeat_n(now + session, group as usize));
        }
    }

    /// Returns the store's facts about this line.
    fn line_facts(&self) -> LineFacts {
        let mut ends = self.ends.clone();
        ends.sort_unstable();
        let slots = self.policy.max_active.map(|_| {
            let used = ends.len() as u64;
            let end = |slots: u64| SlotEnd {
                slots,
                at: UnixMs(ends[slots as usize - 1]),
            };
            Slots {
                used,
                ends: Slots::sampled(used).map(end).collect(),
            }
        });
        LineFacts {
            last_take_at: self.last_take.map(UnixMs),
            slots,
            ..LineFacts::default()
        }
    }

    fn estimate(&self) -> i64 {
        let estimate = Estimate::new(
            self.number - 1,
            &self.line_facts(),
            &self.policy,
            UnixMs(NOW),
        );
        estimate.at.expect("with a schedule there is an estimate").0
    }
}

fn line(with_slots: bool) -> impl Strategy<Value = Line> {
    let schedule = (1..40_u32, prop_oneof![1..120_u32, 1..3_600_u32], 1..30_u32);
    let state = (
        prop::option::of(0..200_000_i64),
        prop::collection::vec(1..2_000_000_i64, 0..200),
        0..80_u32,
        1..400_u64,
        prop::option::weighted(0.2, 1..500_000_i64),
    );
    (schedule, state).prop_map(
        move |((group, interval, minutes), (taken, ends, room, number, start))| {
            let session = i64::from(minutes) * 60_000 + COOLING_MS;
            let ends: Vec<_> = ends.iter().map(|end| NOW + 1 + end % session).collect();
            let limit = (ends.len() as u32 + room).saturating_sub(20).max(1);
            let policy = Policy {
                group_size: group,
                entry_interval_seconds: interval,
                session_minutes: minutes,
                max_active: with_slots.then_some(limit),
                booking_start_at: start.map(|start| UnixMs(NOW + start)),
                ..Policy::default()
            };
            Line {
                policy,
                last_take: taken.map(|ago| NOW - ago),
                ends: if with_slots { ends } else { Vec::new() },
                number,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_estimate_is_never_earlier_than_the_schedule_and_the_slots_allow(line in line(true)) {
        let (told, taken) = (line.estimate(), line.taken_at());
        prop_assert!(told >= taken, "told {} s, taken after {} s", (told - NOW) / 1000, (taken - NOW) / 1000);
    }

    #[test]
    fn without_a_limit_an_estimate_is_at_most_one_interval_late(line in line(false)) {
        let (told, taken) = (line.estimate(), line.taken_at());
        prop_assert!((taken..=taken + line.interval()).contains(&told), "{told} {taken}");
    }

    #[test]
    fn with_slots_an_estimate_is_close_to_the_real_wait(line in line(true)) {
        let (told, taken) = (line.estimate() - NOW, line.taken_at() - NOW);
        prop_assert!(told <= 2 * taken + 3 * line.interval(), "told {} s, taken after {} s", told / 1000, taken / 1000);
    }
}
