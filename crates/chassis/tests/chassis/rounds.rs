//! Periodic jobs, on a clock that the tests control.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use sunbeon_chassis::{Lifecycle, Rounds};
use sunbeon_domain::{Code, Coded};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};

const PERIOD: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
#[error("failed")]
struct Failed(Code);

impl Coded for Failed {
    fn code(&self) -> Code {
        self.0
    }
}

/// Runs rounds for a while and returns when each began, counted from the start.
async fn began(rounds: Rounds, long: Duration, fails: impl Fn(usize) -> bool) -> Vec<Duration> {
    let (shutdown, start) = (CancellationToken::new(), Instant::now());
    let began = RefCell::new(Vec::new());
    let round = async || {
        let mut began = began.borrow_mut();
        began.push(start.elapsed());
        match fails(began.len() - 1) {
            true => Err(Failed(Code::StoreDown)),
            false => Ok(()),
        }
    };
    let stopped = timeout(long, rounds.run(&shutdown, round)).await;
    assert!(stopped.is_err(), "rounds ended by themselves");
    began.into_inner()
}

#[tokio::test(start_paused = true)]
async fn the_first_round_starts_at_once_and_later_ones_every_period_after_a_random_offset() {
    let mut firsts = Vec::new();
    for _ in 0..20 {
        let began = began(Rounds::every(PERIOD, "job"), 4 * PERIOD, |_| false).await;
        assert_eq!(began[0], Duration::ZERO);
        assert!(began[1] <= PERIOD);
        for pair in began[1..].windows(2) {
            let pause = pair[1] - pair[0];
            assert!(
                pause >= PERIOD && pause < PERIOD + Duration::from_millis(5),
                "{pause:?}"
            );
        }
        firsts.push(began[1]);
    }
    firsts.sort();
    assert!(
        firsts[19] - firsts[0] > PERIOD / 10,
        "all at the same moment: {firsts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_round_is_retried_after_its_own_pause() {
    let soon = Duration::from_secs(1);
    let rounds = Rounds::every(PERIOD, "job").after_failure(soon);
    let began = began(rounds, PERIOD, |round| round < 3).await;
    let seconds: Vec<_> = began.iter().take(4).map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn waking_begins_a_round_at_once() {
    let (shutdown, wake, rounds) = (CancellationToken::new(), Notify::new(), Cell::new(0));
    let start = Instant::now();
    let round = async || {
        rounds.set(rounds.get() + 1);
        match rounds.get() {
            5 => shutdown.cancel(),
            _ => wake.notify_one(),
        }
        Ok::<_, Failed>(())
    };
    Rounds::every(PERIOD, "job")
        .run_woken(&shutdown, &wake, round)
        .await;
    assert_eq!((rounds.get(), start.elapsed().as_secs()), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn until_done_ends_with_the_first_success_or_at_shutdown() {
    let (shutdown, rounds) = (CancellationToken::new(), Cell::new(0));
    let round = async || {
        rounds.set(rounds.get() + 1);
        match rounds.get() < 3 {
            true => Err(Failed(Code::DatabaseDown)),
            false => Ok(()),
        }
    };
    assert!(
        Rounds::every(PERIOD, "job")
            .until_done(&shutdown, round)
            .await
    );
    assert_eq!(rounds.get(), 3);
    shutdown.cancel();
    let fails = async || Err(Failed(Code::DatabaseDown));
    assert!(
        !Rounds::every(PERIOD, "job")
            .until_done(&shutdown, fails)
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn a_running_round_is_finished_at_shutdown_within_a_limit() {
    let (shutdown, finished) = (CancellationToken::new(), Cell::new(false));
    let short = async || {
        shutdown.cancel();
        sleep(Duration::from_secs(2)).await;
        finished.set(true);
        Ok::<_, Failed>(())
    };
    Rounds::every(PERIOD, "job").run(&shutdown, short).await;
    assert!(finished.get());
    let hangs = || pending::<Result<(), Failed>>();
    let stopping = Rounds::every(PERIOD, "job").run(&shutdown, hangs);
    timeout(Duration::from_secs(5), stopping)
        .await
        .expect("an end");
}

#[tokio::test]
async fn a_round_that_panics_ends_the_process() {
    let mut lifecycle = Lifecycle::new();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("rounds", async move {
        let panics = async || -> Result<(), Failed> { panic!("boom") };
        Rounds::every(PERIOD, "job").run(&shutdown, panics).await;
        Ok(())
    });
    let code = lifecycle.run_until(PERIOD, pending()).await;
    assert_eq!(code, ExitCode::FAILURE);
}

/// The levels of the logged lines.
#[derive(Clone, Default)]
struct Levels(Arc<Mutex<Vec<Level>>>);

impl<S: Subscriber> Layer<S> for Levels {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.lock().unwrap().push(*event.metadata().level());
    }
}

#[tokio::test(start_paused = true)]
async fn a_streak_of_failures_is_logged_at_its_start_and_end() {
    let levels = Levels::default();
    let subscriber = tracing_subscriber::registry().with(levels.clone());
    let _logged = tracing::subscriber::set_default(subscriber);
    let (shutdown, rounds) = (CancellationToken::new(), Cell::new(0));
    let round = async || {
        rounds.set(rounds.get() + 1);
        match rounds.get() {
            2..=5 => Err(Failed(Code::StoreDown)),
            8..=9 => Err(Failed(Code::Internal)),
            12 => {
                shutdown.cancel();
                Ok(())
            }
            _ => Ok(()),
        }
    };
    Rounds::every(PERIOD, "job").run(&shutdown, round).await;
    let logged = levels.0.lock().unwrap().clone();
    assert_eq!(
        logged,
        [Level::WARN, Level::INFO, Level::ERROR, Level::INFO]
    );
}
