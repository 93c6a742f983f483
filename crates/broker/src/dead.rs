//! Dead letters, as operators see them.

use std::error::Error;

use sunbeon_domain::{Code, Coded, UnixMs};
use sunbeon_proto_messages::Enter;

/// How many of the oldest dead letters a call can reach.
pub const DEAD_LETTERS_AT_ONCE: u32 = 1_000;

/// The oldest dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// How many there are in all.
    pub total: u32,
    /// Oldest first.
    pub oldest: Vec<DeadLetter>,
}

/// A message that the consumer refused or that was delivered too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The body as it was published.
    pub body: Vec<u8>,
    /// The ENTER message, if the body is one: only then can it be repeated.
    pub enter: Option<Enter>,
    /// The reason in RabbitMQ's words (`rejected`, `delivery_limit`), if it is known.
    pub reason: Option<String>,
    /// When it became a dead letter, if that is known. RabbitMQ counts whole seconds.
    pub died_at: Option<UnixMs>,
}

/// What came of repeating dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Confirmed on the queue again, and no longer dead letters.
    pub repeated: u32,
    /// Not ENTER messages: they stay.
    pub not_enter: u32,
    /// Sent without a confirm: they stay, although they may have arrived.
    pub unconfirmed: u32,
    /// How many dead letters there are now.
    pub left: u32,
}

/// What came of removing dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// How many were removed.
    pub removed: u32,
    /// How many dead letters there are now.
    pub left: u32,
}

/// The broker did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not answer")]
pub struct BrokerDown(#[source] pub(crate) Box<dyn Error + Send + Sync>);

impl Coded for BrokerDown {
    fn code(&self) -> Code {
        Code::BrokerDown
    }
}

/// Returns the ENTER message that a dead letter's body is, if it is one.
pub(crate) fn enter(body: &[u8]) -> Option<Enter> {
    serde_json::from_slice(body).ok()
}
