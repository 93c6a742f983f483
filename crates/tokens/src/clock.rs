//! This machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the seconds since the epoch by this machine's clock, for callers without a store to ask
/// for the time.
#[expect(
    clippy::disallowed_methods,
    reason = "a gate has no store whose clock it could ask"
)]
pub fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
