use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use sunbeon_test_support::{Api, Process, eventually, free_port};
use tempfile::TempDir;

use crate::{Replica, SOON, Stack, replica::show_log};

const TEMPLATE: &str = include_str!("../../../scripts/nginx.conf");

/// nginx with the front door's own settings, in front of replicas.
#[derive(Debug)]
pub struct FrontDoor {
    port: u16,
    process: Process,
    _folder: TempDir,
}

impl FrontDoor {
    /// Starts it where the stack has its place, in front of the replicas of waiting-room,
    /// reservation-open, token and booking, any number of each. Nobody answers for those of whom
    /// there are none.
    ///
    /// # Panics
    /// When nginx is not installed, refuses the settings or does not answer soon.
    pub async fn start(
        stack: &Stack,
        rooms: &[&Replica],
        opens: &[&Replica],
        tokens: &[&Replica],
        bookings: &[&Replica],
    ) -> Self {
        let port = stack.front_door();
        let folder = tempfile::tempdir().expect("no temporary folder can be made");
        let mut site = TEMPLATE.replace("${FRONT_DOOR_LISTEN}", &format!("127.0.0.1:{port}"));
        for (name, replicas) in [
            ("WAITING_ROOM", rooms),
            ("RESERVATION_OPEN", opens),
            ("TOKEN", tokens),
            ("BOOKING", bookings),
        ] {
            let servers = servers(replicas.iter().map(|replica| replica.port()));
            site = site.replace(&format!("${{{name}_SERVERS}}"), &servers);
        }
        let process = run_nginx(folder.path(), &site);
        let api = Api::at(port);
        eventually(SOON, "the front door answers", async || {
            let ended = process.status();
            assert!(ended.is_none(), "nginx has ended: {}", process.log());
            api.is_good("/.well-known/jwks.json").await
        })
        .await;
        Self {
            port,
            process,
            _folder: folder,
        }
    }

    /// What it serves.
    pub fn api(&self) -> Api {
        Api::at(self.port)
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        show_log("nginx", &self.process);
    }
}

/// The `server` lines of an upstream, which must have one.
fn servers(ports: impl Iterator<Item = u16>) -> String {
    let one = |port| format!("server 127.0.0.1:{port} max_fails=0;");
    let all: Vec<_> = ports.map(one).collect();
    if all.is_empty() {
        one(free_port())
    } else {
        all.join(" ")
    }
}

/// nginx with a site's settings, from a folder of its own.
pub(crate) fn run_nginx(folder: &Path, site: &str) -> Process {
    fs::write(folder.join("site.conf"), site).expect("a new folder takes a file");
    fs::write(folder.join("nginx.conf"), settings(folder)).expect("a new folder takes a file");
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|p| Path::new(p).exists());
    let mut command = Command::new(program.unwrap_or("nginx"));
    command
        .arg("-p")
        .arg(folder)
        .args(["-e", "stderr", "-c"])
        .arg(folder.join("nginx.conf"));
    Process::run("nginx", command)
}

/// The settings around the site's.
fn settings(folder: &Path) -> String {
    // As root, nginx's workers would be a user who cannot write here.
    let root = fs::metadata("/proc/self").is_ok_and(|of_mine| of_mine.uid() == 0);
    let user = if root { "user root;" } else { "" };
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "{user}\ndaemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\n\
        events {{ worker_connections 4096; }}\n\
        http {{\naccess_log off;\n{temporary}include {folder}/site.conf;\n}}\n"
    )
}
