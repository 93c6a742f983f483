//! Periodic jobs.

use std::{
    error::Error,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    time::Duration,
};

use sunbeon_domain::Coded;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a running round may still take once the process stops; then it is cut off.
const FINISH: Duration = Duration::from_secs(3);

/// A job that runs one round after another until the process stops.
///
/// The first round starts at once, and every further one a period after the start of the previous
/// one, or as soon as that has ended. The first pause is shortened at random, so that the jobs of a
/// process, or replicas started together, do not keep hitting their dependencies at the same
/// moment. A round's error never ends the job: the first failure of a streak is logged, and so is
/// the end of the streak. A panic is not caught and ends the process.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    job: &'static str,
    period: Duration,
    after_failure: Duration,
}

impl Rounds {
    /// Creates a job, named in logs, with this period between the starts of two rounds.
    pub fn every(period: Duration, job: &'static str) -> Self {
        Self {
            job,
            period,
            after_failure: period,
        }
    }

    /// Retries a failed round after this pause instead of a period.
    pub fn after_failure(self, after_failure: Duration) -> Self {
        Self {
            after_failure,
            ..self
        }
    }

    /// Runs rounds until `shutdown` is cancelled.
    pub async fn run<Round, E>(self, shutdown: &CancellationToken, round: impl FnMut() -> Round)
    where
        Round: Future<Output = Result<(), E>>,
        E: Coded,
    {
        self.run_woken(shutdown, &Notify::new(), round).await;
    }

    /// Runs rounds until `shutdown` is cancelled; `wake` starts the next one at once.
    pub async fn run_woken<Round, E>(
        self,
        shutdown: &CancellationToken,
        wake: &Notify,
        mut round: impl FnMut() -> Round,
    ) where
        Round: Future<Output = Result<(), E>>,
        E: Coded,
    {
        let mut streak = Streak::new(self.job);
        let mut stagger = Some(random_part());
        while !shutdown.is_cancelled() {
            let began = Instant::now();
            let Some(done) = finished(Box::pin(round()), shutdown).await else {
                return;
            };
            streak.report(&done);
            let pause = match done {
                Ok(()) => self.period.mul_f64(stagger.take().unwrap_or(1.0)),
                Err(_) => self.after_failure,
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = wake.notified() => {}
                () = sleep_until(began + pause) => {}
            }
        }
    }

    /// Runs rounds until one succeeds or `shutdown` is cancelled. Returns whether one succeeded.
    pub async fn until_done<Round, E>(
        self,
        shutdown: &CancellationToken,
        mut round: impl FnMut() -> Round,
    ) -> bool
    where
        Round: Future<Output = Result<(), E>>,
        E: Coded,
    {
        let mut streak = Streak::new(self.job);
        loop {
            let began = Instant::now();
            let Some(done) = finished(Box::pin(round()), shutdown).await else {
                return false;
            };
            streak.report(&done);
            if done.is_ok() {
                return true;
            }
            let pause = sleep_until(began + self.after_failure);
            if shutdown.run_until_cancelled(pause).await.is_none() {
                return false;
            }
        }
    }
}

/// Awaits a round; returns `None` if the process stopped and the round did not end soon after. Rounds are
/// boxed, so that a task of many jobs stays small.
async fn finished<Round: Future>(
    mut round: Pin<Box<Round>>,
    shutdown: &CancellationToken,
) -> Option<Round::Output> {
    match shutdown.run_until_cancelled(&mut round).await {
        Some(done) => Some(done),
        None => timeout(FINISH, round).await.ok(),
    }
}

/// Returns a random number between 0 and 1.
fn random_part() -> f64 {
    // A new RandomState has a random key: that saves a dependency for one random number.
    (RandomState::new().hash_one(()) % 1024) as f64 / 1024.0
}

/// Consecutive failures.
struct Streak {
    job: &'static str,
    failures: u64,
}

impl Streak {
    fn new(job: &'static str) -> Self {
        Self { job, failures: 0 }
    }

    /// Logs the first failure of a streak, and its end. A failure that is not an outage is a bug of
    /// ours, and somebody must act.
    fn report<E: Coded>(&mut self, done: &Result<(), E>) {
        let (job, failures) = (self.job, self.failures);
        match done {
            Err(failure) if failures == 0 => {
                let error = failure as &(dyn Error + 'static);
                if failure.code().status() == 500 {
                    tracing::error!(job, error, "a periodic job failed; retrying");
                } else {
                    tracing::warn!(job, error, "a periodic job failed; retrying");
                }
            }
            Ok(()) if failures > 0 => tracing::info!(job, failures, "a periodic job works again"),
            Ok(()) | Err(_) => {}
        }
        self.failures = match done {
            Ok(()) => 0,
            Err(_) => failures + 1,
        };
    }
}
