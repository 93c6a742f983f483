//! Stopping, pausing and awaiting processes.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use sunbeon_test_support::{Process, eventually, free_port};

const SOON: Duration = Duration::from_secs(20);

fn shell(script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Process::run("sh", command)
}

#[tokio::test]
async fn a_process_can_be_stopped_gracefully() {
    let process = shell("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    eventually(SOON, "it is ready", async || {
        process.log().contains("ready")
    })
    .await;
    process.terminate();
    assert_eq!(process.wait(SOON).await.code(), Some(3));
    assert_eq!(process.log(), "ready\nbye\n");
    process.kill();
}

#[tokio::test]
async fn a_paused_process_does_nothing_until_it_is_resumed() {
    let process = shell("i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done");
    eventually(SOON, "it writes", async || !process.log().is_empty()).await;
    process.pause();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
    eventually(SOON, "it stands", async || {
        stat().is_ok_and(|s| s.contains(") T "))
    })
    .await;
    let before = process.log();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(process.log(), before);
    process.resume();
    eventually(SOON, "it continues", async || process.log() != before).await;
    process.kill();
    assert_eq!(process.status().expect("it ended").signal(), Some(9));
}

#[test]
fn a_free_port_is_handed_out_once() {
    let mut given: Vec<_> = (0..300).map(|_| free_port()).collect();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 300);
}

#[tokio::test]
#[should_panic(expected = "cargo build")]
async fn a_binary_that_was_not_built_is_named() {
    Process::spawn("sunbeon-nobody", &[], [("KEY", "value")]);
}
