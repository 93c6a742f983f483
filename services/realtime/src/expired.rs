//! Closing the sockets whose tokens have expired.

use std::sync::Arc;

use crate::{Realtime, visitors::Visitor};

/// A name that no event may have: a client that is told one closes its transport and connects again, for which
/// it asks its page for a token. A disconnect packet, the only end that the library offers for one socket,
/// would keep socket.io-client from connecting again by itself.
/// Source: `RESERVED_EVENTS` in socket.io-parser 4.2.3 and later, and `Manager.ondata` in socket.io-client.
const CONNECT_AGAIN: &str = "newListener";
/// How many seconds a client may take for that, before it is disconnected.
const PATIENCE: i64 = 3;

impl Realtime {
    /// Closes the sockets whose tokens have expired by now, in seconds since the epoch. They are in no room any
    /// more.
    pub(crate) fn close_expired(&self, now: i64) {
        let Some(sockets) = self.io.of("/") else {
            return;
        };
        for (until, id) in self.visitors.over(now) {
            // One that is still being let in has its turn in the next round.
            let Some(socket) = sockets.get_socket(id) else {
                continue;
            };
            if let Some(visitor) = socket.extensions.get::<Arc<Visitor>>() {
                self.rooms.leave_all(&visitor, id);
            }
            // One that does not read is closed at its next ping.
            match now - until < PATIENCE {
                true => drop(socket.emit(CONNECT_AGAIN, &())),
                false => drop(socket.disconnect()),
            }
        }
    }
}
