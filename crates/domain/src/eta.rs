//! How long the wait will be.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Policy, UnixMs};

/// How many people were taken off the front of the line lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pace {
    /// In the last minute.
    pub one: u64,
    /// In the last five minutes.
    pub five: u64,
    /// In the last fifteen minutes.
    pub fifteen: u64,
    /// When the first of all was taken.
    #[serde(rename = "sinceAt", skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixMs>,
}

impl Pace {
    /// People a minute, weighted 0.5 / 0.3 / 0.2 over the last 1, 5 and 15 minutes. A window
    /// longer than the sale so far is averaged over the sale so far, which is counted as one
    /// interval longer than the time since the first take: a take stands for its interval.
    pub fn per_minute(&self, interval_seconds: u32, now: UnixMs) -> f64 {
        let Some(since) = self.since else { return 0.0 };
        let so_far = ((now.0 - since.0) as f64 / 1000.0 + f64::from(interval_seconds)) / 60.0;
        0.5 * (self.one as f64 / so_far.min(1.0))
            + 0.3 * (self.five as f64 / so_far.min(5.0))
            + 0.2 * (self.fifteen as f64 / so_far.min(15.0))
    }
}

/// What an estimate is made from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// Entries in line, away ones included.
    pub line_length: u64,
    /// Free slots; `None` without a limit.
    pub free_slots: Option<u64>,
    /// How fast the line has moved.
    pub pace: Pace,
}

/// Estimated seconds until the entry at `queue_number` is admitted, counted from the later of
/// `now` and `bookingStartAt`. `None` while paused, and without any pace where only `open` admits.
///
/// `queueNumber / pace` where there is a pace, else
/// `ceil(queueNumber / groupSize) × entryIntervalSeconds`. The latter is also the most that it can
/// be while slots are free for everyone up to this number: a pace is low also where few came.
pub fn wait_seconds(
    queue_number: u64,
    outlook: &Outlook,
    policy: &Policy,
    now: UnixMs,
) -> Option<u64> {
    if policy.paused {
        return None;
    }
    let groups = queue_number.div_ceil(u64::from(policy.group_size));
    let scheduled = groups * u64::from(policy.entry_interval_seconds);
    let rate = outlook.pace.per_minute(policy.entry_interval_seconds, now);
    if rate == 0.0 {
        return policy.auto_open.then_some(scheduled);
    }
    let paced = (queue_number as f64 * 60.0 / rate).ceil() as u64;
    let free = outlook.free_slots.is_none_or(|free| free >= queue_number);
    Some(if policy.auto_open && free {
        paced.min(scheduled)
    } else {
        paced
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            group_size: 10,
            entry_interval_seconds: 30,
            ..Policy::default()
        }
    }

    fn wait(queue_number: u64, pace: Pace, policy: &Policy, now: UnixMs) -> Option<u64> {
        let outlook = Outlook {
            free_slots: Some(0),
            pace,
            ..Outlook::default()
        };
        wait_seconds(queue_number, &outlook, policy, now)
    }

    #[test]
    fn without_history_it_is_groups_times_the_interval() {
        for (number, seconds) in [(1, 30), (10, 30), (11, 60), (15, 60), (100, 300)] {
            assert_eq!(
                wait(number, Pace::default(), &policy(), UnixMs(0)),
                Some(seconds)
            );
        }
    }

    #[test]
    fn the_windows_weigh_half_three_tenths_and_two_tenths() {
        let pace = Pace {
            one: 60,
            five: 200,
            fifteen: 300,
            since: Some(UnixMs(0)),
        };
        let now = UnixMs(3_600_000);
        assert!((pace.per_minute(30, now) - (0.5 * 60.0 + 0.3 * 40.0 + 0.2 * 20.0)).abs() < 1e-9);
        assert_eq!(wait(46, pace, &policy(), now), Some(60));
    }

    #[test]
    fn after_the_first_take_the_estimate_is_what_it_was_without_history() {
        let pace = Pace {
            one: 10,
            five: 10,
            fifteen: 10,
            since: Some(UnixMs(1000)),
        };
        assert_eq!(wait(20, pace, &policy(), UnixMs(1000)), Some(60));
    }

    #[test]
    fn a_low_pace_is_no_hindrance_while_slots_are_free() {
        let pace = Pace {
            one: 0,
            five: 1,
            fifteen: 1,
            since: Some(UnixMs(0)),
        };
        let now = UnixMs(240_000);
        assert!(wait(5, pace, &policy(), now) > Some(600));
        for free_slots in [None, Some(5)] {
            let outlook = Outlook {
                line_length: 5,
                free_slots,
                pace,
            };
            assert_eq!(wait_seconds(5, &outlook, &policy(), now), Some(30));
            let by_hand = Policy {
                auto_open: false,
                ..policy()
            };
            assert!(wait_seconds(5, &outlook, &by_hand, now) > Some(600));
        }
    }

    #[test]
    fn paused_or_without_any_pace_there_is_no_estimate() {
        let paused = Policy {
            paused: true,
            ..policy()
        };
        assert_eq!(wait(1, Pace::default(), &paused, UnixMs(0)), None);
        let by_hand = Policy {
            auto_open: false,
            ..policy()
        };
        assert_eq!(wait(1, Pace::default(), &by_hand, UnixMs(0)), None);
        let pace = Pace {
            one: 10,
            five: 10,
            fifteen: 10,
            since: Some(UnixMs(0)),
        };
        assert!(wait(1, pace, &by_hand, UnixMs(60_000)).is_some());
    }
}
