use super::*;

fn policy() -> Policy {
    Policy {
        group_size: 10,
        entry_interval_seconds: 30,
        ..Policy::default()
    }
}

const NOW: UnixMs = UnixMs(3_600_000);

/// Returns the seconds from now until the entry with this queue number is taken, if nobody is
/// away.
fn wait(number: u64, line_facts: &LineFacts, policy: &Policy) -> Option<i64> {
    let estimate = Estimate::new(number - 1, line_facts, policy, NOW);
    estimate.at.map(|at| (at.0 - NOW.0) / 1_000)
}

#[test]
fn without_history_it_is_groups_times_the_interval() {
    for (number, seconds) in [(1, 30), (10, 30), (11, 60), (15, 60), (100, 300)] {
        assert_eq!(
            wait(number, &LineFacts::default(), &policy()),
            Some(seconds)
        );
    }
}

#[test]
fn after_a_take_it_counts_from_the_next_one() {
    let line_facts = LineFacts {
        last_take_at: Some(NOW + -12_000),
        ..LineFacts::default()
    };
    for (number, seconds) in [(1, 18), (10, 18), (11, 48), (100, 288)] {
        assert_eq!(wait(number, &line_facts, &policy()), Some(seconds));
    }
}

#[test]
fn a_line_opened_by_hand_continues_at_its_pace() {
    let pace = Pace {
        one: 60,
        five: 200,
        fifteen: 300,
        since: Some(UnixMs(0)),
    };
    let by_hand = Policy {
        auto_open: false,
        ..policy()
    };
    let line_facts = LineFacts {
        pace,
        ..LineFacts::default()
    };
    assert_eq!(wait(46, &line_facts, &by_hand), Some(60));
}

#[test]
fn with_all_slots_taken_it_waits_for_sessions_to_end() {
    let full = Policy {
        max_active: Some(10),
        session_minutes: 60,
        group_size: 10,
        entry_interval_seconds: 1,
        ..Policy::default()
    };
    let line_facts = LineFacts {
        slots: Some(Slots {
            used: 10,
            ends: vec![SlotEnd {
                slots: 10,
                at: NOW + 1_805_000,
            }],
        }),
        ..LineFacts::default()
    };
    let estimate = |ahead| Estimate::new(ahead, &line_facts, &full, NOW);
    assert_eq!(estimate(0).reason, Some(EstimateReason::SlotsFull));
    assert_eq!(wait(1, &line_facts, &full), Some(1_805));
    assert!(wait(10, &line_facts, &full) <= Some(1_807));
    let rounds = wait(200, &line_facts, &full).unwrap();
    assert!((1_805 + 19 * 3_605..70_500).contains(&rounds), "{rounds}");
}

#[test]
fn one_slot_is_free_when_its_session_ends() {
    let one = Policy {
        max_active: Some(1),
        session_minutes: 1,
        ..policy()
    };
    let line_facts = LineFacts {
        last_take_at: Some(NOW + -50_000),
        slots: Some(Slots {
            used: 1,
            ends: vec![SlotEnd {
                slots: 1,
                at: NOW + 65_000,
            }],
        }),
        ..LineFacts::default()
    };
    assert_eq!(wait(1, &line_facts, &one), Some(65));
}

#[test]
fn there_is_no_estimate_while_paused_or_without_any_pace() {
    let paused = Policy {
        paused: true,
        ..policy()
    };
    let estimate = Estimate::new(0, &LineFacts::default(), &paused, NOW);
    assert_eq!(estimate.at, None);
    assert_eq!(estimate.reason, Some(EstimateReason::Paused));
    let by_hand = Policy {
        auto_open: false,
        ..policy()
    };
    assert_eq!(wait(1, &LineFacts::default(), &by_hand), None);
}

#[test]
fn a_schedule_slower_than_the_recent_pace_is_reported_as_slowed() {
    let line_facts = LineFacts {
        pace: Pace {
            one: 600,
            five: 3_000,
            fifteen: 9_000,
            since: Some(UnixMs(0)),
        },
        ..LineFacts::default()
    };
    let reason =
        |line_facts: &LineFacts, ahead| Estimate::new(ahead, line_facts, &policy(), NOW).reason;
    assert_eq!(reason(&line_facts, 199), Some(EstimateReason::Slowed));
    assert_eq!(reason(&line_facts, 0), None, "the next take has room");
    let changed = LineFacts {
        slower_since: Some(NOW + -60_000),
        ..line_facts
    };
    assert_eq!(reason(&changed, 199), Some(EstimateReason::Changed));
}

#[test]
fn a_single_take_is_no_pace_that_a_line_could_fall_behind() {
    let of = |seconds: i64| LineFacts {
        pace: Pace {
            one: 10,
            five: 10,
            fifteen: 10,
            since: Some(NOW + -1_000 * seconds),
        },
        ..LineFacts::default()
    };
    let slow = Policy {
        group_size: 2,
        ..policy()
    };
    let reason = |line_facts| Estimate::new(99, &line_facts, &slow, NOW).reason;
    let interval = i64::from(slow.entry_interval_seconds);
    assert_eq!(reason(of(2 * interval - 1)), None);
    assert_eq!(reason(of(2 * interval)), Some(EstimateReason::Slowed));
}

#[test]
fn batches_opened_less_often_than_before_are_reported_as_slowed() {
    let by_hand = Policy {
        auto_open: false,
        ..policy()
    };
    let of = |one, five, fifteen| LineFacts {
        pace: Pace {
            one,
            five,
            fifteen,
            since: Some(UnixMs(0)),
        },
        ..LineFacts::default()
    };
    let reason = |line_facts| Estimate::new(9, &line_facts, &by_hand, NOW).reason;
    assert_eq!(reason(of(10, 50, 150)), None);
    assert_eq!(reason(of(0, 40, 150)), Some(EstimateReason::Slowed));
}
