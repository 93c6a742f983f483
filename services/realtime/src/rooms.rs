//! Which sockets have joined which concerts.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::Value;
use socketioxide::{extract::SocketRef, socket::Sid};
use sunbeon_domain::{ConcertId, MemberId};

use crate::joined::Joined;

/// How often the room of a line that is not live has a round.
const IDLE: Duration = Duration::from_secs(5);

/// The rooms. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Rooms(Arc<Mutex<HashMap<ConcertId, Room>>>);

#[derive(Default)]
struct Room {
    joined: HashMap<Sid, Arc<Joined>>,
    /// What everybody was told of the line.
    line: Value,
    /// When its last round began; `None` if one is due.
    round_at: Option<Instant>,
    /// How many sockets everybody was told of.
    count: usize,
}

impl Rooms {
    /// Returns a socket's place in the room of a concert, made if there is none.
    pub(crate) fn enter(
        &self,
        id: &ConcertId,
        socket: &SocketRef,
        member: &MemberId,
    ) -> Arc<Joined> {
        let mut rooms = self.0.lock();
        let room = rooms.entry(id.clone()).or_default();
        let place = room.joined.entry(socket.id);
        let made = || Arc::new(Joined::new(socket.clone(), member.clone()));
        place.or_insert_with(made).clone()
    }

    /// Returns a socket's place in the room of a concert.
    pub(crate) fn find(&self, id: &ConcertId, socket: Sid) -> Option<Arc<Joined>> {
        self.0.lock().get(id)?.joined.get(&socket).cloned()
    }

    /// Removes a socket from the room of a concert, and the room with its last one.
    pub(crate) fn leave(&self, id: &ConcertId, socket: Sid) {
        let mut rooms = self.0.lock();
        if let Some(room) = rooms.get_mut(id) {
            room.joined.remove(&socket);
            if room.joined.is_empty() {
                rooms.remove(id);
            }
        }
    }

    /// Returns all who have joined a concert.
    pub(crate) fn all(&self, id: &ConcertId) -> Vec<Arc<Joined>> {
        let rooms = self.0.lock();
        let room = rooms.get(id);
        room.map_or_else(Vec::new, |room| room.joined.values().cloned().collect())
    }

    /// Returns how many have joined a concert.
    pub(crate) fn count(&self, id: &ConcertId) -> usize {
        self.0.lock().get(id).map_or(0, |room| room.joined.len())
    }

    /// Returns the concerts that somebody has joined.
    pub(crate) fn ids(&self) -> Vec<ConcertId> {
        self.0.lock().keys().cloned().collect()
    }

    /// Notes that a round of this concert is due, wherever its line is.
    pub(crate) fn hurry(&self, id: &ConcertId) {
        if let Some(room) = self.0.lock().get_mut(id) {
            room.round_at = None;
        }
    }

    /// Notes that everybody may have missed something.
    pub(crate) fn missed(&self) {
        for room in self.0.lock().values_mut() {
            room.round_at = None;
            for joined in room.joined.values() {
                joined.state().is_behind = true;
            }
        }
    }

    /// Begins a round of a concert, if one is due; the last one is long ago where its line is idle.
    pub(crate) fn begin_round(&self, id: &ConcertId, is_live: bool) -> bool {
        let mut rooms = self.0.lock();
        let Some(room) = rooms.get_mut(id) else {
            return false;
        };
        let is_due = is_live || room.round_at.is_none_or(|at| at.elapsed() >= IDLE);
        if is_due {
            room.round_at = Some(Instant::now());
        }
        is_due
    }

    /// Keeps what is now told of a line, and returns whether it is news.
    pub(crate) fn is_news(&self, id: &ConcertId, line: Value) -> bool {
        let mut rooms = self.0.lock();
        let Some(room) = rooms.get_mut(id) else {
            return false;
        };
        let is_news = room.line != line;
        room.line = line;
        is_news
    }

    /// Keeps the number of sockets that is now told, and returns it if it is news.
    pub(crate) fn new_count(&self, id: &ConcertId) -> Option<usize> {
        let mut rooms = self.0.lock();
        let room = rooms.get_mut(id)?;
        let count = room.joined.len();
        let before = std::mem::replace(&mut room.count, count);
        (before != count).then_some(count)
    }

    /// Returns how many sockets have joined a concert, each counted once for every concert.
    pub(crate) fn total(&self) -> usize {
        self.0.lock().values().map(|room| room.joined.len()).sum()
    }
}
