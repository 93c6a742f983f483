use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A child process whose output goes to a file. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Mutex<Child>,
    pid: Pid,
    folder: TempDir,
}

impl Process {
    /// Starts the workspace's binary `name` with these arguments. Its environment is this process's
    /// own without `SUNBEON__…` variables, plus `settings`.
    ///
    /// # Panics
    /// If the binary was not built or does not start.
    pub fn spawn<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        name: &str,
        arguments: &[&str],
        settings: impl IntoIterator<Item = (K, V)>,
    ) -> Process {
        let mut command = Command::new(binary(name));
        command.args(arguments);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("SUNBEON__") {
                command.env_remove(key);
            }
        }
        command.envs(settings);
        Process::run(name, command)
    }

    /// Starts any command. Its output is in [`Process::log`].
    ///
    /// # Panics
    /// If it does not start; the message names a program that is not installed.
    pub fn run(name: &str, mut command: Command) -> Process {
        let folder = tempfile::tempdir().expect("could not make a temporary folder");
        let out = File::create(folder.path().join("log")).expect("a new folder is writable");
        let err = out.try_clone().expect("an open file can be shared");
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{name} does not start ({error}); is {:?} installed?",
                command.get_program()
            )
        });
        let pid = Pid::from_child(&child);
        Process {
            name: name.into(),
            child: Mutex::new(child),
            pid,
            folder,
        }
    }

    /// Returns its process id.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Returns the path of the file with its standard output and error.
    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Returns what it has printed so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        let _ = self.child().wait();
    }

    /// Pauses it (SIGSTOP): its sockets stay open, but nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends [`Process::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Returns its exit status, if it has ended.
    pub fn status(&self) -> Option<ExitStatus> {
        self.child()
            .try_wait()
            .expect("could not read the child's status")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it is still running after `limit`; the message contains its log.
    pub async fn wait(&self, limit: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.status() {
                return status;
            }
            if begun.elapsed() > limit {
                panic!(
                    "{} is still running after {limit:?}; its log:\n{}",
                    self.name,
                    self.log()
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn signal(&self, signal: Signal) {
        let mut child = self.child();
        // After its end has been seen, another process may have the id.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill_process(self.pid, signal);
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Finds `target/<profile>/<name>` above this test's own executable.
pub fn binary(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its executable");
    let found = this
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(name))
        .find(|path| is_file(path));
    found.unwrap_or_else(|| panic!("no binary {name} above {}: cargo build", this.display()))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

/// Returns a loopback port that nothing listens on, and that no other test gets while this process
/// lives. It is below the range of ports for outgoing connections, so a server can leave it and
/// come back.
///
/// # Panics
/// If a hundred attempts fail.
pub fn free_port() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    const PORTS: std::ops::Range<u16> = 12_000..20_000;
    let tries = (0..100_u16).map(|turn| {
        let drawn = RandomState::new().hash_one(turn) % u64::from(PORTS.end - PORTS.start);
        PORTS.start + u16::try_from(drawn).unwrap_or_default()
    });
    let mut free = tries.filter(|port| {
        // Nobody uses the UDP port of the same number. Keeping it bound to the end keeps other
        // tests away, since a server takes a while to bind its own.
        let Ok(taken) = UdpSocket::bind((Ipv4Addr::LOCALHOST, *port)) else {
            return false;
        };
        std::mem::forget(taken);
        TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()
    });
    free.next()
        .expect("could not find a free port between 12000 and 20000")
}
