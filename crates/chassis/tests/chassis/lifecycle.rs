//! Exit codes.

use std::{
    future::{pending, ready},
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use sunbeon_chassis::Lifecycle;

const LIMIT: Duration = Duration::from_secs(5);

/// Returns a lifecycle with a task that stops when told to.
fn with_obedient_task() -> Lifecycle {
    let mut lifecycle = Lifecycle::new();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("obedient", async move {
        shutdown.cancelled().await;
        Ok(())
    });
    lifecycle
}

#[tokio::test]
async fn a_signal_stops_everything_with_code_0() {
    assert_eq!(
        with_obedient_task().run_until(LIMIT, ready(())).await,
        ExitCode::SUCCESS
    );
}

#[tokio::test]
async fn a_task_that_ends_early_stops_everything_with_code_1() {
    let mut lifecycle = with_obedient_task();
    lifecycle.spawn("brief", async { Ok(()) });
    assert_eq!(
        lifecycle.run_until(LIMIT, pending()).await,
        ExitCode::FAILURE
    );
}

#[tokio::test]
async fn a_task_that_fails_stops_everything_with_code_1() {
    let mut lifecycle = with_obedient_task();
    lifecycle.spawn("failing", async { anyhow::bail!("no") });
    assert_eq!(
        lifecycle.run_until(LIMIT, pending()).await,
        ExitCode::FAILURE
    );
}

#[tokio::test]
async fn a_task_that_panics_stops_everything_with_code_1() {
    let mut lifecycle = with_obedient_task();
    lifecycle.spawn("panicking", async { panic!("boom") });
    assert_eq!(
        lifecycle.run_until(LIMIT, pending()).await,
        ExitCode::FAILURE
    );
}

#[tokio::test]
async fn a_task_that_fails_while_stopping_gives_code_1() {
    let mut lifecycle = with_obedient_task();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("late", async move {
        shutdown.cancelled().await;
        anyhow::bail!("no")
    });
    assert_eq!(
        lifecycle.run_until(LIMIT, ready(())).await,
        ExitCode::FAILURE
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_outlives_the_limit_is_cut_off_with_code_1() {
    let mut lifecycle = with_obedient_task();
    lifecycle.spawn("deaf", pending());
    assert_eq!(
        lifecycle.run_until(LIMIT, ready(())).await,
        ExitCode::FAILURE
    );
}

/// Sends a signal to a process.
fn kill(signal: &str, process: u32) {
    // The shell's built-in, because not every machine has the program.
    let status = Command::new("sh")
        .args(["-c", &format!("kill {signal} {process}")])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs in its own process: a task that never stops, and "stopping" once the token is cancelled.
async fn deaf_process() -> ExitCode {
    let mut lifecycle = Lifecycle::new();
    let shutdown = lifecycle.shutdown();
    lifecycle.spawn("deaf", async move {
        println!("\nrunning");
        shutdown.cancelled().await;
        println!("\nstopping");
        pending().await
    });
    lifecycle.run(Duration::from_secs(60)).await
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_forces() {
    const CHILD: &str = "SUNBEON_TEST_CHILD";
    const NAME: &str = "lifecycle::the_first_signal_drains_and_the_second_forces";
    if std::env::var_os(CHILD).is_some() {
        deaf_process().await;
        return;
    }
    for (first, second) in [("-TERM", "-TERM"), ("-INT", "-TERM")] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = |word: &str| lines.any(|line| line.unwrap() == word);
        assert!(said("running"));
        kill(first, child.id());
        assert!(said("stopping"));
        kill(second, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
}
