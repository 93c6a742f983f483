//! Retry pauses that grow.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses of 100 ms, doubling up to 2 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Returns the next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.tries.min(5)).min(LONGEST);
        self.tries += 1;
        pause
    }

    /// Returns the next pause, shortened at random by up to half, so that clients that lost the
    /// same server do not all come back at the same moment.
    pub(crate) fn pause_with_jitter(&mut self) -> Duration {
        let pause = self.pause();
        // A new RandomState has a random key: that saves a dependency for one random number.
        let random = RandomState::new().hash_one(self.tries) % 1024;
        pause - pause.mul_f64(random as f64 / 2048.0)
    }

    /// Starts again from the shortest pause.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_100_ms_to_2_s_and_start_over() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..7).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.reset();
        assert_eq!(backoff.pause(), FIRST);
    }

    #[test]
    fn jitter_shortens_a_pause_by_at_most_half() {
        for _ in 0..1000 {
            let pause = Backoff::default().pause_with_jitter();
            assert!(pause > FIRST / 2 && pause <= FIRST, "{pause:?}");
        }
    }
}
