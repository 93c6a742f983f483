//! Keeping up with Sunbeon.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{feeds::BELIEVED, gate::Inner, settings::OnFailure};

/// Between two looks at whether the gate sees.
const LOOK: Duration = Duration::from_secs(1);

impl Inner {
    pub(crate) async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let keys = self.keys.clone().keep_fresh(shutdown.clone());
        let feeds = shutdown.run_until_cancelled(self.keep_up());
        let sight = shutdown.run_until_cancelled(self.tell());
        tokio::join!(keys, feeds, sight);
    }

    /// Keeps up with each feed in a task of its own: what one needs, none waits for.
    async fn keep_up(self: &Arc<Self>) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                feeds = self.feeds.next_unwatched() => for feed in feeds {
                    let gate = self.clone();
                    tasks.spawn(async move { gate.feeds.keep_up(feed, &gate.origin).await });
                },
                Some(_) = tasks.join_next() => {}
            }
        }
    }

    /// Shows whether the gate sees, and logs when sight is lost or comes back.
    async fn tell(&self) {
        // A shop often starts a moment before Sunbeon.
        let mut looks = interval_at(Instant::now() + BELIEVED, LOOK);
        let mut saw = true;
        loop {
            looks.tick().await;
            let (concerts, refused) = self.feeds.blind();
            let seeing = concerts == 0 && self.keys.current().is_some();
            // One that Sunbeon refuses lets nobody in.
            let refused = refused || self.keys.is_turned_away();
            let meanwhile = if refused {
                OnFailure::Closed
            } else {
                self.on_failure
            };
            *self.meanwhile.lock() = (!seeing).then_some(meanwhile);
            metrics::gauge!("sunbeon_gate_blind").set(f64::from(u8::from(!seeing)));
            let on_failure = self.on_failure;
            match (saw, seeing) {
                (true, false) => tracing::error!(
                    ?on_failure,
                    concerts,
                    refused,
                    "the gate is blind: could not fetch Sunbeon's keys or the ended sessions of concerts; \
                     retrying every second. If refused, check SUNBEON__AUTH__ORIGIN_TOKEN and the address"
                ),
                (false, true) => tracing::info!("the gate sees again"),
                _ => {}
            }
            saw = seeing;
        }
    }
}
