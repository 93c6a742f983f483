//! A shop behind a proxy of `docs/gate`.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::HeaderMap,
};
use serde_json::{Value, json};
use sunbeon_test_support::{Api, Process, eventually, free_port};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{SOON, front_door::run_nginx, replica::show_log};

/// A shop's back end: it answers every request with what reached it.
#[derive(Debug)]
pub struct Origin {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Origin {
    /// Starts it; it ends with the test.
    ///
    /// # Panics
    /// When there is no port for it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let calls = Arc::<AtomicUsize>::default();
        let app = Router::new().fallback(echo).with_state(calls.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, calls }
    }

    /// How often it was asked.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn echo(State(calls): State<Arc<AtomicUsize>>, request: Request) -> Json<Value> {
    calls.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 * 1024).await;
    Json(json!({
        "path": parts.uri.path(),
        "members": members(&parts.headers),
        "upgrade": parts.headers.contains_key("upgrade"),
        "body": String::from_utf8_lossy(&body.unwrap_or(Bytes::new())),
    }))
}

/// Every word on who is calling, in any spelling that a back end may take for another.
fn members(headers: &HeaderMap) -> Vec<String> {
    let named = ["x-member-id", "x-member_id", "x_member-id", "x_member_id"];
    let all = named.iter().flat_map(|name| headers.get_all(*name));
    all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the proxy of that name")]
pub enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

/// A proxy with the file of `docs/gate`, in front of an origin.
#[derive(Debug)]
pub struct ShopDoor {
    kind: Kind,
    port: u16,
    process: Process,
    _folder: TempDir,
}

impl ShopDoor {
    /// How the shop is called.
    pub const SHOP: &str = "https://shop.example";
    /// Where those who are not admitted are sent.
    pub const WAITING_PAGE: &str = "https://wait.example/waiting-room";

    /// Starts it. `sunbeon` is the port of whoever answers `verify`.
    ///
    /// # Panics
    /// When the proxy is not installed, refuses the file or does not answer soon.
    pub async fn start(kind: Kind, origin: &Origin, sunbeon: u16) -> Self {
        let folder = tempfile::tempdir().expect("no temporary folder can be made");
        let port = free_port();
        let fill_in = |file: &str| {
            let listen = match kind {
                Kind::Caddy => format!("http://127.0.0.1:{port}"),
                Kind::Nginx | Kind::Haproxy => format!("127.0.0.1:{port}"),
            };
            file.replace("${LISTEN}", &listen)
                .replace("${SHOP}", Self::SHOP)
                .replace("${ORIGIN}", &format!("127.0.0.1:{}", origin.port))
                .replace("${SUNBEON}", &format!("127.0.0.1:{sunbeon}"))
                .replace("${WAITING_PAGE}", Self::WAITING_PAGE)
                .replace("${FOLDER}", &folder.path().display().to_string())
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

    /// The shop as its callers see it.
    pub fn api(&self) -> Api {
        Api::at(self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn run(kind: Kind, folder: &Path, fill_in: impl Fn(&str) -> String) -> Process {
    let put = |name: &str, file: &str| {
        let path = folder.join(name);
        fs::write(&path, fill_in(file)).expect("a new folder takes a file");
        path
    };
    match kind {
        Kind::Nginx => run_nginx(
            folder,
            &fill_in(include_str!("../../../docs/gate/nginx.conf")),
        ),
        Kind::Caddy => {
            let site = include_str!("../../../docs/gate/Caddyfile");
            // Its admin interface would be on one port for all tests.
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
            let program = ["/usr/sbin/haproxy", "/usr/bin/haproxy"]
                .into_iter()
                .find(|p| Path::new(p).exists());
            let mut command = Command::new(program.unwrap_or("haproxy"));
            command.args(["-db", "-f"]).arg(file);
            Process::run("haproxy", command)
        }
    }
}

impl Drop for ShopDoor {
    fn drop(&mut self) {
        show_log(&format!("{:?}", self.kind), &self.process);
    }
}
