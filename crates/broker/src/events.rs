//! Subscriptions to events, shared by both brokers.

use sunbeon_proto_messages::Event;
use tokio::sync::mpsc;

/// How many events a subscriber may fall behind before it misses some.
const BEHIND: usize = 1_000;

/// What a subscriber to events receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An event.
    Event(Event),
    /// Events may have been lost up to the moment this is received: read anything built from events
    /// again from its authority.
    Missed,
}

/// The sending end of a subscription. Never waits.
#[derive(Debug)]
pub(crate) struct Ear {
    sender: mpsc::Sender<Heard>,
}

impl Ear {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (sender, receiver) = mpsc::channel(BEHIND + 1);
        (Self { sender }, receiver)
    }

    /// Passes an event on. The last place is reserved for [`Heard::Missed`], so an event that finds
    /// no place always leaves a `Missed` to be received.
    pub(crate) fn tell(&self, event: Event) {
        if self.sender.capacity() > 1 {
            // An error means that the subscriber is gone.
            let _ = self.sender.try_send(Heard::Event(event));
        } else {
            self.miss();
        }
    }

    /// Tells the subscriber that events may have been lost.
    pub(crate) fn miss(&self) {
        // If the last place is taken too, it holds a `Missed` already.
        let _ = self.sender.try_send(Heard::Missed);
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the subscriber is gone.
    pub(crate) async fn deaf(&self) {
        self.sender.closed().await;
    }
}

/// Returns whether a topic binding matches a routing key by the rules of AMQP 0-9-1 (3.1.3.3):
/// words are separated by dots; `*` matches one word and `#` any number.
pub(crate) fn binds(binding: &str, key: &str) -> bool {
    let (binding, key): (Vec<_>, Vec<_>) = (binding.split('.').collect(), key.split('.').collect());
    words_bind(&binding, &key)
}

fn words_bind(binding: &[&str], key: &[&str]) -> bool {
    match binding {
        [] => key.is_empty(),
        ["#", rest @ ..] => (0..=key.len()).any(|some| words_bind(rest, &key[some..])),
        [word, rest @ ..] => key.split_first().is_some_and(|(first, others)| {
            (*word == "*" || word == first) && words_bind(rest, others)
        }),
    }
}
