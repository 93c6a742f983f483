//! `POST /dev/break/…`: the demo's red buttons, which take a part away for a while or send a message that
//! nobody can handle.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, routing::post};
use serde_json::json;
use sunbeon_broker::MemoryBroker;
use sunbeon_chassis::{Empty, Reply};
use sunbeon_domain::Text;
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const BROKEN: Text = Text {
    ko: "10초 동안 멈추기 성공",
    en: "It is gone for 10 seconds.",
};
const SENT: Text = Text {
    ko: "깨진 메시지 보내기 성공",
    en: "A broken message has been sent.",
};
/// How long a part stays away.
const AWAY: Duration = Duration::from_secs(10);

/// What can be broken in a demo on the embedded broker. A cheap handle.
#[derive(Clone)]
pub(crate) struct Breaking {
    broker: MemoryBroker,
    kill: Arc<Notify>,
}

impl Breaking {
    pub(crate) fn new(broker: MemoryBroker) -> Self {
        let kill = Arc::new(Notify::new());
        Self { broker, kill }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/dev/break/broker", post(broker))
            .route("/dev/break/consumer", post(consumer))
            .route("/dev/break/message", post(message))
            .with_state(self.clone())
    }

    /// Runs the consumer until `shutdown` is cancelled, and a new one some time after each kill.
    pub(crate) async fn consume(
        self,
        store: Arc<dyn Store>,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let broker = Arc::new(self.broker.clone());
            let consumer = EntryConsumer::new(store.clone(), broker);
            // It is dropped with messages in hand, in the middle of whatever it does.
            tokio::select! {
                ended = consumer.run(shutdown.clone()) => return ended,
                () = self.kill.notified() => {}
            }
            tracing::warn!("the consumer was killed; starting another one in 10 s");
            let pause = tokio::time::sleep(AWAY);
            if shutdown.run_until_cancelled(pause).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Takes the broker away.
async fn broker(State(breaking): State<Breaking>) -> Reply<Empty> {
    tracing::warn!("the broker was stopped; starting it again in 10 s");
    breaking.broker.set_away(true);
    tokio::spawn(async move {
        tokio::time::sleep(AWAY).await;
        breaking.broker.set_away(false);
    });
    Reply::ok(BROKEN, Empty {})
}

/// Kills the consumer.
async fn consumer(State(breaking): State<Breaking>) -> Reply<Empty> {
    breaking.kill.notify_waiters();
    Reply::ok(BROKEN, Empty {})
}

/// Sends something that is no ENTER message: it becomes a dead letter.
async fn message(State(breaking): State<Breaking>) -> Reply<Empty> {
    let body = json!({ "messageType": "HELLO", "from": "somebody else" });
    breaking.broker.push_raw(body.to_string().into_bytes());
    Reply::ok(SENT, Empty {})
}
