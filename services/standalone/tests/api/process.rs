//! The process: where it listens, what it keeps, how it ends.

use std::{
    fmt::Display,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sunbeon_test_support::{
    Process, RedisServer, TestDatabase,
    access::{self, ADMIN_TOKEN, admin, in_seconds},
    eventually, free_port,
};
use sunbeon_tokens::SigningKeys;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::app::{App, bare, launch};

const END: Duration = Duration::from_secs(60);

#[tokio::test]
async fn beyond_loopback_it_does_not_start_without_a_secret() {
    for bind in ["0.0.0.0", "[::]"] {
        let bind = format!("{bind}:{}", free_port());
        let none = ("SUNBEON__AUTH__HS256_SECRET", String::new());
        let process = launch(&bind, &[], &[none]);
        let status = process.wait(END).await;
        assert_eq!(status.code(), Some(1));
        let said = process.log();
        assert!(said.contains("SUNBEON__AUTH__HS256_SECRET"), "{said}");
    }
}

/// Returns settings for a login that publishes its keys at this address.
fn login_at(address: impl Display) -> [(&'static str, String); 5] {
    let url = format!("http://{address}/jwks.json");
    [
        ("SUNBEON__AUTH__HS256_SECRET", String::new()),
        ("SUNBEON__AUTH__JWKS_URL", url),
        ("SUNBEON__AUTH__ALGORITHM", "EdDSA".to_owned()),
        ("SUNBEON__AUTH__ISSUER", "login".to_owned()),
        ("SUNBEON__AUTH__AUDIENCE", "sunbeon".to_owned()),
    ]
}

/// Returns an access token signed by the login.
fn by_login(keys: &SigningKeys) -> String {
    let header = Header {
        kid: Some(keys.active_kid().to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let key = EncodingKey::from_ed_pem(keys.to_pem().as_bytes()).expect("a key");
    let claims = json!({
        "iss": "login", "aud": "sunbeon", "sub": "a", "exp": in_seconds(3600),
    });
    jsonwebtoken::encode(&header, &claims, &key).expect("claims are JSON")
}

#[tokio::test]
async fn a_logins_keys_are_fetched_at_start_and_let_its_members_in() {
    let keys = SigningKeys::generate().expect("a key");
    let jwks = keys.jwks();
    let asked = Arc::new(AtomicBool::new(false));
    let seen = asked.clone();
    let publish = move || {
        seen.store(true, Ordering::Relaxed);
        let jwks = jwks.clone();
        async move { axum::Json(jwks) }
    };
    let router = axum::Router::new().route("/jwks.json", axum::routing::get(publish));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let login = tokio::spawn(async move { axum::serve(listener, router).await });
    let app = App::start(&["--fans", "0"], &login_at(address)).await;
    // A request with a token would cause a fetch, too.
    eventually(END, "the keys are fetched", async || {
        asked.load(Ordering::Relaxed)
    })
    .await;
    let concert = json!({"concertId": "c", "title": "c", "autoOpen": false});
    let created = app.post_json("/v2/admin/concerts", ADMIN_TOKEN, &concert);
    created.await.data(201);
    let enter = "/v2/waiting-room/enter";
    let concert = json!({"concertId": "c"});
    let entered = app.post_json(enter, &by_login(&keys), &concert).await;
    entered.data(201);
    let stranger = SigningKeys::generate().expect("a key");
    let refused = app.post_json(enter, &by_login(&stranger), &concert).await;
    refused.fails("UNAUTHENTICATED");
    login.abort();
}

#[tokio::test]
async fn while_the_logins_keys_are_missing_a_proxy_gets_401() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let app = App::start(&["--fans", "0"], &login_at(nobody)).await;
    let token = by_login(&SigningKeys::generate().expect("a key"));
    let status = app.get("/v2/waiting-room/status/c", &token).await;
    status.fails("KEYS_DOWN");
    let verify = "/v2/reservation/verify?concertId=c";
    let answer = app.get(verify, &token).await;
    answer.fails("UNAUTHENTICATED");
}

#[tokio::test]
async fn concerts_and_audit_in_a_data_folder_outlive_the_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("not/there/yet");
    let arguments = ["--fans", "0", "--data", data.to_str().expect("a text")];
    let app = App::start(&arguments, &[]).await;
    app.create("c", json!({"groupSize": 7})).await;
    app.patch("c", 1, &json!({"notice": "남아 있습니다"}))
        .await
        .data(200);
    app.create("gone", json!({})).await;
    app.post("/v2/admin/concerts/gone/close", &admin())
        .await
        .data(200);
    app.delete("/v2/admin/concerts/gone", &admin())
        .await
        .data(200);
    let concert = app
        .get("/v2/admin/concerts/c", &admin())
        .await
        .data(200)
        .clone();
    let audit = app
        .get("/v2/admin/audit?concertId=c", &admin())
        .await
        .data(200)
        .clone();
    app.process.terminate();
    assert_eq!(app.process.wait(END).await.code(), Some(0));

    let app = App::start(&arguments, &[]).await;
    assert_eq!(
        *app.get("/v2/admin/concerts/c", &admin()).await.data(200),
        concert
    );
    assert_eq!(
        *app.get("/v2/admin/audit?concertId=c", &admin())
            .await
            .data(200),
        audit
    );
    app.get("/v2/admin/concerts/gone", &admin())
        .await
        .fails("CONCERT_NOT_FOUND");
    eventually(
        Duration::from_secs(60),
        "the concert is in force again",
        async || app.enter("c", "a").await.status == 201,
    )
    .await;
    assert_eq!(app.line("c").await["version"], 2);
}

#[tokio::test]
async fn after_a_clean_stop_the_main_files_hold_everything() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = App::start(&in_folder(&folder), &[]).await;
    app.create("c", json!({})).await;
    let stock = json!({"perMemberLimit": 1, "tickets": [
        {"ticketId": "day", "name": "day", "price": 1, "quantity": 5},
    ]});
    app.put_stock("c", &stock).await.data(200);
    app.process.terminate();
    assert_eq!(app.process.wait(END).await.code(), Some(0));

    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in ["sunbeon.sqlite", "booking.sqlite"] {
        let (from, to) = (folder.path().join(name), copy.path().join(name));
        fs::copy(from, to).expect("a file");
    }
    let app = App::start(&in_folder(&copy), &[]).await;
    app.get("/v2/admin/concerts/c", &admin()).await.data(200);
    app.stock("c").await.data(200);
}

/// Returns arguments that keep everything in a folder.
fn in_folder(folder: &TempDir) -> [&str; 4] {
    let path = folder.path().to_str().expect("a text");
    ["--fans", "0", "--data", path]
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_at_start_by_its_name() {
    for name in ["sunbeon.sqlite", "booking.sqlite"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(name);
        fs::write(&file, "garbage\n".repeat(100)).expect("a file");
        let bind = format!("127.0.0.1:{}", free_port());
        let process = launch(&bind, &in_folder(&folder), &[]);
        assert_eq!(process.wait(END).await.code(), Some(1));
        let said = process.log();
        assert!(said.contains(file.to_str().expect("a text")), "{said}");
        let kept = fs::read_to_string(&file).expect("the file is left alone");
        assert!(kept.starts_with("garbage"), "{kept}");
    }
}

#[tokio::test]
async fn without_bind_it_listens_where_the_setting_says() {
    let port = free_port();
    let mut command = bare();
    command
        .envs(access::SETTINGS)
        .env("SUNBEON__HTTP__BIND", format!("127.0.0.1:{port}"))
        .args(["--fans", "0"]);
    App::at(Process::run("sunbeon", command), port)
        .is_up()
        .await;
}

#[tokio::test]
async fn the_first_request_on_an_empty_database_finds_its_tables() {
    let (registry, stock) = tokio::join!(TestDatabase::postgres(), TestDatabase::postgres());
    let (port, settings) = (
        free_port(),
        [
            ("SUNBEON__DATABASE__URL", registry.url().to_owned()),
            ("SUNBEON__BOOKING__DATABASE_URL", stock.url().to_owned()),
        ],
    );
    let _process = launch(&format!("127.0.0.1:{port}"), &["--fans", "0"], &settings);
    let both = async {
        tokio::join!(
            first(port, "/v2/admin/concerts"),
            first(port, "/v2/stock/c")
        )
    };
    let (concerts, stock) = tokio::time::timeout(END, both).await.expect("answers");
    assert!(concerts.starts_with("HTTP/1.1 200"), "{concerts}");
    assert!(stock.starts_with("HTTP/1.1 404"), "{stock}");
}

/// Returns the answer to a request that is sent the moment the port is open.
async fn first(port: u16, path: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        admin()
    );
    let mut stream = loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
            break stream;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it is open");
    let read = stream.read_to_string(&mut answer).await;
    read.expect("an answer");
    answer
}

#[tokio::test]
async fn a_stop_signal_drains_and_exits_cleanly() {
    tokio::join!(drains_at(Signal::TERM), drains_at(Signal::INT));
}

async fn drains_at(signal: Signal) {
    // Long enough to be seen draining on a busy machine.
    let delay = ("SUNBEON__HTTP__DRAIN_DELAY_MS", "8000".to_owned());
    let app = App::start(&["--fans", "0"], &[delay]).await;
    app.create_by_hand("c").await;
    let id = i32::try_from(app.process.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("an id");
    kill_process(id, signal).expect("it runs");
    eventually(
        Duration::from_secs(8),
        "it says that it drains",
        async || {
            let ready = app.request(Method::GET, "/ready", "").send().await;
            ready.is_ok_and(|ready| {
                ready.status() == 503 && ready.headers()["connection"] == "close"
            })
        },
    )
    .await;
    app.enter("c", "a").await.data(201);
    assert_eq!(
        app.process.wait(END).await.code(),
        Some(0),
        "{}",
        app.process.log()
    );
}

#[tokio::test]
async fn a_registry_behind_the_store_is_lifted_above_it() {
    let redis = RedisServer::start().await;
    let store = [("SUNBEON__STORE__REDIS__URL", redis.url())];
    let app = App::start(&["--fans", "0"], &store).await;
    app.create("c", json!({"title": "처음"})).await;
    for version in [1, 2] {
        app.patch("c", version, &json!({"notice": version.to_string()}))
            .await
            .data(200);
    }
    app.process.terminate();
    assert_eq!(app.process.wait(END).await.code(), Some(0));

    // The registry was in memory, so it knows nothing of the concerts in force in the store.
    let app = App::start(&["--fans", "0"], &store).await;
    let fields = json!({"concertId": "c", "title": "다시"});
    let created = app.post_json("/v2/admin/concerts", &admin(), &fields).await;
    assert_eq!(created.data(201)["version"], 4);
    let snapshot = app.get("/v2/waiting-room/admin/c", &admin()).await;
    assert_eq!(snapshot.data(200)["concertTitle"], "다시");
    app.patch("c", 4, &json!({"title": "또"})).await.data(200);
}
