//! How often a waiting client should poll.

use crate::Policy;

/// The polls per second above which the far end of a line polls less often.
const POLLS_PER_SECOND: u64 = 2_000;

/// Returns the milliseconds until the next poll: 1 s for the first 10 places, 2 s up to 50, 3 s up
/// to 200, and 5 s beyond. Far places wait longer if the line's polls would exceed 2,000 a second,
/// but never more than a third of the smaller of `waitingTtlSeconds` and `readyTtlSeconds`, so that nobody
/// counts as away between two polls, or hears too late of being called.
pub fn poll_after_ms(queue_number: u64, line_length: u64, policy: &Policy) -> u64 {
    let shorter = policy.waiting_ttl_seconds.min(policy.ready_ttl_seconds);
    let pause = match queue_number {
        0..=10 => 1_000,
        11..=50 => 2_000,
        51..=200 => 3_000,
        _ => 5_000.max(line_length * 1_000 / POLLS_PER_SECOND),
    };
    pause.min(u64::from(shorter) * 1_000 / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pause in milliseconds, by both times of a policy in seconds.
    fn after(queue_number: u64, line_length: u64, waiting: u32, ready: u32) -> u64 {
        let policy = Policy {
            waiting_ttl_seconds: waiting,
            ready_ttl_seconds: ready,
            ..Policy::default()
        };
        poll_after_ms(queue_number, line_length, &policy)
    }

    #[test]
    fn members_nearer_the_front_poll_more_often() {
        for (number, ms) in [(1, 1000), (10, 1000), (11, 2000), (50, 2000), (51, 3000)] {
            assert_eq!(after(number, 300, 300, 300), ms);
        }
        assert_eq!(after(200, 300, 300, 300), 3000);
        assert_eq!(after(201, 300, 300, 300), 5000);
    }

    #[test]
    fn a_long_line_polls_less_often_but_often_enough_to_stay_and_to_hear_of_the_turn() {
        assert_eq!(after(5_000, 20_000, 300, 300), 10_000);
        assert_eq!(after(500_000, 1_000_000, 300, 300), 100_000);
        assert_eq!(after(5_000, 10_000, 30, 300), 5_000);
        assert_eq!(after(5_000, 100_000, 30, 300), 10_000);
        assert_eq!(after(5_000, 100_000, 300, 12), 4_000);
        assert_eq!(after(1, 1_000_000, 300, 300), 1_000);
    }
}
