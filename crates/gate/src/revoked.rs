//! Tokens that ended early.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::RwLock;
use sunbeon_client::{Error, Fresh, Sunbeon};
use tokio::time::Instant;

/// An older list does not count.
const BELIEVED: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(2);

/// The list of revoked token ids, as last heard.
#[derive(Default)]
pub(crate) struct Revoked(RwLock<Heard>);

#[derive(Default)]
struct Heard {
    ids: Arc<HashSet<String>>,
    etag: Option<String>,
    /// When the last successful poll began: it cannot know of anything later.
    asked: Option<Instant>,
    /// Whether Sunbeon refused the last poll.
    turned_away: bool,
}

impl Revoked {
    /// Returns the ids; nothing while the list is older than 5 s or was never fetched.
    pub(crate) fn current(&self) -> Option<Arc<HashSet<String>>> {
        let heard = self.0.read();
        let asked = heard.asked?;
        (asked.elapsed() < BELIEVED).then(|| heard.ids.clone())
    }

    /// Returns whether Sunbeon refused the last poll, rather than being out of reach.
    pub(crate) fn is_turned_away(&self) -> bool {
        self.0.read().turned_away
    }

    /// Asks once; a failure leaves what was heard before.
    pub(crate) async fn poll(&self, sunbeon: &Sunbeon) -> Result<(), Error> {
        let polled = self.ask(sunbeon).await;
        let refused = polled.as_ref().is_err_and(|error| !error.is_down());
        self.0.write().turned_away = refused;
        polled
    }

    async fn ask(&self, sunbeon: &Sunbeon) -> Result<(), Error> {
        let asked = Instant::now();
        let known = self.0.read().etag.clone();
        match sunbeon.within(TIMEOUT).revoked(known.as_deref()).await? {
            Fresh::Same => self.0.write().asked = Some(asked),
            Fresh::Changed { value, etag } => {
                *self.0.write() = Heard {
                    ids: Arc::new(value.revoked.into_iter().collect()),
                    etag,
                    asked: Some(asked),
                    turned_away: false,
                };
            }
        }
        Ok(())
    }
}
