//! Work that is done for every line.

use std::{
    collections::HashMap,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use sunbeon_domain::ConcertId;
use tokio::sync::Notify;

use crate::{Result, Store, StoreError};

/// How many lines are worked on at a time.
const TOGETHER: usize = 32;

/// Does something for every one of these concerts: for some of them at a time, so that a store far away is not
/// asked one by one. One that fails costs no other its turn, for the others may be on another node of a cluster;
/// its error is answered in the end. One that is dropped meanwhile is passed over.
///
/// # Errors
/// [`StoreError::Down`] once 32 more have found the store down than have not, and those that had begun have
/// ended: the others would only wait for the same.
pub async fn for_each<Each: Future<Output = Result<()>>>(
    ids: Vec<ConcertId>,
    each: impl FnMut(ConcertId) -> Each,
) -> Result<()> {
    let (mut done, left) = (Ok(()), AtomicUsize::new(TOGETHER));
    let goes_on = |_: &ConcertId| ready(left.load(Relaxed) > 0);
    let begun = stream::iter(ids).take_while(goes_on).map(each);
    let mut outcomes = begun.buffer_unordered(TOGETHER);
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Err(error @ StoreError::Down(_)) => {
                done = Err(error);
                left.store(left.load(Relaxed).saturating_sub(1), Relaxed);
                continue;
            }
            Ok(()) | Err(StoreError::UnknownConcert) => {}
            Err(error) => done = Err(error),
        }
        left.fetch_add(1, Relaxed);
    }
    done
}

/// How often the live lines are listed anew, and those looked at where something holds a take that is due.
const ROUND: Duration = Duration::from_millis(250);
/// How often a line is looked at in which nothing is due.
const LAZY: Duration = Duration::from_secs(1);

/// When a process looks at which line: exactly when a take is due, and once a second at least.
#[derive(Debug, Default)]
pub struct Looks {
    lines: Mutex<HashMap<ConcertId, Look>>,
    listed: Mutex<Option<Instant>>,
    wake: Arc<Notify>,
}

/// The next look at a line.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    /// Whether it is for a take that is due just then. Others go with a round, so that they go together.
    is_exact: bool,
}

impl Look {
    /// The look after one that found a take due in so many milliseconds ([`crate::Ticked::next_take_ms`]).
    fn after(found: Instant, next_take_ms: Option<u64>) -> Self {
        let left = next_take_ms.map(Duration::from_millis);
        let (pause, is_exact) = match left {
            Some(Duration::ZERO) => (ROUND, false),
            // A look that goes with a round may be half of one late.
            Some(left) if left <= LAZY + ROUND => (left, true),
            _ => (LAZY, false),
        };
        Self {
            at: found + pause,
            is_exact,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let early = if self.is_exact {
            Duration::ZERO
        } else {
            ROUND / 2
        };
        self.at <= now + early
    }
}

impl Looks {
    /// How often [`Self::round`] is to be called, and also whenever [`Self::wake`] is notified.
    pub const ROUND: Duration = ROUND;

    /// Notified when a look is due before the next round.
    pub fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Looks at every live line whose time has come. `look` returns in how long a take is due there
    /// ([`crate::Ticked::next_take_ms`]).
    ///
    /// # Errors
    /// As [`for_each`].
    pub async fn round<Each: Future<Output = Result<Option<u64>>>>(
        &self,
        store: &dyn Store,
        look: impl Fn(ConcertId) -> Each,
    ) -> Result<()> {
        let began = Instant::now();
        self.list(store, began).await?;
        let due = self.due(began);
        let done = for_each(due, async |id| {
            let found = look(id.clone()).await;
            let next = *found.as_ref().unwrap_or(&Some(0));
            self.lines
                .lock()
                .insert(id, Look::after(Instant::now(), next));
            found.map(drop)
        });
        let done = done.await;
        self.wake_in_time(began + ROUND);
        done
    }

    /// Knows the lines that are live, from about every round on.
    async fn list(&self, store: &dyn Store, now: Instant) -> Result<()> {
        let is_fresh = |listed: Instant| now.duration_since(listed) < ROUND / 2;
        if self.listed.lock().is_some_and(is_fresh) {
            return Ok(());
        }
        let live = store.live().await?;
        *self.listed.lock() = Some(now);
        let at_once = Look {
            at: now,
            is_exact: false,
        };
        let mut lines = self.lines.lock();
        let mut before = std::mem::take(&mut *lines);
        let known = |id: ConcertId| {
            let look = before.remove(&id).unwrap_or(at_once);
            (id, look)
        };
        *lines = live.into_iter().map(known).collect();
        Ok(())
    }

    fn due(&self, now: Instant) -> Vec<ConcertId> {
        let lines = self.lines.lock();
        let due = lines.iter().filter(|(_, look)| look.is_due(now));
        due.map(|(id, _)| id.clone()).collect()
    }

    /// Notifies when the first look is due that cannot wait for the next round.
    fn wake_in_time(&self, next_round: Instant) {
        let lines = self.lines.lock();
        let exact = lines.values().filter(|look| look.is_exact);
        let Some(first) = exact
            .map(|look| look.at)
            .min()
            .filter(|at| *at < next_round)
        else {
            return;
        };
        let wake = self.wake.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(first.into()).await;
            wake.notify_one();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_look_is_for_a_round_after_the_take_that_it_is_for() {
        let found = Instant::now();
        for ms in 1..5_000 {
            let (look, take) = (
                Look::after(found, Some(ms)),
                found + Duration::from_millis(ms),
            );
            let is_in_time = look.at + ROUND / 2 <= take;
            assert!(look.is_exact && look.at == take || is_in_time, "{ms} ms");
            assert!(look.at <= found + LAZY + ROUND, "{ms} ms");
        }
    }

    /// Works on so many concerts, of which these find the store down; returns what came of it, and how many had
    /// their turn.
    async fn turns(many: usize, is_down: impl Fn(usize) -> bool) -> (Result<()>, usize) {
        let ids = (0..many).map(|n| ConcertId::parse(format!("c{n}")).unwrap());
        let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let each = |_: ConcertId| {
            let number = begun.fetch_add(1, Relaxed);
            let (down, ended) = (is_down(number), &ended);
            async move {
                // One that is down is found to be so late.
                for _ in 0..if down { 1_000 } else { 1 } {
                    tokio::task::yield_now().await;
                }
                ended.fetch_add(1, Relaxed);
                if down {
                    return Err(StoreError::Down("it is away".into()));
                }
                Ok(())
            }
        };
        let done = for_each(ids.collect(), each).await;
        let (begun, ended) = (begun.into_inner(), ended.into_inner());
        assert_eq!(begun, ended, "what has begun ends");
        (done, ended)
    }

    #[tokio::test]
    async fn a_store_that_is_down_is_not_asked_for_every_line() {
        let (done, turns) = turns(10 * TOGETHER, |_| true).await;
        assert!(matches!(done, Err(StoreError::Down(_))), "{done:?}");
        assert!(turns < 3 * TOGETHER, "{turns}");
    }

    #[tokio::test]
    async fn one_node_that_is_down_costs_the_lines_of_the_others_no_turn() {
        let (done, turns) = turns(10 * TOGETHER, |number| number % 3 == 0).await;
        assert!(matches!(done, Err(StoreError::Down(_))), "{done:?}");
        assert_eq!(turns, 10 * TOGETHER);
    }

    #[tokio::test]
    async fn one_that_fails_by_itself_costs_no_other_its_turn() {
        for own in [
            StoreError::Bug("a".into()),
            StoreError::OtherRelease("b".into()),
        ] {
            let ids = (0..3 * TOGETHER).map(|n| ConcertId::parse(format!("c{n}")).unwrap());
            let ended = AtomicUsize::new(0);
            let each = |_: ConcertId| {
                let first = ended.fetch_add(1, Relaxed) == 0;
                let outcome = if first { Err(own.again()) } else { Ok(()) };
                ready(outcome)
            };
            assert!(for_each(ids.collect(), each).await.is_err());
            assert_eq!(ended.into_inner(), 3 * TOGETHER);
        }
    }
}
