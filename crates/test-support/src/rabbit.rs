use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::tool::{fresh_name, run_tool};

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers");

/// A private RabbitMQ node with the management plugin, created by `scripts/servers`. Dropping it
/// kills it.
///
/// It takes seconds to start, and a good part of the machine: most tests should use a
/// [`TestVhost`].
#[derive(Debug)]
pub struct RabbitServer {
    folder: TempDir,
    amqp_url: String,
    management_url: String,
}

impl RabbitServer {
    /// Starts a node and waits until it accepts connections.
    ///
    /// # Panics
    /// If RabbitMQ is not installed or does not answer within 90 seconds.
    pub async fn start() -> RabbitServer {
        let mut folder = tempfile::Builder::new();
        // The user rabbitmq must be able to reach it.
        folder
            .prefix("sunbeon-rabbitmq-")
            .permissions(Permissions::from_mode(0o755));
        let folder = folder.tempdir().expect("could not make a temporary folder");
        let said = servers(&["start", "rabbitmq"], folder.path().into()).await;
        let value = |key: &str| {
            let mut lines = said.lines().filter_map(|line| line.split_once('='));
            let found = lines.find(|(name, _)| *name == key);
            found
                .unwrap_or_else(|| panic!("scripts/servers printed no {key}"))
                .1
                .to_owned()
        };
        let (amqp_url, management_url) = (value("AMQP_URL"), value("AMQP_MANAGEMENT_URL"));
        RabbitServer {
            folder,
            amqp_url,
            management_url,
        }
    }

    /// Returns `amqp://guest:guest@127.0.0.1:<port>/%2f`; the port survives restarts.
    pub fn amqp_url(&self) -> &str {
        &self.amqp_url
    }

    /// Returns the URL of the management console and API, guest/guest.
    pub fn management_url(&self) -> &str {
        &self.management_url
    }

    /// Runs `rabbitmqctl` for this node.
    ///
    /// # Panics
    /// If it fails.
    pub async fn ctl(&self, arguments: &'static [&'static str]) {
        let program = self.folder.path().join("rabbitmqctl");
        let ran = move || {
            let mut command = Command::new(program);
            command.arg("-q").args(arguments).stdin(Stdio::null());
            run_tool("rabbitmqctl", command)
        };
        let said = tokio::task::spawn_blocking(ran).await;
        said.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    }

    /// Stops it gracefully. Its data is kept.
    ///
    /// # Panics
    /// If it cannot be stopped.
    pub async fn stop(&self) {
        servers(&["stop"], self.folder.path().into()).await;
    }

    /// Kills it (SIGKILL). Its data is kept.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub async fn kill(&self) {
        servers(&["kill"], self.folder.path().into()).await;
    }

    /// Restarts it after [`RabbitServer::stop`] or [`RabbitServer::kill`] with its data and on its
    /// ports, and waits until it accepts connections.
    ///
    /// # Panics
    /// If it does not answer within 90 seconds.
    pub async fn start_again(&self) {
        servers(&["start", "rabbitmq"], self.folder.path().into()).await;
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        let _ = servers_command(&["kill"], self.folder.path()).status();
    }
}

/// A new virtual host on the shared node of `SUNBEON_TEST_AMQP_URL`, with the deployment's policy,
/// so that its queues do not collide with another test's. Dropping it deletes it with everything in
/// it.
#[derive(Debug)]
pub struct TestVhost {
    name: String,
    url: String,
}

impl TestVhost {
    /// Creates a virtual host through `SUNBEON_TEST_AMQP_ADMIN` for the user of the URL.
    ///
    /// # Panics
    /// If the node does not answer or its `rabbitmqctl` cannot be run.
    pub async fn create() -> TestVhost {
        let set = std::env::var("SUNBEON_TEST_AMQP_URL");
        let shared = set.unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".into());
        let (node, user) = parts(&shared).unwrap_or_else(|| panic!("not an AMQP URL: {shared}"));
        let name = fresh_name();
        let vhost = TestVhost {
            url: format!("{node}/{name}"),
            name: name.clone(),
        };
        let user = user.to_owned();
        let made = tokio::task::spawn_blocking(move || {
            admin(&["add_vhost", &name]);
            admin(&["set_permissions", "-p", &name, &user, ".*", ".*", ".*"]);
        });
        made.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let queue = r"^reservation\.enter$";
        let limit = r#"{"delivery-limit":20}"#;
        vhost.set_policy("enter-delivery-limit", queue, limit).await;
        vhost
    }

    /// Sets a policy for the queues whose names match a pattern.
    ///
    /// # Panics
    /// If `rabbitmqctl` fails.
    pub async fn set_policy(
        &self,
        policy: &'static str,
        queues: &'static str,
        definition: &'static str,
    ) {
        let vhost = self.name.clone();
        let made = tokio::task::spawn_blocking(move || {
            let of = ["set_policy", "-p", &vhost, "--apply-to", "queues"];
            admin(&[&of[..], &[policy, queues, definition]].concat());
        });
        made.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    }

    /// Returns the virtual host's AMQP URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its name, as `rabbitmqctl -p` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestVhost {
    fn drop(&mut self) {
        let _ = admin_command(&["delete_vhost", &self.name]).output();
    }
}

/// Splits an AMQP URL, with or without a vhost, into `amqp://user:password@host:port` and the user.
fn parts(url: &str) -> Option<(&str, &str)> {
    let authority = url.find("://")? + 3;
    let node = match url[authority..].find('/') {
        Some(path) => &url[..authority + path],
        None => url,
    };
    let user = node[authority..].split_once([':', '@'])?.0;
    Some((node, user))
}

fn admin(arguments: &[&str]) {
    run_tool("rabbitmqctl", admin_command(arguments));
}

fn admin_command(arguments: &[&str]) -> Command {
    let prefix = std::env::var("SUNBEON_TEST_AMQP_ADMIN").unwrap_or_else(|_| "rabbitmqctl".into());
    let mut words = prefix.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("rabbitmqctl"));
    command
        .args(words)
        .arg("-q")
        .args(arguments)
        .stdin(Stdio::null());
    command
}

async fn servers(verb: &'static [&'static str], folder: PathBuf) -> String {
    let ran = move || run_tool("scripts/servers", servers_command(verb, &folder));
    let said = tokio::task::spawn_blocking(ran).await;
    said.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn servers_command(verb: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(SERVERS);
    // A test runner that kills the test's process group kills the server with it.
    command
        .args(verb)
        .arg(folder)
        .env("SERVERS_ATTACHED", "1")
        .stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_amqp_url_is_split_into_node_and_user() {
        let node = "amqp://guest:guest@127.0.0.1:5672";
        assert_eq!(
            parts("amqp://guest:guest@127.0.0.1:5672/%2f"),
            Some((node, "guest"))
        );
        assert_eq!(parts(node), Some((node, "guest")));
        assert_eq!(parts("127.0.0.1:5672"), None);
    }
}
