use std::time::{Duration, Instant};

/// Waits until `condition` holds, asking every 20 ms.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use sunbeon_test_support::eventually;
///
/// let mut asked = 0;
/// eventually(Duration::from_secs(5), "the third question is answered", async || {
///     asked += 1;
///     asked == 3
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
/// With `what` if the condition does not hold within `limit`, even if it is stuck.
pub async fn eventually(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(limit, waiting).await.is_err() {
        panic!(
            "not within {limit:?} (waited {:?}): {what}",
            begun.elapsed()
        );
    }
}
