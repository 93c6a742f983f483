//! A shop behind a proxy of `docs/gate`.

use std::{fs, path::Path, process::Command};

use sunbeon_test_support::{Api, Process, eventually, free_port};
use tempfile::TempDir;

use crate::{
    Origin, SOON,
    programs::{program, run_nginx},
    replica::show_log,
};

/// One of the proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the proxy of that name")]
pub enum Kind {
    Nginx,
    Caddy,
    Haproxy,
    Envoy,
    Traefik,
}

/// A proxy with its file from `docs/gate`, in front of an origin.
#[derive(Debug)]
pub struct ShopDoor {
    kind: Kind,
    port: u16,
    process: Process,
    _folder: TempDir,
}

impl ShopDoor {
    /// The shop's address as browsers know it.
    pub const SHOP: &str = "https://shop.example";
    /// The waiting page, without the concert.
    pub const WAITING_PAGE: &str = "https://wait.example/waiting-room";

    /// Starts the proxy; `sunbeon` is the port that answers `verify`.
    ///
    /// # Panics
    /// If the proxy is not installed, refuses the file or does not answer soon.
    pub async fn start(kind: Kind, origin: &Origin, sunbeon: u16) -> Self {
        let folder = tempfile::tempdir().expect("could not make a temporary folder");
        let port = free_port();
        let listen = match kind {
            Kind::Caddy => format!("http://127.0.0.1:{port}"),
            _ => format!("127.0.0.1:{port}"),
        };
        let values = [
            ("FOLDER", folder.path().display().to_string()),
            ("LISTEN", listen),
            ("LISTEN_HOST", "127.0.0.1".to_owned()),
            ("LISTEN_PORT", port.to_string()),
            ("SHOP", Self::SHOP.to_owned()),
            ("ORIGIN", format!("127.0.0.1:{}", origin.port())),
            ("ORIGIN_HOST", "127.0.0.1".to_owned()),
            ("ORIGIN_PORT", origin.port().to_string()),
            ("SUNBEON", format!("127.0.0.1:{sunbeon}")),
            ("SUNBEON_HOST", "127.0.0.1".to_owned()),
            ("SUNBEON_PORT", sunbeon.to_string()),
            ("WAITING_PAGE", Self::WAITING_PAGE.to_owned()),
        ];
        let fill_in = |file: &str| {
            values.iter().fold(file.to_owned(), |file, (name, value)| {
                file.replace(&format!("${{{name}}}"), value)
            })
        };
        let process = run(kind, folder.path(), fill_in);
        let door = Self {
            kind,
            port,
            process,
            _folder: folder,
        };
        eventually(SOON, "the shop's door answers", async || {
            let ended = door.process.status();
            assert!(
                ended.is_none(),
                "{kind:?} has ended: {}",
                door.process.log()
            );
            door.api().is_good("/").await
        })
        .await;
        door
    }

    /// Returns the client for the shop behind the proxy.
    pub fn api(&self) -> Api {
        Api::at(self.port)
    }

    /// Returns the proxy's port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn run(kind: Kind, folder: &Path, fill_in: impl Fn(&str) -> String) -> Process {
    let put = |name: &str, file: &str| {
        let path = folder.join(name);
        fs::write(&path, fill_in(file)).expect("a new folder is writable");
        path
    };
    match kind {
        Kind::Nginx => run_nginx(
            folder,
            &fill_in(include_str!("../../../docs/gate/nginx.conf")),
        ),
        Kind::Caddy => {
            let site = include_str!("../../../docs/gate/Caddyfile");
            // Its admin interface would use the same port in every test.
            let file = put("Caddyfile", &format!("{{\n\tadmin off\n}}\n{site}"));
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command.arg(file).env("HOME", folder);
            command
                .env_remove("XDG_DATA_HOME")
                .env_remove("XDG_CONFIG_HOME");
            Process::run("caddy", command)
        }
        Kind::Haproxy => {
            put("verify.lua", include_str!("../../../docs/gate/verify.lua"));
            let file = put(
                "haproxy.cfg",
                include_str!("../../../docs/gate/haproxy.cfg"),
            );
            let mut command = Command::new(program("haproxy"));
            command.args(["-db", "-f"]).arg(file);
            Process::run("haproxy", command)
        }
        Kind::Envoy => {
            let file = put("envoy.yaml", include_str!("../../../docs/gate/envoy.yaml"));
            let mut command = Command::new(program("envoy"));
            command.args(["--use-dynamic-base-id", "--concurrency", "1"]);
            command.args(["--log-level", "warn", "-c"]).arg(file);
            Process::run("envoy", command)
        }
        Kind::Traefik => {
            let file = include_str!("../../../docs/gate/traefik.yml");
            let dynamic = put("dynamic.yml", file);
            let listen = fill_in("${LISTEN}");
            let settings = format!(
                "{}\nproviders: {{ file: {{ filename: {} }} }}\n",
                entry_point(file).replace("shop:", &format!("shop:\n    address: {listen}")),
                dynamic.display()
            );
            let mut command = Command::new(program("traefik"));
            command.arg(format!(
                "--configFile={}",
                put("traefik.yml", &settings).display()
            ));
            Process::run("traefik", command)
        }
    }
}

/// Returns the static configuration in the comment of Traefik's file.
fn entry_point(file: &str) -> String {
    let printed = file
        .lines()
        .skip_while(|line| !line.starts_with("#   entryPoints"));
    let printed = printed.map_while(|line| line.strip_prefix("#   "));
    printed.collect::<Vec<_>>().join("\n")
}

impl Drop for ShopDoor {
    fn drop(&mut self) {
        show_log(&format!("{:?}", self.kind), &self.process);
    }
}
