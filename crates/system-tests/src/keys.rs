use std::{path::Path, process::Command};

use sunbeon_test_support::binary;

/// Runs `sunbeon keys` on a file and returns its output.
///
/// # Panics
/// If the command fails.
pub fn run_keys(file: &Path, words: &[&str]) -> String {
    let mut command = Command::new(binary("sunbeon"));
    command.args(["keys", "--file"]).arg(file).args(words);
    let done = command.output().expect("could not start the program");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "sunbeon keys {words:?}: {said}");
    String::from_utf8(done.stdout).expect("it prints text")
}
