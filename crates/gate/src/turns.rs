//! Taking turns at asking Sunbeon about concerts, well below its limit per address.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until, timeout},
};

/// How long a fetch waits for its moment, and then for an earlier fetch to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Known concerts have their own room, which invented ones cannot use up.
pub(crate) struct Turns {
    pub(crate) known: Room,
    pub(crate) strangers: Room,
}

/// A number of fetches per second, evenly spaced, and a number at the same time.
pub(crate) struct Room {
    every: Duration,
    next: Mutex<Instant>,
    at_once: Semaphore,
}

/// The moment at which a fetch may start.
#[derive(Clone, Copy)]
pub(crate) struct Moment(Instant);

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            known: Room::new(Duration::from_millis(20), 8),
            strangers: Room::new(Duration::from_millis(50), 4),
        }
    }
}

impl Room {
    fn new(every: Duration, at_once: usize) -> Self {
        Self {
            every,
            next: Mutex::new(Instant::now()),
            at_once: Semaphore::new(at_once),
        }
    }

    /// Returns the next free moment, or `None` if it is too far away.
    pub(crate) fn moment(&self) -> Option<Moment> {
        let now = Instant::now();
        let mut next = self.next.lock();
        let mine = now.max(*next);
        if mine - now > PATIENCE {
            return None;
        }
        *next = mine + self.every;
        Some(Moment(mine))
    }

    /// Waits for the moment and for a place; returns `None` if earlier fetches take too long.
    pub(crate) async fn turn(&self, moment: Moment) -> Option<SemaphorePermit<'_>> {
        if Instant::now() < moment.0 {
            sleep_until(moment.0).await;
        }
        let place = timeout(PATIENCE, self.at_once.acquire()).await;
        place.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_asks_less_often_than_the_limit_per_address() {
        let Turns { known, strangers } = Turns::new();
        let a_second = |room: &Room| 1.0 / room.every.as_secs_f64();
        assert!(a_second(&strangers) <= 20.0);
        assert!(a_second(&strangers) + a_second(&known) <= 80.0);
    }

    #[test]
    fn turns_are_evenly_spaced_and_nobody_waits_longer_than_a_second() {
        let room = Room::new(Duration::from_millis(50), 1);
        let began = Instant::now();
        let moments: Vec<_> = std::iter::from_fn(|| room.moment()).collect();
        let took = began.elapsed();
        assert!(moments.len() >= 20);
        assert!(moments.last().unwrap().0 <= Instant::now() + PATIENCE);
        for (one, next) in moments.iter().zip(&moments[1..]) {
            assert!(next.0 - one.0 >= room.every);
        }
        let most = 21 + took.as_millis() / room.every.as_millis();
        assert!(moments.len() as u128 <= most + 1, "{}", moments.len());
    }
}
