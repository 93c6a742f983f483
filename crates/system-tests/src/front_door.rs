use std::fs;

use sunbeon_test_support::{Api, Process, eventually, free_port};
use tempfile::TempDir;

use crate::{Replica, SOON, Stack, programs::run_nginx, replica::show_log};

const TEMPLATE: &str = include_str!("../../../scripts/nginx.conf");
const PUBLIC_ROUTES: &str = include_str!("../../../scripts/nginx-public.conf");

/// nginx with the front door's own configuration, in front of replicas.
#[derive(Debug)]
pub struct FrontDoor {
    public: u16,
    operators: u16,
    process: Process,
    _folder: TempDir,
}

impl FrontDoor {
    /// Starts nginx on the stack's two addresses, in front of any number of replicas of
    /// waiting-room, reservation-open, token and booking. Requests to a service without replicas
    /// get no answer.
    ///
    /// # Panics
    /// If nginx is not installed, refuses the configuration or does not answer soon.
    pub async fn start(
        stack: &Stack,
        rooms: &[&Replica],
        opens: &[&Replica],
        tokens: &[&Replica],
        bookings: &[&Replica],
    ) -> Self {
        let (public, operators) = (stack.front_door(), stack.operators_door());
        let folder = tempfile::tempdir().expect("could not make a temporary folder");
        let routes = folder.path().join("public.conf");
        fs::write(&routes, PUBLIC_ROUTES).expect("a new folder is writable");
        let mut values = vec![
            ("FRONT_DOOR_LISTEN", format!("127.0.0.1:{public}")),
            ("OPERATORS_DOOR_LISTEN", format!("127.0.0.1:{operators}")),
            ("PUBLIC_ROUTES", routes.display().to_string()),
        ];
        for (name, replicas) in [
            ("WAITING_ROOM_SERVERS", rooms),
            ("RESERVATION_OPEN_SERVERS", opens),
            ("TOKEN_SERVERS", tokens),
            ("BOOKING_SERVERS", bookings),
        ] {
            let ports = replicas.iter().map(|replica| replica.port());
            values.push((name, servers(ports)));
        }
        // No test of these opens a socket.
        let nobody = format!("server 127.0.0.1:{};", free_port());
        values.push(("REALTIME_SERVERS", nobody));
        let site = values
            .iter()
            .fold(TEMPLATE.to_owned(), |site, (name, value)| {
                site.replace(&format!("${{{name}}}"), value)
            });
        let process = run_nginx(folder.path(), &site);
        let api = Api::at(public);
        eventually(SOON, "the front door answers", async || {
            let ended = process.status();
            assert!(ended.is_none(), "nginx has ended: {}", process.log());
            api.is_good("/.well-known/jwks.json").await
        })
        .await;
        Self {
            public,
            operators,
            process,
            _folder: folder,
        }
    }

    /// Returns the client for the public door.
    pub fn public(&self) -> Api {
        Api::at(self.public)
    }

    /// Returns the client for the door of operators and shops' back ends, which serves every route.
    pub fn operators(&self) -> Api {
        Api::at(self.operators)
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        show_log("nginx", &self.process);
    }
}

/// Returns the `server` lines of an upstream, which must have at least one.
fn servers(ports: impl Iterator<Item = u16>) -> String {
    let mut ports: Vec<_> = ports.collect();
    if ports.is_empty() {
        ports.push(free_port());
    }
    let first = ports
        .iter()
        .map(|port| format!("server 127.0.0.1:{port} max_fails=2 fail_timeout=10s;"));
    let last = ports
        .iter()
        .map(|port| format!("server 127.0.0.1:{port} backup max_fails=0;"));
    first.chain(last).collect::<Vec<_>>().join(" ")
}
