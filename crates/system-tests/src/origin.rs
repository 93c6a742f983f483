//! A shop's back end in PHP.

use std::{fs, path::Path, process::Command};

use sunbeon_test_support::{Process, free_port};
use tempfile::TempDir;

use crate::replica::show_log;

/// A shop's back end in PHP. It answers every request with what PHP read from it: `path`, `member`
/// (`HTTP_X_MEMBER_ID`), `members` (every header that some CGI-like server reads as `X-Member-Id`),
/// `upgrade` and `body`.
#[derive(Debug)]
pub struct Origin {
    port: u16,
    process: Process,
    folder: TempDir,
}

impl Origin {
    /// Starts PHP's own web server, which stops at the end of the test.
    ///
    /// # Panics
    /// If PHP is not installed.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("could not make a temporary folder");
        let port = free_port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/origin.php");
        let mut command = Command::new("php");
        command.args(["-S", &format!("127.0.0.1:{port}"), script]);
        command.env("CALLS", calls(folder.path()));
        let process = Process::run("php", command);
        Self {
            port,
            process,
            folder,
        }
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path of every request so far, as PHP read it.
    pub fn seen(&self) -> Vec<String> {
        let calls = fs::read(calls(self.folder.path())).unwrap_or_default();
        let calls = String::from_utf8_lossy(&calls);
        calls.lines().map(str::to_owned).collect()
    }
}

fn calls(folder: &Path) -> std::path::PathBuf {
    folder.join("calls")
}

impl Drop for Origin {
    fn drop(&mut self) {
        show_log("php", &self.process);
    }
}
