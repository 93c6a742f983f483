//! The process: where it listens, what it keeps, how it ends.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sunbeon_test_support::{
    RedisServer,
    access::{ADMIN_TOKEN, admin, in_seconds, member},
    eventually, free_port, send,
};
use sunbeon_tokens::SigningKeys;
use tokio::net::TcpListener;

use crate::app::{App, launch};

const DEMO: [&str; 4] = ["demo", "walk-in", "open-house", "train"];
const END: Duration = Duration::from_secs(60);

#[tokio::test]
async fn beyond_loopback_nobody_is_handed_an_access_token() {
    let port = free_port();
    let process = launch(&format!("0.0.0.0:{port}"), &["--fans", "50"], &[]);
    let app = App::at(process, port);
    app.is_up().await;
    let wanted = json!({"memberId": "a", "admin": true});
    app.post_json("/dev/token", "", &wanted)
        .await
        .fails("NOT_FOUND");
    let document = app.get("/openapi.json", "").await.body;
    assert!(document["paths"].get("/dev/token").is_none());
    // Neither a demo sale nor a crowd.
    let concerts = app.get("/v2/admin/concerts", &admin()).await;
    assert_eq!(concerts.data(200)["concerts"], json!([]));
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
}

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

/// The public key of RFC 8032's first test.
const LOGIN: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "login", "alg": "EdDSA",
    "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[tokio::test]
async fn with_a_logins_own_keys_there_is_neither_a_demo_nor_a_token_for_anybody() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, LOGIN).expect("a new folder takes a file");
    let keys = [
        ("SUNBEON__AUTH__HS256_SECRET", String::new()),
        ("SUNBEON__AUTH__JWKS_FILE", file.display().to_string()),
        ("SUNBEON__AUTH__ALGORITHM", "EdDSA".to_owned()),
        ("SUNBEON__AUTH__ISSUER", "login".to_owned()),
        ("SUNBEON__AUTH__AUDIENCE", "sunbeon".to_owned()),
    ];
    let app = App::start(&["--fans", "50"], &keys).await;
    let wanted = json!({"memberId": "a", "admin": true});
    app.post_json("/dev/token", "", &wanted)
        .await
        .fails("NOT_FOUND");
    let concerts = app.get("/v2/admin/concerts", ADMIN_TOKEN).await;
    assert_eq!(concerts.data(200)["concerts"], json!([]));
    let said = app.process.log();
    assert!(!said.contains("ERROR"), "{said}");
}

/// Settings for a login that publishes its keys at this address.
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

/// An access token that a login signs.
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
async fn a_logins_keys_are_fetched_before_anybody_comes_and_let_its_members_in() {
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
    // A token would have them fetched too.
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
async fn while_a_logins_keys_are_not_at_hand_a_proxy_hears_401() {
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
async fn concerts_and_the_audit_in_a_folder_outlive_the_process() {
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
async fn a_stop_signal_drains_and_exits_well() {
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
async fn it_prints_lines_that_work_when_pasted() {
    let app = App::embedded().await;
    demo_is_up(&app).await;
    let said = app.process.log();
    assert!(
        said.contains(&format!("Sunbeon (순번) is up on {}", app.url())),
        "{said}"
    );
    let variable = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {said}"))
            .to_owned()
    };
    let me = variable("ME=");
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    let begin = lines.iter().position(|line| line.starts_with("URL="));
    let token = lines.iter().position(|line| line.starts_with("T=$("));
    let (begin, token) = (begin.expect("URL="), token.expect("T="));
    let (queue, shop) = lines[begin..].split_at(token - begin);
    let variables = queue[..3].join("\n");
    let answers = pasted(queue);
    assert_eq!(statuses(&answers), [201, 200, 200, 200]);
    eventually(
        Duration::from_secs(60),
        "the pasted fan may enter",
        async || {
            let status = app.get("/v2/waiting-room/status/demo", &me).await;
            status.data(200)["canEnter"] == true
        },
    )
    .await;
    let answers = pasted(&[&[variables.as_str()], shop].concat());
    assert_eq!(statuses(&answers), [200; 3]);
    let booked = &answers[2]["data"]["bookings"];
    assert_eq!(booked.as_array().map(Vec::len), Some(1), "{booked}");
    assert_eq!(booked[0]["state"], "CONFIRMED", "{booked}");
    assert_eq!(
        booked[0]["seats"].as_array().map(Vec::len),
        Some(1),
        "{booked}"
    );
}

/// What a shell answers to lines that are pasted into it, one JSON text each.
fn pasted(lines: &[&str]) -> Vec<Value> {
    // Each answer on a line of its own.
    let script = lines.join("\n").replace("\ncurl -s", "\necho; curl -s");
    let script = script.replace("Ctrl-C stops.", "");
    let done = std::process::Command::new("sh")
        .arg("-c")
        .arg(&script)
        .output();
    let said = String::from_utf8(done.expect("a shell").stdout).expect("a text");
    let answers = said.lines().filter(|line| !line.is_empty());
    let read =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{script}\n{said}"));
    answers.map(read).collect()
}

fn statuses(answers: &[Value]) -> Vec<u64> {
    let status = |answer: &Value| answer["status"].as_u64().expect("the envelope");
    answers.iter().map(status).collect()
}

/// Waits until every demo concert is on sale: then the lines to paste are printed, and the crowd
/// comes.
pub(crate) async fn demo_is_up(app: &App) {
    eventually(
        Duration::from_secs(60),
        "the lines are printed",
        async || app.process.log().contains("Ctrl-C stops."),
    )
    .await;
}

/// Milliseconds of the server's clock.
async fn moment(app: &App) -> i64 {
    let line = app.get("/v2/waiting-room/admin/demo", &admin()).await;
    let at = line.data(200)["at"].clone();
    let at = serde_json::from_value::<sunbeon_domain::UnixMs>(at);
    at.expect("a time").0
}

#[tokio::test]
async fn without_fans_nobody_comes() {
    let app = App::embedded().await;
    demo_is_up(&app).await;
    let begun = moment(&app).await;
    eventually(
        Duration::from_secs(60),
        "three seconds of the sale",
        async || moment(&app).await >= begun + 3_000,
    )
    .await;
    for id in DEMO {
        assert_eq!(app.line(id).await["totals"]["joined"], 0);
    }
}

#[tokio::test]
async fn a_crowd_goes_through_every_sale_and_nothing_is_lost() {
    let app = App::start(&["--fans", "200"], &[]).await;
    demo_is_up(&app).await;
    eventually(
        Duration::from_secs(90),
        "many have come, got in and paid",
        async || {
            let mut sums = [0, 0, 0];
            for id in DEMO {
                let line = app.line(id).await;
                if line["mode"] == "threshold" {
                    assert!(
                        line["counts"]["slots"].as_u64() <= line["maxActive"].as_u64(),
                        "{line}"
                    );
                }
                for (sum, name) in sums.iter_mut().zip(["joined", "admitted", "completed"]) {
                    *sum += line["totals"][name].as_u64().expect("a total");
                }
            }
            sums[0] >= 80 && sums[1] >= 40 && sums[2] >= 15
        },
    )
    .await;
    let metrics = app.get("/metrics", "").await.text;
    // `/health` is how this test waited for the start: it says 503 until all is up.
    let requests = metrics.lines().filter(|line| {
        line.starts_with("http_server_request_duration_seconds_count")
            && !line.contains("route=\"/health\"")
    });
    for line in requests {
        assert!(!line.contains("status=\"5"), "{line}");
        let fine = ["status=\"2", "status=\"3"]
            .iter()
            .any(|status| line.contains(status));
        // Demo fans ask for what they may: the claim may come a moment after the call ran out, and now
        // and then a payment is declined.
        let known = ["status=\"402\"", "status=\"403\"", "status=\"409\""]
            .iter()
            .any(|status| line.contains(status));
        assert!(fine || known, "{line}");
    }
    app.enter("demo", "one-more").await;
    send(app.request(
        reqwest::Method::GET,
        "/v2/waiting-room/status/demo",
        &member("one-more"),
    ))
    .await
    .data(200);
}

#[tokio::test]
async fn a_proxy_on_this_machine_makes_no_token_anybodys() {
    let app = App::embedded().await;
    let wanted = json!({"memberId": "a", "admin": true});
    let request = app.request(Method::POST, "/dev/token", "");
    let rebound = request.header("Host", "shop.example").json(&wanted);
    send(rebound).await.fails("FORBIDDEN");
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"] {
        let request = app.request(Method::POST, "/dev/token", "");
        let answer = send(request.header(header, "for=203.0.113.7").json(&wanted)).await;
        answer.fails("FORBIDDEN");
    }
    app.post_json("/dev/token", "", &wanted).await.data(201);
}

#[tokio::test]
async fn a_registry_that_is_behind_the_store_is_lifted_above_it() {
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

    // The registry was in memory: it knows nothing of what the store has in force.
    let app = App::start(&["--fans", "0"], &store).await;
    let fields = json!({"concertId": "c", "title": "다시"});
    let created = app.post_json("/v2/admin/concerts", &admin(), &fields).await;
    assert_eq!(created.data(201)["version"], 4);
    let snapshot = app.get("/v2/waiting-room/admin/c", &admin()).await;
    assert_eq!(snapshot.data(200)["concertTitle"], "다시");
    app.patch("c", 4, &json!({"title": "또"})).await.data(200);
}
