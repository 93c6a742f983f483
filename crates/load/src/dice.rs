//! Simple randomness for pauses and habits; not for security.

use std::time::Duration;

/// A splitmix64 generator.
pub(crate) struct Dice(u64);

impl Dice {
    /// Creates dice with a random seed, for one fan.
    pub(crate) fn new() -> Self {
        Self(uuid::Uuid::new_v4().as_u64_pair().0)
    }

    /// Returns a number from 0 to `n` − 1.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n.max(1)
    }

    /// Returns a random duration between two numbers of seconds, to the millisecond.
    pub(crate) fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from * 1000 + self.below((to - from) * 1000))
    }
}
