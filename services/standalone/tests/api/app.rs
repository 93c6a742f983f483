//! The test's own `sunbeon` process.

use std::{ops::Deref, process::Command, time::Duration};

use serde_json::json;
use sunbeon_test_support::{
    Api, Process, RedisServer, TestDatabase, TestVhost, access, eventually, free_port,
};

const START: Duration = Duration::from_secs(60);

/// It stops with all of its servers when dropped. Its API can be called on it directly.
pub(crate) struct App {
    pub(crate) process: Process,
    api: Api,
    pub(crate) servers: Option<(RedisServer, TestVhost, TestDatabase)>,
}

impl Deref for App {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl App {
    /// Starts on the embedded store and broker and SQLite in memory, without a crowd.
    pub(crate) async fn embedded() -> App {
        Self::start(&["--fans", "0"], &[]).await
    }

    /// Starts without a login's secret or keys, so that it generates a secret and offers the demo
    /// sale, with a crowd of this size.
    pub(crate) async fn demo(fans: u16) -> App {
        let none = ("SUNBEON__AUTH__HS256_SECRET", String::new());
        Self::start(&["--fans", &fans.to_string()], &[none]).await
    }

    /// Starts like [`App::demo`], without a crowd and with these settings.
    pub(crate) async fn demo_with(settings: &[(&str, String)]) -> App {
        let none = ("SUNBEON__AUTH__HS256_SECRET", String::new());
        Self::start(&["--fans", "0"], &[&[none], settings].concat()).await
    }

    /// Returns the access token of a demo member.
    pub(crate) async fn access(&self, member: &str) -> String {
        let wanted = json!({"memberId": member});
        let token = self.post_json("/dev/token", "", &wanted).await;
        token.data(201)["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Starts on its own Redis, virtual host and PostgreSQL database, without a crowd.
    pub(crate) async fn real() -> App {
        let (redis, vhost, database) = tokio::join!(
            RedisServer::start(),
            TestVhost::create(),
            TestDatabase::postgres()
        );
        let settings = [
            ("SUNBEON__STORE__REDIS__URL", redis.url()),
            ("SUNBEON__BROKER__RABBITMQ__URL", vhost.url().to_owned()),
            ("SUNBEON__DATABASE__URL", database.url().to_owned()),
        ];
        let mut app = Self::start(&["--fans", "0"], &settings).await;
        app.servers = Some((redis, vhost, database));
        app
    }

    /// Starts with these arguments and settings on a loopback port, and returns once every
    /// dependency is up.
    pub(crate) async fn start(arguments: &[&str], settings: &[(&str, String)]) -> App {
        let port = free_port();
        let process = launch(&format!("127.0.0.1:{port}"), arguments, settings);
        let app = Self::at(process, port);
        app.is_up().await;
        app
    }

    /// Connects to a process over loopback.
    pub(crate) fn at(process: Process, port: u16) -> App {
        App {
            process,
            api: Api::at(port),
            servers: None,
        }
    }

    /// Waits until every dependency is up.
    pub(crate) async fn is_up(&self) {
        eventually(START, "sunbeon is up", async || {
            let ended = self.process.status();
            assert!(ended.is_none(), "{ended:?}\n{}", self.process.log());
            self.is_good("/health").await
        })
        .await;
    }
}

/// Returns the executable, without any settings.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunbeon"));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("SUNBEON__") {
            command.env_remove(key);
        }
    }
    command
}

/// Starts only the executable.
pub(crate) fn launch(bind: &str, arguments: &[&str], settings: &[(&str, String)]) -> Process {
    let mut command = bare();
    command.envs(access::SETTINGS);
    for (key, value) in settings {
        command.env(key, value);
    }
    command.args(["--bind", bind]).args(arguments);
    Process::run("sunbeon", command)
}
