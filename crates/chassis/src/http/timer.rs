//! The time that a connection has to send the headers of its next request.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use parking_lot::Mutex;

/// The timer of one connection.
///
/// Nearly every deadline is given up long before it is reached. So a connection has one entry in the
/// runtime's wheel, which stays as it is while deadlines come and go, and is moved to the latest one
/// when it is reached.
#[derive(Default)]
pub(super) struct ConnectionTimer(Entry);

type Entry = Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>;

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline {
            at: deadline.into(),
            entry: self.0.clone(),
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct Deadline {
    at: tokio::time::Instant,
    entry: Entry,
}

impl Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut entry = self.entry.lock();
        let entry = entry.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.at)));
        if entry.deadline() > self.at {
            entry.as_mut().reset(self.at);
        }
        loop {
            ready!(entry.as_mut().poll(context));
            if entry.deadline() == self.at {
                return Poll::Ready(());
            }
            entry.as_mut().reset(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_reached_when_it_is_due_whatever_was_given_up_before() {
        let timer = ConnectionTimer::default();
        for (given_up, due) in [(10, 30), (30, 10), (20, 20)] {
            let began = timer.now();
            let mut earlier = timer.sleep(given_up * SECOND);
            assert!(poll!(&mut earlier).is_pending());
            drop(earlier);
            timer.sleep(due * SECOND).await;
            let took = timer.now() - began;
            assert!(
                took >= due * SECOND && took < due * SECOND + SECOND,
                "{took:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_reached_at_once() {
        let timer = ConnectionTimer::default();
        timer.sleep(SECOND).await;
        let began = timer.now();
        timer.sleep_until(began).await;
        assert_eq!(timer.now(), began);
    }
}
