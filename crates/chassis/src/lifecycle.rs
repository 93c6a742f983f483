//! Signals, tasks and the exit code of a process.

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Owns the tasks of a process. A task that ends or panics by itself stops everything with exit
/// code 1; a stop signal cancels the token, gives the tasks time to finish and exits with 0.
#[derive(Debug, Default)]
pub struct Lifecycle {
    shutdown: CancellationToken,
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
}

/// The largest task, in bytes. Without optimisation a task is copied several times on its way to its
/// worker, whose stack has 2 MiB.
const MOST: usize = 16 * 1_024;

impl Lifecycle {
    /// Creates a lifecycle without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the token that is cancelled when the process must stop.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Runs a task that lives until the token is cancelled. A task larger than [`MOST`] does not compile:
    /// box its parts.
    pub fn spawn<Task>(&mut self, name: &'static str, task: Task)
    where
        Task: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        const { assert!(size_of::<Task>() <= MOST, "box the parts of this task") };
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Runs until a task ends or SIGTERM or Ctrl-C arrives. A second signal ends the process
    /// immediately.
    pub async fn run(self, drain_limit: Duration) -> ExitCode {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "could not listen for signals; stopping"
                );
                return ExitCode::FAILURE;
            }
        };
        let (first, stopped) = tokio::sync::oneshot::channel();
        let forced = async {
            signals.next().await;
            // The receiver is gone if a task ended by itself.
            let _ = first.send(());
            signals.next().await;
        };
        tokio::select! {
            code = self.run_until(drain_limit, async { let _ = stopped.await; }) => code,
            () = forced => {
                tracing::error!("second signal received; stopping without waiting for running tasks");
                std::process::exit(1)
            }
        }
    }

    /// Does the same as [`Lifecycle::run`], with `trigger` in place of the first signal and without
    /// a second.
    pub async fn run_until(
        mut self,
        drain_limit: Duration,
        trigger: impl Future<Output = ()>,
    ) -> ExitCode {
        let clean = tokio::select! {
            Some(ended) = self.tasks.join_next() => {
                report(ended);
                false
            }
            () = trigger => true,
        };
        tracing::info!("stopping; waiting for running tasks");
        self.shutdown.cancel();
        let drained = tokio::time::timeout(drain_limit, drain(&mut self.tasks)).await;
        if drained.is_err() {
            tracing::error!(
                ?drain_limit,
                "tasks were cut off: they did not finish within the limit"
            );
        }
        self.tasks.abort_all();
        if clean && drained == Ok(true) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// Waits for all tasks and returns whether all succeeded.
async fn drain(tasks: &mut JoinSet<(&'static str, anyhow::Result<()>)>) -> bool {
    let mut well = true;
    while let Some(ended) = tasks.join_next().await {
        if !matches!(ended, Ok((_, Ok(())))) {
            report(ended);
            well = false;
        }
    }
    well
}

fn report(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) {
    match ended {
        Ok((task, Ok(()))) => tracing::error!(task, "task ended by itself; stopping the process"),
        Ok((task, Err(error))) => {
            tracing::error!(
                task,
                error = format!("{error:#}"),
                "task failed; stopping the process"
            );
        }
        Err(error) => tracing::error!(%error, "task panicked; stopping the process"),
    }
}

/// SIGTERM and Ctrl-C.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("could not listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("could not listen for SIGINT")?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
