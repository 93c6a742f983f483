#![doc = include_str!("../README.md")]

mod backoff;
mod batch;
mod dead;
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

pub use dead::{BrokerDown, DEAD_LETTERS_AT_ONCE, DeadLetter, DeadLetters, Removed, Repeated};
pub use events::Heard;
pub use memory::MemoryBroker;

/// The broker to use: `broker = "memory"`, or `[broker.rabbitmq]` with its `url`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// In this process; keeps nothing across a restart.
    Memory,
    /// A RabbitMQ server.
    Rabbitmq(rabbitmq::Settings),
}

impl Settings {
    /// Returns these settings if other processes can share the broker.
    pub fn shared(&self) -> Result<&Self, BrokerNotShared> {
        match self {
            Self::Memory => Err(BrokerNotShared),
            Self::Rabbitmq(_) => Ok(self),
        }
    }
}

/// The broker lives in this process and cannot be shared.
#[derive(Debug, thiserror::Error)]
#[error(
    "services share one RabbitMQ: set SUNBEON__BROKER__RABBITMQ__URL, for example \
     SUNBEON__BROKER__RABBITMQ__URL=amqp://localhost:5672/%2f"
)]
pub struct BrokerNotShared;

/// Why a broker cannot be opened. A server that is down is not an error.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be parsed. It is not shown because it may hold a password.
    #[error("the broker's url must look like amqp://user:password@host:5672/vhost")]
    InvalidUrl,
}

/// Opens the broker and, for RabbitMQ, starts the task that keeps its connection up. Returns at
/// once, whether or not the server is there. Operators see `connection_name` in RabbitMQ.
///
/// # Errors
/// [`OpenError::InvalidUrl`] only.
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

/// A message broker, as the waiting room uses it. The settlement rule is in the crate's
/// documentation.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Returns whether the publishing channel is up: false while reconnecting and while the broker
    /// blocks publishers.
    fn can_publish(&self) -> bool;

    /// Publishes in bulk and waits at most 5 s for every confirm. Entry `[i]` of the answer says
    /// whether `messages[i]` is confirmed: true means that it is on the broker's queue; false means
    /// that nobody knows, so send it again.
    async fn publish_enters(&self, messages: &[Enter]) -> Vec<bool>;

    /// Publishes an event to the subscribers of its routing key. It may be lost. Never waits.
    fn publish_event(&self, event: Event);

    /// Subscribes to the events whose routing key matches a topic binding (`concert.changed.#`,
    /// `seat.*.demo`, `#`; `*` is one word, `#` any number), until the receiver is dropped or the
    /// broker is closed. Reconnects by itself. The first item is [`Heard::Missed`], sent once the
    /// subscription stands; it comes again after each lost connection, and in place of the events
    /// dropped when a subscriber falls more than 1,000 behind. Messages that are not a known event
    /// are skipped. A slow subscriber never blocks a publisher.
    fn subscribe_events(&self, binding: &str) -> mpsc::Receiver<Heard>;

    /// Hands ENTER messages to the handler, one batch at a time, each of whatever has arrived up to
    /// 500, until `shutdown` is cancelled; the batch in hand is then finished. Reconnects by
    /// itself. Several consumers share the queue.
    async fn consume_enters(&self, handler: Arc<dyn EnterHandler>, shutdown: CancellationToken);

    /// Returns how many dead letters there are. Cheap, but a question to the server.
    async fn count_dead_letters(&self) -> Result<u32, BrokerDown>;

    /// Reads the oldest dead letters, at most `limit` and [`DEAD_LETTERS_AT_ONCE`], and leaves them
    /// where they are, in their order, however often they are read. Of several calls at a time, each
    /// sees them all.
    async fn read_dead_letters(&self, limit: u32) -> Result<DeadLetters, BrokerDown>;

    /// Publishes the oldest dead letters again, at most `limit` and [`DEAD_LETTERS_AT_ONCE`], and
    /// removes those that the broker has confirmed.
    async fn repeat_dead_letters(&self, limit: u32) -> Result<Repeated, BrokerDown>;

    /// Removes the oldest dead letters, at most `limit` and [`DEAD_LETTERS_AT_ONCE`].
    async fn remove_dead_letters(&self, limit: u32) -> Result<Removed, BrokerDown>;

    /// Sends what is still queued and closes the connection, in bounded time. Nothing can be
    /// published afterwards.
    async fn close(&self);
}

/// Handles ENTER messages.
#[async_trait]
pub trait EnterHandler: Send + Sync + 'static {
    /// Returns one settlement per message, in order; a missing one counts as [`Settle::Retry`].
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle>;
}

/// An ENTER message as the consumer receives it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The message.
    pub enter: Enter,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// The producer's span: the parent of the consumer's span for this message.
    pub context: opentelemetry::Context,
}

/// What the broker does with a delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// The message is handled, or there was nothing to do.
    Done,
    /// The failure is not the message's fault: deliver it again, later.
    Retry,
    /// The message can never be handled: dead-letter it.
    Reject,
}
