//! Pauses that grow.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// 100 ms, doubling to 2 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.tries.min(5)).min(LONGEST);
        self.tries += 1;
        pause
    }

    /// The next pause, shortened at random by up to a half, so that those who lost the same
    /// server do not come back at the same moment.
    pub(crate) fn pause_with_jitter(&mut self) -> Duration {
        let pause = self.pause();
        // A new RandomState is keyed at random: no further dependency for one random number.
        let random = RandomState::new().hash_one(self.tries) % 1024;
        pause - pause.mul_f64(random as f64 / 2048.0)
    }

    /// Starts over from the shortest pause.
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
    fn jitter_takes_at_most_a_half() {
        for _ in 0..1000 {
            let pause = Backoff::default().pause_with_jitter();
            assert!(pause > FIRST / 2 && pause <= FIRST, "{pause:?}");
        }
    }
}
