//! Who is connected.

use std::{collections::HashMap, sync::Arc};

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
    joined: Mutex<Vec<ConcertId>>,
    visitors: Visitors,
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
            joined: Mutex::default(),
            visitors: self.clone(),
        }))
    }
}

impl Visitor {
    /// Notes that the socket joins a concert; returns whether it may.
    pub(crate) fn join(&self, id: &ConcertId) -> bool {
        let mut joined = self.joined.lock();
        let may = joined.contains(id) || joined.len() < MOST_CONCERTS;
        if may && !joined.contains(id) {
            joined.push(id.clone());
        }
        may
    }

    /// Notes that the socket has left a concert.
    pub(crate) fn leave(&self, id: &ConcertId) {
        self.joined.lock().retain(|joined| joined != id);
    }

    /// Returns the concerts that the socket has joined.
    pub(crate) fn joined(&self) -> Vec<ConcertId> {
        self.joined.lock().clone()
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

    #[test]
    fn a_socket_joins_only_so_many_concerts() {
        let visitors = Visitors::default();
        let visitor = visitors.arrive(MemberId::parse("a").unwrap()).unwrap();
        let id = |n: usize| ConcertId::parse(format!("c{n}")).unwrap();
        assert!((0..MOST_CONCERTS).all(|n| visitor.join(&id(n))));
        assert!(visitor.join(&id(0)), "it has joined this one before");
        assert!(!visitor.join(&id(MOST_CONCERTS)));
        visitor.leave(&id(3));
        assert!(visitor.join(&id(MOST_CONCERTS)));
    }
}
