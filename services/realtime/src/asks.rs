//! What a page asks waits for its turn, and every answer for room.

use std::{collections::VecDeque, convert::Infallible, mem, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use socketioxide::{
    SendError, SocketError,
    adapter::LocalAdapter,
    extract::AckSender,
    handler::{FromMessageParts, Value as Packet},
    socket::Socket,
};

/// How many asks of a socket wait for their turn.
const MOST_ASKS: usize = 64;
/// How soon an answer is tried again for which there was no room.
const AGAIN: Duration = Duration::from_millis(20);

/// What a page asks, and where the answer goes.
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) data: Option<Value>,
    pub(crate) ack: Ack,
}

/// What a page has asked, answered in this order and one at a time: what an ask sends has left for the page
/// before the next one sends more.
pub(crate) struct Asks<Ask = Asked>(Mutex<Line<Ask>>);

struct Line<Ask> {
    waiting: VecDeque<Ask>,
    /// Whether somebody answers.
    is_answered: bool,
}

/// How an ask was taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nobody answers yet: the caller does, until [`Asks::next`] returns `None`.
    First,
    /// It will be answered.
    Queued,
    /// Too many wait; this one does not.
    TooMany,
}

impl<Ask> Default for Asks<Ask> {
    fn default() -> Self {
        Self(Mutex::new(Line {
            waiting: VecDeque::new(),
            is_answered: false,
        }))
    }
}

impl<Ask> Asks<Ask> {
    pub(crate) fn take(&self, ask: Ask) -> Taken {
        let mut line = self.0.lock();
        if line.waiting.len() >= MOST_ASKS {
            return Taken::TooMany;
        }
        line.waiting.push_back(ask);
        match mem::replace(&mut line.is_answered, true) {
            true => Taken::Queued,
            false => Taken::First,
        }
    }

    /// Returns the next ask; after `None` nobody answers.
    pub(crate) fn next(&self) -> Option<Ask> {
        let mut line = self.0.lock();
        let next = line.waiting.pop_front();
        line.is_answered = next.is_some();
        next
    }
}

/// Where an answer goes, if one is asked for. Unlike an [`AckSender`], it outlives an answer that finds no
/// room.
pub(crate) struct Ack {
    socket: Arc<Socket>,
    id: Option<i64>,
}

impl FromMessageParts<LocalAdapter> for Ack {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket>,
        _: &mut Packet,
        id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self {
            socket: socket.clone(),
            id: *id,
        })
    }
}

impl Ack {
    /// Sends an answer once there is room for it. A socket that makes none is closed at its next ping, which
    /// needs room, too.
    pub(crate) async fn send(&self, answer: &impl Serialize) {
        while self.finds_no_room(answer) && self.socket.connected() {
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn finds_no_room(&self, answer: &impl Serialize) -> bool {
        let mut packet = Packet::Str("".into(), None);
        let Ok(sender) = AckSender::from_message_parts(&self.socket, &mut packet, &self.id);
        let sent = sender.send(answer);
        matches!(
            sent,
            Err(SendError::Socket(SocketError::InternalChannelFull))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_are_answered_in_their_order_by_one_at_a_time() {
        let asks = Asks::default();
        assert_eq!(asks.take(1), Taken::First);
        assert_eq!(asks.next(), Some(1));
        assert_eq!(asks.take(2), Taken::Queued, "the first is being answered");
        assert_eq!(asks.take(3), Taken::Queued);
        assert_eq!([asks.next(), asks.next()], [Some(2), Some(3)]);
        assert_eq!(asks.next(), None);
        assert_eq!(asks.take(4), Taken::First);
    }

    #[test]
    fn only_so_many_asks_wait() {
        let asks = Asks::default();
        assert!((0..MOST_ASKS).all(|ask| asks.take(ask) != Taken::TooMany));
        assert_eq!(asks.take(MOST_ASKS), Taken::TooMany);
        assert_eq!(asks.next(), Some(0));
        assert_eq!(asks.take(MOST_ASKS), Taken::Queued);
    }
}
