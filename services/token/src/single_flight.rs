//! One piece of work shared by all callers that wait for it.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use tokio::sync::Mutex;

/// Runs one piece of work for many callers, one run at a time.
///
/// Every caller gets the result of a run that started after it asked, so that nothing from before
/// its request is missing. A run already in progress may have passed over something, and a cached
/// result is older still, however briefly it is kept; neither is ever returned.
pub(crate) struct SingleFlight<T> {
    begun: AtomicU64,
    /// The last result, and the number of its run.
    latest: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self {
            begun: AtomicU64::new(0),
            latest: Mutex::new(None),
        }
    }

    /// Returns the result of `gathering`, or of another caller's run that started no earlier than
    /// this call. A run dropped half-way answers nobody.
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

    /// A changing state. A run reads it at once and ends when the test says so.
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

        /// Returns a caller that is already waiting.
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
    async fn callers_during_a_run_share_the_next_one() {
        let world = World::new();
        let first = world.caller().await;
        world.state.store(1, SeqCst);
        let later = world.callers(50).await;
        world.ends.add_permits(100);
        assert_eq!(first.await, 0, "it had already read the state");
        assert_eq!(join_all(later).await, [1; 50]);
        assert_eq!(world.read.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn a_result_is_not_kept_for_later_callers() {
        let world = World::new();
        for state in 0..3 {
            world.state.store(state, SeqCst);
            let caller = world.caller().await;
            world.ends.add_permits(1);
            assert_eq!(caller.await, state);
        }
    }

    #[tokio::test]
    async fn an_abandoned_run_is_started_again_by_the_next_caller() {
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
