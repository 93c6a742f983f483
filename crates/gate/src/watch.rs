//! Keeping up with Sunbeon.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::gate::Inner;

/// The time between the starts of two polls of the revoked list.
const EVERY: Duration = Duration::from_secs(2);
/// The same after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Inner {
    pub(crate) async fn watch(&self, shutdown: CancellationToken) {
        let polling = shutdown.run_until_cancelled(self.keep_polling());
        let keys = self.keys.clone().keep_fresh(shutdown.clone());
        tokio::join!(polling, keys);
    }

    async fn keep_polling(&self) {
        let mut seeing = true;
        loop {
            let began = Instant::now();
            let polled = self.revoked.poll(&self.sunbeon).await;
            if let Err(error) = &polled {
                let error = error as &(dyn std::error::Error + 'static);
                tracing::debug!(error, "could not fetch the list of revoked tokens");
            }
            let wait = if polled.is_ok() { EVERY } else { AFTER_FAILURE };
            sleep_until(began + wait).await;
            // Only after the wait: at start the keys arrive together with the list.
            seeing = self.tell(seeing);
        }
    }

    /// Logs when sight is lost or comes back.
    fn tell(&self, before: bool) -> bool {
        let seeing = self.keys.current().is_some() && self.revoked.current().is_some();
        let on_failure = self.on_failure;
        match (before, seeing) {
            (true, false) => tracing::error!(
                ?on_failure,
                "the gate is blind: could not fetch Sunbeon's keys or its list of revoked tokens; retrying every second"
            ),
            (false, true) => tracing::info!("the gate sees again"),
            _ => {}
        }
        seeing
    }
}
