//! Who is connected.

use std::{collections::HashMap, mem, sync::Arc};

use parking_lot::Mutex;
use sunbeon_domain::{ConcertId, MemberId};

/// How many sockets a member may have on one instance: a few tabs on a few devices.
const MOST_SOCKETS: u32 = 16;
/// How many concerts a socket may join.
const MOST_CONCERTS: usize = 16;

/// Counts the sockets of each member. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Visitors(Arc<Mutex<HashMap<MemberId, u32>>>);

/// A connected member's socket, counted until it is dropped.
pub(crate) struct Visitor {
    pub(crate) member: MemberId,
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
    pub(crate) fn arrive(&self, member: MemberId) -> Option<Arc<Visitor>> {
        let mut counts = self.0.lock();
        let count = counts.entry(member.clone()).or_default();
        if *count >= MOST_SOCKETS {
            return None;
        }
        *count += 1;
        Some(Arc::new(Visitor {
            member,
            concerts: Mutex::default(),
            visitors: self.clone(),
        }))
    }
}

impl Visitor {
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
        let mut counts = self.visitors.0.lock();
        if let Some(count) = counts.get_mut(&self.member) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.member);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_has_only_so_many_sockets_at_a_time() {
        let visitors = Visitors::default();
        let arrive = |who: &str| visitors.arrive(MemberId::parse(who).unwrap());
        let mut sockets: Vec<_> = (0..MOST_SOCKETS).map(|_| arrive("a").unwrap()).collect();
        assert!(arrive("a").is_none());
        assert!(arrive("b").is_some());
        sockets.pop();
        assert!(arrive("a").is_some());
        drop(sockets);
        assert!(visitors.0.lock().is_empty());
    }

    fn id(n: usize) -> ConcertId {
        ConcertId::parse(format!("c{n}")).unwrap()
    }

    fn visitor() -> Arc<Visitor> {
        let visitors = Visitors::default();
        visitors.arrive(MemberId::parse("a").unwrap()).unwrap()
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
