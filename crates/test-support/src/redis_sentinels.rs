use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::poll::eventually;
use crate::process::{Process, free_port};
use crate::redis::RedisServer;

const START_LIMIT: Duration = Duration::from_secs(20);

/// Three private Sentinels that watch a primary with two replicas. Dropping them kills them.
///
/// Needs `redis-server` and `redis-cli` on the `PATH`.
#[derive(Debug)]
pub struct RedisSentinels {
    ports: Vec<u16>,
    processes: Vec<(Process, TempDir)>,
}

impl RedisSentinels {
    /// Starts Sentinels that replace the primary once it is silent for `down_after`, and waits until they know its
    /// replicas and each other.
    ///
    /// # Panics
    /// If they do not within 20 seconds.
    pub async fn start(primary: &RedisServer, down_after: Duration) -> RedisSentinels {
        let mut sentinels = RedisSentinels {
            ports: Vec::new(),
            processes: Vec::new(),
        };
        for _ in 0..3 {
            let (port, folder) = (
                free_port(),
                tempfile::tempdir().expect("a temporary folder"),
            );
            let file = folder.path().join("sentinel.conf");
            let lines = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor line 127.0.0.1 {} 2\n\
                 sentinel down-after-milliseconds line {}\nsentinel failover-timeout line 10000\n",
                primary.port(),
                down_after.as_millis(),
            );
            std::fs::write(&file, lines).expect("a new folder is writable");
            let mut command = Command::new("redis-server");
            command.current_dir(&folder).arg(&file).arg("--sentinel");
            sentinels.ports.push(port);
            let process = Process::run("a Sentinel", command);
            sentinels.processes.push((process, folder));
        }
        for port in &sentinels.ports {
            eventually(START_LIMIT, "a Sentinel knows all", async || {
                let known = facts(*port);
                known.contains("num-other-sentinels\n2\n") && known.contains("num-slaves\n2\n")
            })
            .await;
        }
        sentinels
    }

    /// Returns `redis-sentinel://…/line`.
    pub fn url(&self) -> String {
        let hosts = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let hosts = hosts.collect::<Vec<_>>().join(",");
        format!("redis-sentinel://{hosts}/line")
    }
}

fn facts(port: u16) -> String {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &port.to_string(), "SENTINEL", "MASTER", "line"]);
    let answer = command.output().expect("redis-cli is installed");
    String::from_utf8_lossy(&answer.stdout).into_owned()
}
