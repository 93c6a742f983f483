//! How often a waiting client should ask.

/// Polls a second above which a concert's far places ask less often.
const POLLS_PER_SECOND: u64 = 2_000;

/// Returns the milliseconds until the next poll: 1 s within 10 of the front, 2 s within 50, 3 s within
/// 200, else 5 s. Far places wait longer where the line's polls would exceed 2,000 a second. Never more
/// than a third of `waitingTtlSeconds`, so that nobody goes away between two polls.
pub fn poll_after_ms(queue_number: u64, line_length: u64, waiting_ttl_seconds: u32) -> u64 {
    let pause = match queue_number {
        0..=10 => 1_000,
        11..=50 => 2_000,
        51..=200 => 3_000,
        _ => 5_000.max(line_length * 1_000 / POLLS_PER_SECOND),
    };
    pause.min(u64::from(waiting_ttl_seconds) * 1_000 / 3)
}

#[cfg(test)]
mod tests {
    use super::poll_after_ms;

    #[test]
    fn the_nearer_the_front_the_more_often() {
        for (number, ms) in [(1, 1000), (10, 1000), (11, 2000), (50, 2000), (51, 3000)] {
            assert_eq!(poll_after_ms(number, 300, 300), ms);
        }
        assert_eq!(poll_after_ms(200, 300, 300), 3000);
        assert_eq!(poll_after_ms(201, 300, 300), 5000);
    }

    #[test]
    fn a_long_line_asks_less_often_but_is_never_forgotten() {
        assert_eq!(poll_after_ms(5_000, 20_000, 300), 10_000);
        assert_eq!(poll_after_ms(500_000, 1_000_000, 300), 100_000);
        assert_eq!(poll_after_ms(5_000, 10_000, 30), 5_000);
        assert_eq!(poll_after_ms(5_000, 100_000, 30), 10_000);
        assert_eq!(poll_after_ms(1, 1_000_000, 300), 1_000);
    }
}
