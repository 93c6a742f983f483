//! The broker on a RabbitMQ server, 3.10 or later.
//!
//! There are two kinds of connection, so that a server that blocks publishers does not stop
//! acknowledgements: one for publishing, kept up by a supervisor, and one per consumer or
//! subscriber. lapin's own recovery is not used: a faulty connection is dropped and rebuilt, with
//! its queues and exchanges.

mod connection;
mod consume;
mod dead;
mod headers;
mod listen;
mod publish;
mod supervise;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sunbeon_proto_messages::{Enter, Event};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Broker, BrokerDown, DeadLetters, EnterHandler, Heard, OpenError, Removed, Repeated, events::Ear,
};
use connection::{Connector, LIMIT, Lost};
use publish::Publisher;

/// How many events wait for the connection; further ones are dropped.
const EVENTS: usize = 1_000;

/// How to reach the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `amqp://user:password@host:5672/vhost`, or `amqps://`; of a cluster several hosts, with commas
    /// between them.
    pub url: SecretString,
    /// How many messages a consumer may hold unsettled, at least 1.
    #[serde(default = "default_prefetch")]
    pub prefetch: u16,
}

fn default_prefetch() -> u16 {
    1_000
}

/// The broker on a RabbitMQ server. Dropping it without [`Broker::close`] drops the connection at
/// once.
pub(crate) struct RabbitmqBroker {
    connector: Connector,
    prefetch: u16,
    publisher: Arc<Publisher>,
    events: mpsc::Sender<Event>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
    /// Dead letters in somebody's hands are not counted.
    dead_letters: Mutex<()>,
    closing: CancellationToken,
    _closes_when_dropped: DropGuard,
}

impl RabbitmqBroker {
    pub(crate) fn open(settings: &Settings, name: &str) -> Result<Self, OpenError> {
        let connector = Connector::new(settings.url.expose_secret(), name)?;
        let publisher = Arc::<Publisher>::default();
        let closing = CancellationToken::new();
        let (events, outbox) = mpsc::channel(EVENTS);
        let supervisor = supervise::Supervisor::new(
            connector.clone(),
            publisher.clone(),
            outbox,
            closing.clone(),
        );
        Ok(Self {
            connector,
            // The server takes 0 for "no limit".
            prefetch: settings.prefetch.max(1),
            publisher,
            events,
            supervisor: Mutex::new(Some(tokio::spawn(supervisor.run()))),
            dead_letters: Mutex::new(()),
            _closes_when_dropped: closing.clone().drop_guard(),
            closing,
        })
    }
}

#[async_trait]
impl Broker for RabbitmqBroker {
    fn can_publish(&self) -> bool {
        self.publisher.link().is_some()
    }

    async fn publish_enters(&self, messages: &[Enter]) -> Vec<bool> {
        self.publisher.publish_enters(messages).await
    }

    fn publish_event(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            metrics::counter!("sunbeon_events_dropped_total").increment(1);
        }
    }

    fn subscribe_events(&self, binding: &str) -> mpsc::Receiver<Heard> {
        let (ear, heard) = Ear::new();
        let (connector, closing) = (self.connector.clone(), self.closing.clone());
        let binding = binding.to_owned();
        tokio::spawn(async move {
            tokio::select! {
                () = listen::run(&connector, &binding, &ear) => {},
                () = ear.deaf() => {},
                () = closing.cancelled() => {},
            }
        });
        heard
    }

    async fn consume_enters(&self, handler: Arc<dyn EnterHandler>, shutdown: CancellationToken) {
        consume::run(&self.connector, self.prefetch, &handler, &shutdown).await;
    }

    async fn count_dead_letters(&self) -> Result<u32, BrokerDown> {
        let _turn = self.dead_letters.lock().await;
        let link = self.publisher.link().ok_or(Lost::Ended)?;
        Ok(dead::count(&link.events).await?)
    }

    async fn read_dead_letters(&self, limit: u32) -> Result<DeadLetters, BrokerDown> {
        let _turn = self.dead_letters.lock().await;
        Ok(dead::read(&self.connector, limit).await?)
    }

    async fn repeat_dead_letters(&self, limit: u32) -> Result<Repeated, BrokerDown> {
        let _turn = self.dead_letters.lock().await;
        Ok(dead::repeat(&self.connector, &self.publisher, limit).await?)
    }

    async fn remove_dead_letters(&self, limit: u32) -> Result<Removed, BrokerDown> {
        let _turn = self.dead_letters.lock().await;
        Ok(dead::remove(&self.connector, limit).await?)
    }

    async fn close(&self) {
        self.publisher.idle().await;
        self.closing.cancel();
        if let Some(supervisor) = self.supervisor.lock().await.take() {
            let _ = timeout(LIMIT, supervisor).await;
        }
    }
}
