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

use crate::{joined::Joined, visitors::Visitor};

/// How often the room of a line that is not live has a round.
const IDLE: Duration = Duration::from_secs(5);

/// An instance that has said nothing of a room for so long has nobody in it.
const FORGOTTEN: Duration = Duration::from_secs(15);

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
    /// How many tickets of each kind everybody was told are left; of a concert without kinds, how many in all.
    tickets: HashMap<Option<String>, u64>,
    /// How many sockets the other instances have, by their names, and when they said so.
    elsewhere: HashMap<String, (u64, Instant)>,
    /// How many sockets everybody was told of, and when.
    told: Option<(u64, Instant)>,
    /// How many sockets the other instances were told of, and when.
    published: Option<(usize, Instant)>,
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

    /// Removes a socket from all rooms that it has joined.
    pub(crate) fn leave_all(&self, visitor: &Visitor, socket: Sid) {
        for id in visitor.joined() {
            self.leave(&id, socket);
        }
    }

    /// Returns all who have joined a concert.
    pub(crate) fn all(&self, id: &ConcertId) -> Vec<Arc<Joined>> {
        let rooms = self.0.lock();
        let room = rooms.get(id);
        room.map_or_else(Vec::new, |room| room.joined.values().cloned().collect())
    }

    /// Returns how many have joined a concert, on all instances.
    pub(crate) fn count(&self, id: &ConcertId) -> u64 {
        self.0.lock().get(id).map_or(0, Room::count)
    }

    /// Notes how many sockets another instance has in a concert's room.
    pub(crate) fn elsewhere(&self, id: &ConcertId, instance: String, sockets: u64) {
        if let Some(room) = self.0.lock().get_mut(id) {
            room.elsewhere.retain(|_, (_, at)| at.elapsed() < FORGOTTEN);
            room.elsewhere.insert(instance, (sockets, Instant::now()));
        }
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

    /// Keeps how many tickets are left, and returns those of which that is news.
    pub(crate) fn new_tickets(
        &self,
        id: &ConcertId,
        tickets: Vec<(Option<String>, u64)>,
    ) -> Vec<(Option<String>, u64)> {
        let mut rooms = self.0.lock();
        let Some(room) = rooms.get_mut(id) else {
            return Vec::new();
        };
        let mut is_news = |(kind, left): &(Option<String>, u64)| {
            room.tickets.insert(kind.clone(), *left) != Some(*left)
        };
        tickets.into_iter().filter(|one| is_news(one)).collect()
    }

    /// Returns how many have joined on all instances, if everybody is to be told.
    pub(crate) fn new_count(&self, id: &ConcertId) -> Option<u64> {
        let mut rooms = self.0.lock();
        let room = rooms.get_mut(id)?;
        let count = room.count();
        let is_news = room
            .told
            .is_none_or(|(before, at)| before != count && at.elapsed() >= IDLE);
        if is_news {
            room.told = Some((count, Instant::now()));
        }
        is_news.then_some(count)
    }

    /// Returns how many have joined on this instance, if the others are to be told.
    pub(crate) fn own_count(&self, id: &ConcertId) -> Option<usize> {
        let mut rooms = self.0.lock();
        let room = rooms.get_mut(id)?;
        let count = room.joined.len();
        let is_news = room
            .published
            .is_none_or(|(before, at)| before != count || at.elapsed() >= IDLE);
        if is_news {
            room.published = Some((count, Instant::now()));
        }
        is_news.then_some(count)
    }

    /// Returns how many sockets have joined a concert, each counted once for every concert.
    pub(crate) fn total(&self) -> usize {
        self.0.lock().values().map(|room| room.joined.len()).sum()
    }
}

impl Room {
    fn count(&self) -> u64 {
        let others = self.elsewhere.values();
        let fresh = others.filter(|(_, at)| at.elapsed() < FORGOTTEN);
        self.joined.len() as u64 + fresh.map(|(sockets, _)| sockets).sum::<u64>()
    }
}
