//! Who is connected.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::Arc,
};

use parking_lot::Mutex;
use socketioxide::socket::Sid;
use sunbeon_domain::{ConcertId, MemberId};

use crate::asks::Asks;

/// How many sockets a member may have on one instance: a few tabs on a few devices.
const MOST_SOCKETS: u32 = 16;
/// How many concerts a socket may join.
const MOST_CONCERTS: usize = 16;

/// Counts the sockets of each member. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Visitors(Arc<Mutex<Here>>);

#[derive(Default)]
struct Here {
    counts: HashMap<MemberId, u32>,
    /// Until when the sockets may stay.
    until: BTreeSet<(i64, Sid)>,
}

/// A socket that is to be let in.
pub(crate) struct Arriving {
    pub(crate) member: MemberId,
    pub(crate) socket: Sid,
    /// Until when the member's token is accepted, in seconds since the epoch.
    pub(crate) until: i64,
}

/// A connected member's socket, counted until it departs or is dropped.
pub(crate) struct Visitor {
    pub(crate) member: MemberId,
    /// What the page asks.
    pub(crate) asks: Asks,
    socket: Sid,
    until: i64,
    concerts: Mutex<Concerts>,
    visitors: Visitors,
}

/// The concerts that a socket has joined.
#[derive(Default)]
struct Concerts {
    /// Whether the page has asked for any. From then on it is only in those that it asks for.
    has_asked: bool,
    asked: Vec<ConcertId>,
    /// Those that it was put into on connecting.
    restored: Vec<ConcertId>,
}

impl Visitors {
    /// Counts a socket; `None` if the member has too many.
    pub(crate) fn arrive(&self, arriving: Arriving) -> Option<Arc<Visitor>> {
        let Arriving {
            member,
            socket,
            until,
        } = arriving;
        let mut here = self.0.lock();
        let count = here.counts.entry(member.clone()).or_default();
        if *count >= MOST_SOCKETS {
            return None;
        }
        *count += 1;
        here.until.insert((until, socket));
        Some(Arc::new(Visitor {
            member,
            asks: Asks::default(),
            socket,
            until,
            concerts: Mutex::default(),
            visitors: self.clone(),
        }))
    }

    /// Returns the sockets that may stay no longer, and since when.
    pub(crate) fn over(&self, now: i64) -> Vec<(i64, Sid)> {
        let here = self.0.lock();
        let over = here.until.iter().take_while(|(until, _)| *until <= now);
        over.copied().collect()
    }
}

impl Visitor {
    /// Whether the socket may stay no longer.
    pub(crate) fn is_over(&self, now: i64) -> bool {
        self.until <= now
    }

    /// Counts the socket no longer, whoever still holds it.
    pub(crate) fn depart(&self) {
        let mut here = self.visitors.0.lock();
        if !here.until.remove(&(self.until, self.socket)) {
            return;
        }
        if let Some(count) = here.counts.get_mut(&self.member) {
            *count -= 1;
            if *count == 0 {
                here.counts.remove(&self.member);
            }
        }
    }

    /// Notes that the page joins a concert. Returns the concerts that it was put into and leaves now; `None`
    /// if it has joined too many.
    pub(crate) fn join(&self, id: &ConcertId) -> Option<Vec<ConcertId>> {
        let mut concerts = self.concerts.lock();
        if !concerts.asked.contains(id) {
            if concerts.asked.len() >= MOST_CONCERTS {
                return None;
            }
            concerts.asked.push(id.clone());
        }
        concerts.has_asked = true;
        let mut left = mem::take(&mut concerts.restored);
        left.retain(|restored| restored != id);
        Some(left)
    }

    /// Notes that the socket is put into a concert; returns whether it is to be.
    pub(crate) fn restore(&self, id: &ConcertId) -> bool {
        let mut concerts = self.concerts.lock();
        let is_wanted = !concerts.has_asked;
        if is_wanted {
            concerts.restored.push(id.clone());
        }
        is_wanted
    }

    /// Notes that the socket has left a concert.
    pub(crate) fn leave(&self, id: &ConcertId) {
        let mut concerts = self.concerts.lock();
        concerts.asked.retain(|joined| joined != id);
        concerts.restored.retain(|joined| joined != id);
    }

    /// Returns the concerts that the socket has joined.
    pub(crate) fn joined(&self) -> Vec<ConcertId> {
        let concerts = self.concerts.lock();
        let all = concerts.asked.iter().chain(&concerts.restored);
        all.cloned().collect()
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.depart();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(who: &str, until: i64) -> Arriving {
        Arriving {
            member: MemberId::parse(who).unwrap(),
            socket: Sid::new(),
            until,
        }
    }

    #[test]
    fn a_member_has_only_so_many_sockets_at_a_time() {
        let visitors = Visitors::default();
        let arrive = |who: &str| visitors.arrive(arriving(who, 1));
        let mut sockets: Vec<_> = (0..MOST_SOCKETS).map(|_| arrive("a").unwrap()).collect();
        assert!(arrive("a").is_none());
        assert!(arrive("b").is_some());
        sockets.pop();
        assert!(arrive("a").is_some());
        drop(sockets);
        assert!(visitors.0.lock().counts.is_empty());
    }

    #[test]
    fn one_that_departed_counts_no_longer_and_once() {
        let visitors = Visitors::default();
        let [gone, stays] = [(); 2].map(|()| visitors.arrive(arriving("a", 1)).unwrap());
        gone.depart();
        gone.depart();
        drop(gone);
        assert_eq!(visitors.over(1), [(1, stays.socket)]);
        drop(stays);
        assert!(visitors.0.lock().counts.is_empty());
    }

    #[test]
    fn sockets_are_over_when_their_tokens_are() {
        let visitors = Visitors::default();
        let sockets = [30, 10, 20].map(|until| visitors.arrive(arriving("a", until)).unwrap());
        let over = |now| visitors.over(now).into_iter().map(|(until, _)| until);
        assert_eq!(over(20).collect::<Vec<_>>(), [10, 20]);
        assert_eq!(
            sockets.map(|socket| socket.is_over(20)),
            [false, true, true]
        );
        assert_eq!(over(30).count(), 0, "all are gone");
    }

    fn id(n: usize) -> ConcertId {
        ConcertId::parse(format!("c{n}")).unwrap()
    }

    fn visitor() -> Arc<Visitor> {
        let visitors = Visitors::default();
        visitors.arrive(arriving("a", 1)).unwrap()
    }

    #[test]
    fn a_socket_joins_only_so_many_concerts() {
        let visitor = visitor();
        assert!((0..MOST_CONCERTS).all(|n| visitor.join(&id(n)).is_some()));
        assert!(visitor.join(&id(0)).is_some(), "it has joined this one");
        assert!(visitor.join(&id(MOST_CONCERTS)).is_none());
        visitor.leave(&id(3));
        assert!(visitor.join(&id(MOST_CONCERTS)).is_some());
    }

    #[test]
    fn a_page_that_asks_is_only_where_it_asks_to_be() {
        let visitor = visitor();
        assert!(visitor.restore(&id(1)) && visitor.restore(&id(2)));
        assert_eq!(visitor.joined(), [id(1), id(2)]);
        assert_eq!(visitor.join(&id(2)), Some(vec![id(1)]));
        assert_eq!(visitor.joined(), [id(2)]);
        assert!(!visitor.restore(&id(1)), "it has asked before");
        assert_eq!(visitor.join(&id(1)), Some(vec![]));
    }
}
