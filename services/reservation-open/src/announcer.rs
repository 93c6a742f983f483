//! Announcing taken entries, with one ENTER message each.

use std::{sync::Arc, time::Duration};

use opentelemetry::context::FutureExt;
use sunbeon_broker::Broker;
use sunbeon_domain::{Concert, ConcertId};
use sunbeon_proto_messages::{Enter, Event};
use sunbeon_store::TakenEntry;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How long `finish` waits for messages in flight; those cut off are announced again later.
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

    /// Returns whether messages can be sent now; nothing is taken off a line while they cannot.
    pub(crate) fn can_publish(&self) -> bool {
        self.broker.can_publish()
    }

    pub(crate) fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    /// Sends one ENTER message for each entry in the background, and returns how many were
    /// confirmed. Unconfirmed entries are announced again when they are due.
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
            let confirms = broker.publish_enters(&messages).await;
            let confirmed = confirms.into_iter().filter(|confirmed| *confirmed).count();
            if confirmed < messages.len() {
                let unconfirmed = messages.len() - confirmed;
                tracing::warn!(
                    unconfirmed,
                    "some ENTER messages were not confirmed and will be sent again"
                );
            }
            confirmed
        };
        // The trace of an opening that is not exported has no span.
        let in_trace = sending.with_current_context().in_current_span();
        self.under_way.spawn(in_trace)
    }

    /// Announces that the front of a line has moved.
    pub(crate) fn advanced(&self, id: &ConcertId, taken: u64, waiting: u64) {
        let concert_id = id.clone();
        self.broker.publish_event(Event::QueueAdvanced {
            concert_id,
            taken,
            waiting,
        });
    }

    /// Announces that a concert has changed.
    pub(crate) fn changed(&self, id: &ConcertId, version: u64) {
        self.broker.publish_event(Event::ConcertChanged {
            concert_id: id.clone(),
            version,
        });
    }

    pub(crate) async fn finish(&self) {
        self.under_way.close();
        // Messages cut off here are announced again by any replica.
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
