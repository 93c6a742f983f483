#![doc = include_str!("../README.md")]

mod backoff;
mod batch;
mod events;
pub mod memory;
pub mod rabbitmq;
mod trace;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use sunbeon_proto_messages::{Enter, Event};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use events::Heard;
pub use memory::MemoryBroker;

/// Which broker: `broker = "memory"`, or `[broker.rabbitmq]` with its `url`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// In this process; keeps nothing across a restart.
    Memory,
    /// A RabbitMQ server.
    Rabbitmq(rabbitmq::Settings),
}

impl Settings {
    /// These settings where other processes can share the broker.
    pub fn shared(&self) -> Result<&Self, NotShared> {
        match self {
            Self::Memory => Err(NotShared),
            Self::Rabbitmq(_) => Ok(self),
        }
    }
}

/// The broker is this process's own.
#[derive(Debug, thiserror::Error)]
#[error(
    "services share one RabbitMQ: set SUNBEON__BROKER__RABBITMQ__URL, for example \
     SUNBEON__BROKER__RABBITMQ__URL=amqp://localhost:5672/%2f"
)]
pub struct NotShared;

/// Why a broker cannot be opened. A broker that is down is no reason.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read. It is not shown, for it may hold a password.
    #[error("the broker's url must look like amqp://user:password@host:5672/vhost")]
    InvalidUrl,
}

/// Opens the broker and, for RabbitMQ, starts the task that keeps its connection up. Returns at
/// once, whether or not the server is there. `connection_name` is what operators see.
///
/// # Errors
/// [`OpenError::InvalidUrl`], and nothing else.
///
/// # Panics
/// Outside a tokio runtime.
pub fn open(settings: &Settings, connection_name: &str) -> Result<Arc<dyn Broker>, OpenError> {
    Ok(match settings {
        Settings::Memory => Arc::new(MemoryBroker::new()),
        Settings::Rabbitmq(settings) => {
            Arc::new(rabbitmq::RabbitmqBroker::open(settings, connection_name)?)
        }
    })
}

/// The waiting room's use of a message broker. The settlement rule is in the crate's
/// documentation.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Whether a live publishing channel stands now: false while reconnecting and while the
    /// broker blocks publishers.
    fn can_publish(&self) -> bool;

    /// Publishes in bulk and waits for every confirm, at most 5 s. The answer's `[i]` says whether
    /// `messages[i]` is confirmed: true means that the broker has it on its queue, false that
    /// nobody knows, so send it again.
    async fn publish_enters(&self, messages: &[Enter]) -> Vec<bool>;

    /// Publishes an event to whoever listens to its routing key. It may be lost. Never waits.
    fn publish_event(&self, event: Event);

    /// The events whose routing key a topic binding is for (`concert.changed.#`, `seat.*.demo`,
    /// `#`; `*` is one word, `#` any number), from now on until the receiver is dropped or the
    /// broker closed. Reconnects by itself. The first that is heard is [`Heard::Missed`], once
    /// listening has begun; it comes again after each loss of the connection, and in the place of
    /// what a subscriber that lags more than 1,000 events behind did not take. A message that is no
    /// event known here is skipped. No publisher ever waits for a subscriber.
    fn subscribe_events(&self, binding: &str) -> mpsc::Receiver<Heard>;

    /// Hands ENTER messages to the handler, in batches of what is there, at most 500, one batch
    /// at a time, until `shutdown` is cancelled; then the batch in hand is finished. Reconnects by
    /// itself. Several consumers share the queue.
    async fn consume_enters(&self, handler: Arc<dyn EnterHandler>, shutdown: CancellationToken);

    /// Sends what is still to be sent and closes the connection, in bounded time. Afterwards
    /// nothing can be published.
    async fn close(&self);
}

/// What is done with ENTER messages.
#[async_trait]
pub trait EnterHandler: Send + Sync + 'static {
    /// One settlement per message, in order; one that is missing counts as [`Settle::Retry`].
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle>;
}

/// An ENTER message as the consumer receives it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The message.
    pub enter: Enter,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// Its producer's span: the parent for the consumer's span of this message.
    pub context: opentelemetry::Context,
}

/// What becomes of a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// Handled, or nothing to do.
    Done,
    /// It is not the message's fault: hand it over again, later.
    Retry,
    /// It can never be handled: dead-letter it.
    Reject,
}
