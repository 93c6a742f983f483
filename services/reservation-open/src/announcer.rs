//! Announcing entries taken: one ENTER message each.

use std::{sync::Arc, time::Duration};

use sunbeon_broker::Broker;
use sunbeon_domain::{Concert, ConcertId};
use sunbeon_proto_messages::{Enter, Event};
use sunbeon_store::TakenEntry;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How long `finish` waits for messages under way; what is cut off is announced again.
const FINISH: Duration = Duration::from_secs(5);

/// Announces entries. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Announcer {
    broker: Arc<dyn Broker>,
    under_way: TaskTracker,
}

impl Announcer {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self {
            broker,
            under_way: TaskTracker::new(),
        }
    }

    /// Whether messages can be sent now; nothing is taken off a line while they cannot.
    pub(crate) fn can_publish(&self) -> bool {
        self.broker.can_publish()
    }

    /// Sends one ENTER message for each entry, in the background; says how many are confirmed.
    /// What is not is announced again when it is due.
    pub(crate) fn announce(
        &self,
        concert: &Concert,
        entries: Vec<TakenEntry>,
    ) -> JoinHandle<usize> {
        let messages: Vec<_> = entries
            .into_iter()
            .map(|entry| enter(concert, entry))
            .collect();
        let broker = self.broker.clone();
        let sending = async move {
            let confirmed = broker.publish_enters(&messages).await;
            let confirmed = confirmed.into_iter().filter(|confirmed| *confirmed).count();
            if confirmed < messages.len() {
                let unconfirmed = messages.len() - confirmed;
                tracing::warn!(
                    unconfirmed,
                    "ENTER messages are not confirmed and go out again"
                );
            }
            confirmed
        };
        self.under_way.spawn(sending.in_current_span())
    }

    /// Says that the front of a line has moved.
    pub(crate) fn advanced(&self, id: &ConcertId, taken: u64, waiting: u64) {
        let concert_id = id.clone();
        self.broker.publish_event(Event::QueueAdvanced {
            concert_id,
            taken,
            waiting,
        });
    }

    /// Says that a concert has changed.
    pub(crate) fn changed(&self, id: &ConcertId, version: u64) {
        self.broker.publish_event(Event::ConcertChanged {
            concert_id: id.clone(),
            version,
        });
    }

    pub(crate) async fn finish(&self) {
        self.under_way.close();
        // Cut off, they are announced again by whoever is next.
        let _ = tokio::time::timeout(FINISH, self.under_way.wait()).await;
    }
}

fn enter(concert: &Concert, entry: TakenEntry) -> Enter {
    Enter::new(
        concert.concert_id.clone(),
        concert.policy.title.clone(),
        entry.member,
        entry.name,
        entry.number,
        entry.taken_at,
    )
}
