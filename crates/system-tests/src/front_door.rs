use std::{fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use sunbeon_test_support::{Process, eventually, free_port};
use tempfile::TempDir;

use crate::{Api, Replica, SOON, replica::show_log};

const TEMPLATE: &str = include_str!("../../../scripts/nginx.conf");

/// nginx with the front door's own settings, in front of replicas.
#[derive(Debug)]
pub struct FrontDoor {
    port: u16,
    process: Process,
    _folder: TempDir,
}

impl FrontDoor {
    /// Starts it in front of the replicas of waiting-room, reservation-open and token.
    ///
    /// # Panics
    /// When nginx is not installed, refuses the settings or does not answer soon.
    pub async fn start(rooms: [&Replica; 2], opens: [&Replica; 2], tokens: [&Replica; 2]) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().expect("no temporary folder can be made");
        let mut site = TEMPLATE.replace("${FRONT_DOOR_LISTEN}", &format!("127.0.0.1:{port}"));
        for (name, replicas) in [
            ("WAITING_ROOM", rooms),
            ("RESERVATION_OPEN", opens),
            ("TOKEN", tokens),
        ] {
            let servers = replicas.map(|at| format!("server 127.0.0.1:{} max_fails=0;", at.port()));
            site = site.replace(&format!("${{{name}_SERVERS}}"), &servers.join(" "));
        }
        let at = folder.path();
        fs::write(at.join("sunbeon.conf"), site).expect("a new folder takes a file");
        fs::write(at.join("nginx.conf"), settings(at)).expect("a new folder takes a file");
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"]
            .into_iter()
            .find(|p| Path::new(p).exists());
        let mut command = Command::new(program.unwrap_or("nginx"));
        command
            .arg("-p")
            .arg(at)
            .args(["-e", "stderr", "-c"])
            .arg(at.join("nginx.conf"));
        let process = Process::run("nginx", command);
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
        http {{\naccess_log off;\n{temporary}include {folder}/sunbeon.conf;\n}}\n"
    )
}
