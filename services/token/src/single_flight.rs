//! One piece of work for all callers that wait for it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use tokio::sync::Mutex;

/// Gathers one thing for many callers, one gathering at a time.
///
/// A caller is answered by a gathering that began after it came, so that nothing is missing which
/// was there before. The one that is under way may have passed that by already, and one that was
/// cached is older still, however briefly it is kept: hence neither is answered.
pub(crate) struct SingleFlight<T> {
    begun: AtomicU64,
    /// The last that ended, and which one it was.
    latest: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self {
            begun: AtomicU64::new(0),
            latest: Mutex::new(None),
        }
    }

    /// Returns what `gathering` finds, or another caller's that began no earlier than this call. One
    /// that is dropped half-way is nobody's answer.
    pub(crate) async fn run(&self, gathering: impl Future<Output = T>) -> T {
        let before = self.begun.load(SeqCst);
        let mut latest = self.latest.lock().await;
        if let Some((number, found)) = &*latest
            && *number > before
        {
            return found.clone();
        }
        let number = self.begun.fetch_add(1, SeqCst) + 1;
        let found = gathering.await;
        *latest = Some((number, found.clone()));
        found
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::{future::join_all, poll};
    use tokio::sync::Semaphore;

    use super::*;

    /// A state that changes. A gathering reads it at once, and ends when the test says so.
    struct World {
        flight: SingleFlight<u64>,
        state: AtomicU64,
        read: AtomicU64,
        ends: Semaphore,
    }

    impl World {
        fn new() -> Self {
            Self {
                flight: SingleFlight::new(),
                state: AtomicU64::new(0),
                read: AtomicU64::new(0),
                ends: Semaphore::new(0),
            }
        }

        /// A caller that has come, and waits.
        async fn caller(&self) -> Pin<Box<impl Future<Output = u64>>> {
            let mut caller = Box::pin(self.flight.run(async {
                self.read.fetch_add(1, SeqCst);
                let found = self.state.load(SeqCst);
                self.ends.acquire().await.unwrap().forget();
                found
            }));
            assert!(poll!(caller.as_mut()).is_pending());
            caller
        }

        async fn callers(&self, many: usize) -> Vec<Pin<Box<impl Future<Output = u64>>>> {
            let mut callers = Vec::new();
            for _ in 0..many {
                callers.push(self.caller().await);
            }
            callers
        }
    }

    #[tokio::test]
    async fn all_who_come_while_one_is_under_way_share_the_next() {
        let world = World::new();
        let first = world.caller().await;
        world.state.store(1, SeqCst);
        let later = world.callers(50).await;
        world.ends.add_permits(100);
        assert_eq!(first.await, 0, "it had read before");
        assert_eq!(join_all(later).await, [1; 50]);
        assert_eq!(world.read.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn what_was_gathered_is_kept_for_nobody_who_comes_later() {
        let world = World::new();
        for state in 0..3 {
            world.state.store(state, SeqCst);
            let caller = world.caller().await;
            world.ends.add_permits(1);
            assert_eq!(caller.await, state);
        }
    }

    #[tokio::test]
    async fn a_gathering_that_is_given_up_is_begun_anew_by_the_next_who_waits() {
        let world = World::new();
        let first = world.caller().await;
        let later = world.callers(3).await;
        world.state.store(1, SeqCst);
        drop(first);
        world.ends.add_permits(100);
        assert_eq!(join_all(later).await, [1; 3]);
        assert_eq!(world.read.load(SeqCst), 2);
    }
}
