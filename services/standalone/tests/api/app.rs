//! A `sunbeon` process of the test's own, and how to talk with it.

use std::{process::Command, time::Duration};

use jsonwebtoken::{EncodingKey, Header, get_current_timestamp};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sunbeon_test_support::{Process, RedisServer, TestDatabase, TestVhost, eventually, free_port};

use crate::answer::{Answer, send};

/// What access tokens are signed with here.
pub(crate) const SECRET: &str = "a secret of the tests, long enough for HS256";
/// The static admin token.
pub(crate) const ADMIN_TOKEN: &str = "an admin token of the tests";
/// The token of shops' back ends.
pub(crate) const ORIGIN_TOKEN: &str = "an origin token of the tests";
const GUEST_SECRET: &str = "a secret of the tests for guests' tokens";
const START: Duration = Duration::from_secs(60);

/// Ended with all its servers when dropped.
pub(crate) struct App {
    pub(crate) process: Process,
    pub(crate) url: String,
    client: Client,
    pub(crate) servers: Option<(RedisServer, TestVhost, TestDatabase)>,
}

impl App {
    /// On the embedded store and broker and SQLite in memory, without a crowd.
    pub(crate) async fn embedded() -> App {
        Self::start(&["--fans", "0"], &[]).await
    }

    /// On a Redis, a virtual host and a PostgreSQL database of its own, without a crowd.
    pub(crate) async fn real() -> App {
        let (redis, vhost, database) = tokio::join!(
            RedisServer::start(),
            TestVhost::create(),
            TestDatabase::postgres()
        );
        let url = database.url().to_owned();
        Self::on_servers((redis, vhost, database), &url).await
    }

    /// Like [`App::real`], reaching the database at another address.
    pub(crate) async fn on_servers(
        servers: (RedisServer, TestVhost, TestDatabase),
        database_url: &str,
    ) -> App {
        let settings = [
            ("SUNBEON__STORE__REDIS__URL", servers.0.url()),
            ("SUNBEON__BROKER__RABBITMQ__URL", servers.1.url().to_owned()),
            ("SUNBEON__DATABASE__URL", database_url.to_owned()),
        ];
        let mut app = Self::start(&["--fans", "0"], &settings).await;
        app.servers = Some(servers);
        app
    }

    /// With these arguments and settings, on a loopback port; returns once every dependency is up.
    pub(crate) async fn start(arguments: &[&str], settings: &[(&str, String)]) -> App {
        let port = free_port();
        let process = launch(&format!("127.0.0.1:{port}"), arguments, settings);
        let app = Self::at(process, port);
        app.is_up().await;
        app
    }

    /// Talks with a process by loopback.
    pub(crate) fn at(process: Process, port: u16) -> App {
        App {
            process,
            url: format!("http://127.0.0.1:{port}"),
            client: Client::new(),
            servers: None,
        }
    }

    /// Waits until every dependency is up.
    pub(crate) async fn is_up(&self) {
        eventually(START, "sunbeon is up", async || {
            let ended = self.process.status();
            assert!(ended.is_none(), "{ended:?}\n{}", self.process.log());
            let health = self.client.get(format!("{}/health", self.url)).send().await;
            health.is_ok_and(|health| health.status() == 200)
        })
        .await;
    }

    /// A request with an access token; none where that is empty.
    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::GET, path, token)).await
    }

    /// A POST without a body.
    pub(crate) async fn post(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::POST, path, token)).await
    }

    pub(crate) async fn post_json(&self, path: &str, token: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path, token).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        send(self.request(Method::DELETE, path, token)).await
    }

    /// Changes a concert whose version is known.
    pub(crate) async fn patch(&self, id: &str, version: u64, fields: &Value) -> Answer {
        let path = format!("/v2/admin/concerts/{id}");
        let request = self.request(Method::PATCH, &path, &admin()).json(fields);
        send(request.header("If-Match", format!("\"{version}\""))).await
    }

    /// Creates a concert titled as its id.
    pub(crate) async fn create(&self, id: &str, mut fields: Value) -> Value {
        fields["concertId"] = id.into();
        fields["title"] = id.into();
        let created = self
            .post_json("/v2/admin/concerts", &admin(), &fields)
            .await;
        created.data(201).clone()
    }

    /// Creates a concert in whose line one waits until a batch is opened by hand.
    pub(crate) async fn create_by_hand(&self, id: &str) {
        self.create(id, json!({"autoOpen": false})).await;
    }

    pub(crate) async fn enter(&self, id: &str, who: &str) -> Answer {
        let body = json!({"concertId": id});
        self.post_json("/v2/waiting-room/enter", &member(who), &body)
            .await
    }

    /// Where a member stands.
    pub(crate) async fn status(&self, id: &str, who: &str) -> Value {
        let path = format!("/v2/waiting-room/status/{id}");
        self.get(&path, &member(who)).await.data(200).clone()
    }

    pub(crate) async fn open(&self, id: &str, size: u32) -> Answer {
        let path = format!("/v2/reservation/open/{id}?batchSize={size}");
        self.post(&path, &admin()).await
    }

    /// Waits until a member is READY.
    pub(crate) async fn is_ready(&self, id: &str, who: &str) {
        eventually(Duration::from_secs(60), "the member is READY", async || {
            self.status(id, who).await["status"] == "READY"
        })
        .await;
    }

    /// Makes a member who waits READY and fetches the booking token.
    pub(crate) async fn admit(&self, id: &str, who: &str) -> String {
        self.open(id, 1).await.data(200);
        self.is_ready(id, who).await;
        let path = format!("/v2/reservation/token/{id}");
        let issued = self.get(&path, &member(who)).await;
        issued.data(200)["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// The line as operators see it, without what the clock alone changes.
    pub(crate) async fn line(&self, id: &str) -> Value {
        let path = format!("/v2/waiting-room/admin/{id}");
        let mut line = self.get(&path, &admin()).await.data(200).clone();
        let fields = line.as_object_mut().expect("an object");
        for clocked in ["at", "pace"] {
            fields
                .remove(clocked)
                .unwrap_or_else(|| panic!("{clocked}"));
        }
        assert_eq!(line["addsUp"], true, "{line}");
        line
    }
}

/// Starts the binary and nothing else.
pub(crate) fn launch(bind: &str, arguments: &[&str], settings: &[(&str, String)]) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunbeon"));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("SUNBEON__") {
            command.env_remove(key);
        }
    }
    command
        .env("SUNBEON__AUTH__HS256_SECRET", SECRET)
        .env("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN)
        .env("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN)
        .env("SUNBEON__AUTH__GUEST_SECRET", GUEST_SECRET);
    for (key, value) in settings {
        command.env(key, value);
    }
    command.args(["--bind", bind]).args(arguments);
    Process::run("sunbeon", command)
}

/// An access token of a member.
pub(crate) fn member(id: &str) -> String {
    signed(&json!({"sub": id, "name": "이름", "exp": in_seconds(3600)}))
}

/// An access token of an admin called `operator`.
pub(crate) fn admin() -> String {
    signed(&json!({"sub": "operator", "role": "admin", "exp": in_seconds(3600)}))
}

/// Claims signed as an access token.
pub(crate) fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).expect("claims are JSON")
}

/// A moment in Unix seconds.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    get_current_timestamp().cast_signed() + seconds
}
