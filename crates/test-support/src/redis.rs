use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::poll::eventually;
use crate::process::{Process, free_port};

const FROZEN_CLOCK: &str = include_str!("frozen_clock.c");
const START_LIMIT: Duration = Duration::from_secs(20);

/// A private Redis: an append-only file with every answered write, `noeviction`, a free port, and
/// its data in a temporary folder. Dropping it kills it.
///
/// Needs `redis-server` on the `PATH`.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: TempDir,
    clock: Option<File>,
    bus: Option<Bus>,
    process: Mutex<Option<Process>>,
}

/// How a node of a cluster talks to the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bus {
    pub(crate) port: u16,
    /// After how long without a word a node is held to be gone.
    pub(crate) timeout: Duration,
}

impl RedisServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// If Redis is not installed or does not answer within 20 seconds.
    pub async fn start() -> RedisServer {
        RedisServer::launch(None, None).await
    }

    /// Starts a server whose wall clock stands at `micros` since the epoch and moves only by
    /// [`RedisServer::set_clock`]. `TIME`, every expiry and every script see that time.
    ///
    /// Needs a C compiler as `cc`.
    ///
    /// # Panics
    /// Where [`RedisServer::start`] does, and if there is no compiler.
    pub async fn with_frozen_clock(micros: u64) -> RedisServer {
        RedisServer::launch(Some(micros), None).await
    }

    /// Starts a node that belongs to no cluster yet, if it is to be silent for so long at most.
    pub(crate) async fn launch(frozen_at: Option<u64>, node: Option<Duration>) -> RedisServer {
        let folder = tempfile::tempdir().expect("could not make a temporary folder");
        let clock = frozen_at.map(|_| freeze(folder.path()));
        let mut server = RedisServer {
            port: 0,
            folder,
            clock,
            bus: None,
            process: Mutex::new(None),
        };
        if let Some(micros) = frozen_at {
            server.set_clock(micros);
        }
        // Another test may take the port between our check and the server's bind.
        for _ in 0..5 {
            server.port = free_port();
            server.bus = node.map(|timeout| Bus {
                port: free_port(),
                timeout,
            });
            if server.try_start().await {
                return server;
            }
        }
        panic!("redis-server does not start; its log:\n{}", server.log());
    }

    /// Returns `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the folder with its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns its port, which survives restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns how it talks to the other nodes of its cluster.
    pub(crate) fn bus(&self) -> Option<Bus> {
        self.bus
    }

    /// Sends commands, one per line, and returns the raw answers.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn send(&self, lines: &str) -> String {
        let answer = answer_of(self.port, lines).await;
        answer.unwrap_or_else(|error| panic!("Redis does not answer {lines:?}: {error}"))
    }

    /// Makes this server a replica of another, and waits until it has caught up.
    ///
    /// # Panics
    /// If it does not catch up within 20 seconds.
    pub async fn follow(&self, primary: &RedisServer) {
        primary.send("CONFIG SET repl-diskless-sync-delay 0").await;
        let follow = format!("REPLICAOF 127.0.0.1 {}", primary.port());
        self.send(&follow).await;
        eventually(START_LIMIT, "the replica follows", async || {
            let replication = self.send("INFO replication").await;
            replication.contains("master_link_status:up")
        })
        .await;
    }

    /// Makes a replica a primary. Later writes of its former primary do not reach it.
    pub async fn promote(&self) {
        self.send("REPLICAOF NO ONE").await;
    }

    /// Moves a frozen clock to `micros` since the epoch, at once.
    ///
    /// # Panics
    /// If the server was not started with [`RedisServer::with_frozen_clock`].
    pub fn set_clock(&self, micros: u64) {
        let clock = self
            .clock
            .as_ref()
            .expect("this server's clock is not frozen");
        clock
            .write_all_at(&micros.to_ne_bytes(), 0)
            .expect("could not write the clock's file");
    }

    /// Kills it (SIGKILL) and waits until it is gone. Its data is kept.
    pub fn kill(&self) {
        if let Some(process) = self.process().take() {
            process.kill();
        }
    }

    /// Stops it gracefully (SIGTERM: data in memory is written first). Its data is kept.
    ///
    /// # Panics
    /// If it is still running after 20 seconds.
    pub async fn stop(&self) {
        let running = self.process().take();
        if let Some(process) = running {
            process.terminate();
            process.wait(START_LIMIT).await;
        }
    }

    /// Restarts it after [`RedisServer::kill`] or [`RedisServer::stop`] with its data and on its
    /// port, and waits until it answers.
    ///
    /// # Panics
    /// If it is still running, or does not answer within 20 seconds.
    pub async fn start_again(&self) {
        assert!(
            self.process().is_none(),
            "redis-server is still running: stop or kill it first"
        );
        assert!(
            self.try_start().await,
            "redis-server does not come back:\n{}",
            self.log()
        );
    }

    /// Pauses it (SIGSTOP): connections stay open, but nothing answers.
    pub fn pause(&self) {
        if let Some(process) = self.process().as_ref() {
            process.pause();
        }
    }

    /// Ends [`RedisServer::pause`].
    pub fn resume(&self) {
        if let Some(process) = self.process().as_ref() {
            process.resume();
        }
    }

    async fn try_start(&self) -> bool {
        let process = Process::run("redis-server", self.command());
        let answers = async {
            while process.status().is_none() {
                if answers_as(self.port, process.id()).await.unwrap_or(false) {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            false
        };
        let up = tokio::time::timeout(START_LIMIT, answers)
            .await
            .unwrap_or(false);
        if !up {
            process.kill();
        }
        *self.process() = Some(process);
        up
    }

    fn command(&self) -> Command {
        let mut command = Command::new("redis-server");
        command
            .current_dir(&self.folder)
            .args(["--bind", "127.0.0.1", "--save", ""]);
        command.args(["--port", &self.port.to_string()]);
        // Written before the answer, so that it survives the process. If it were synced too, it
        // would survive the machine, but the disk would slow the tests down.
        command.args(["--appendonly", "yes", "--appendfsync", "no"]);
        command.args(["--maxmemory-policy", "noeviction"]);
        if let Some(bus) = self.bus {
            command.args(["--cluster-enabled", "yes"]);
            command.args(["--cluster-port", &bus.port.to_string()]);
            // Without it, a primary that is gone stops the others.
            command.args(["--cluster-require-full-coverage", "no"]);
            let timeout = bus.timeout.as_millis().to_string();
            command.args(["--cluster-node-timeout", &timeout]);
            // Full synchronisation without a pause, so that a replica is there soon.
            command.args(["--repl-diskless-sync-delay", "0"]);
        }
        if self.clock.is_some() {
            command.env("LD_PRELOAD", self.folder.path().join("frozen_clock.so"));
            command.env("FROZEN_CLOCK", self.folder.path().join("clock"));
        }
        command
    }

    fn log(&self) -> String {
        self.process()
            .as_ref()
            .map(Process::log)
            .unwrap_or_default()
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock()
    }
}

/// Builds the shim beside the data and creates the clock's file.
fn freeze(folder: &Path) -> File {
    let source = folder.join("frozen_clock.c");
    std::fs::write(&source, FROZEN_CLOCK).expect("a new folder is writable");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(folder.join("frozen_clock.so"))
        .arg(source);
    let built = compiler
        .output()
        .unwrap_or_else(|error| panic!("could not run the C compiler cc: {error}"));
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "the frozen clock does not compile:\n{said}"
    );
    File::create(folder.join("clock")).expect("a new folder is writable")
}

/// Returns whether the server on `port` has loaded its data and is process `id`, rather than a
/// stranger that took the port.
async fn answers_as(port: u16, id: u32) -> std::io::Result<bool> {
    let answer = answer_of(port, "PING\r\nINFO server").await?;
    let ours = answer.contains(&format!("process_id:{id}\r\n"));
    Ok(answer.starts_with("+PONG") && ours)
}

async fn answer_of(port: u16, lines: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    let commands = format!("{lines}\r\nQUIT\r\n");
    connection.write_all(commands.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}
