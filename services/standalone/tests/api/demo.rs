//! The demo sale and `POST /dev/token`, which exist only while no login is configured.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sunbeon_test_support::{access::ADMIN_TOKEN, eventually, send};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::{App, launch};

const DEMO: [&str; 4] = ["demo", "walk-in", "open-house", "train"];

/// The public key of RFC 8032's first test.
const LOGIN: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "login", "alg": "EdDSA",
    "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Expects neither a demo sale nor tokens for anybody, and no mention of either.
async fn no_demo(app: &App) {
    let wanted = json!({"memberId": "a", "admin": true});
    app.post_json("/dev/token", "", &wanted)
        .await
        .fails("NOT_FOUND");
    let document = app.get("/openapi.json", "").await.body;
    assert_eq!(document["paths"].get("/dev/token"), None);
    let concerts = app.get("/v2/admin/concerts", ADMIN_TOKEN).await;
    assert_eq!(concerts.data(200)["concerts"], json!([]));
    let said = app.process.log();
    assert!(!said.contains("ME=") && !said.contains("ADMIN="), "{said}");
}

#[tokio::test]
async fn with_an_own_secret_there_is_neither_a_demo_nor_a_token_for_anybody() {
    let app = App::start(&["--fans", "50"], &[]).await;
    no_demo(&app).await;
}

#[tokio::test]
async fn with_a_logins_own_keys_there_is_neither_a_demo_nor_a_token_for_anybody() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, LOGIN).expect("a new folder is writable");
    let keys = [
        ("SUNBEON__AUTH__HS256_SECRET", String::new()),
        ("SUNBEON__AUTH__JWKS_FILE", file.display().to_string()),
        ("SUNBEON__AUTH__ALGORITHM", "EdDSA".to_owned()),
        ("SUNBEON__AUTH__ISSUER", "login".to_owned()),
        ("SUNBEON__AUTH__AUDIENCE", "sunbeon".to_owned()),
    ];
    let app = App::start(&["--fans", "50"], &keys).await;
    no_demo(&app).await;
    let said = app.process.log();
    assert!(!said.contains("ERROR"), "{said}");
}

#[tokio::test]
async fn beyond_loopback_there_is_neither_a_demo_nor_a_token_for_anybody() {
    let port = sunbeon_test_support::free_port();
    let process = launch(&format!("0.0.0.0:{port}"), &["--fans", "50"], &[]);
    let app = App::at(process, port);
    app.is_up().await;
    no_demo(&app).await;
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
}

/// A request for an admin's access token.
fn wanted(app: &App) -> RequestBuilder {
    let request = app.request(Method::POST, "/dev/token", "");
    request.json(&json!({"memberId": "a", "admin": true}))
}

#[tokio::test]
async fn no_token_is_handed_out_through_a_proxy_on_this_machine() {
    let app = App::demo(0).await;
    send(wanted(&app)).await.data(201);
    for header in [
        "CF-Connecting-IP",
        "Forwarded",
        "True-Client-IP",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Server",
        "X-Real-IP",
    ] {
        let forwarded = wanted(&app).header(header, "for=203.0.113.7");
        send(forwarded).await.fails("FORBIDDEN");
    }
    let rebound = wanted(&app).header("Host", "shop.example");
    send(rebound).await.fails("FORBIDDEN");
}

#[tokio::test]
async fn no_token_is_handed_out_through_a_plain_proxy_pass() {
    let app = App::demo(0).await;
    // What nginx sends by default: the upstream's own name, and HTTP/1.0.
    let host = app.address();
    let body = r#"{"memberId":"a","admin":true}"#;
    for (version, expected) in [("1.0", "403"), ("1.1", "201")] {
        let request = format!(
            "POST /dev/token HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.expect("it listens");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let status = answer.split_whitespace().nth(1);
        assert_eq!(status, Some(expected), "HTTP/{version}: {answer}");
    }
}

#[tokio::test]
async fn another_sites_page_gets_no_token_whatever_cors_allows() {
    let app = App::demo_with(&[("SUNBEON__HTTP__CORS_ORIGINS", "*".to_owned())]).await;
    for origin in ["https://evil.example", "null", "http://localhost:3000"] {
        let answer = send(wanted(&app).header("Origin", origin)).await;
        answer.fails("FORBIDDEN");
        let form = app.request(Method::POST, "/dev/session", "");
        let form = form.header("Content-Type", "application/x-www-form-urlencoded");
        let form = form.header("Origin", origin).body("operator=true");
        send(form).await.fails("FORBIDDEN");
    }
    for (site, fails) in [
        ("cross-site", true),
        ("same-site", true),
        ("same-origin", false),
        ("none", false),
    ] {
        let answer = send(wanted(&app).header("Sec-Fetch-Site", site)).await;
        assert_eq!(answer.status == 403, fails, "{site}: {}", answer.text);
    }
    // The /docs page of this process itself.
    let own = wanted(&app).header("Origin", app.url());
    send(own).await.data(201);
}

#[tokio::test]
async fn a_token_is_only_made_for_a_valid_member_id() {
    let app = App::demo(0).await;
    for (member, name, code) in [
        ("a", "가".repeat(101), "INVALID_NAME"),
        ("a b", String::new(), "INVALID_MEMBER_ID"),
        ("guest:a", String::new(), "INVALID_MEMBER_ID"),
    ] {
        let wanted = json!({"memberId": member, "name": name});
        app.post_json("/dev/token", "", &wanted).await.fails(code);
    }
    let get = app.get("/dev/token", "").await;
    get.fails("METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn it_prints_lines_that_work_when_pasted() {
    let app = App::demo(0).await;
    demo_is_up(&app).await;
    let said = app.process.log();
    assert!(
        said.contains(&format!("Open it in a browser:  {}", app.url())),
        "{said}"
    );
    let variable = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {said}"))
            .to_owned()
    };
    let me = variable("ME=");
    let lines: Vec<_> = said.lines().map(str::trim).collect();
    let at = |start: &str| {
        let found = lines.iter().position(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start} in {said}"))
    };
    let (begin, queue, token) = (at("URL="), at("# Line up"), at("T="));
    let end = at("The whole tour");
    let set_up = &lines[begin..queue];
    let answers = pasted(&[set_up, &lines[queue..token]].concat());
    assert_eq!(statuses(&answers), [201, 200]);
    eventually(
        Duration::from_secs(60),
        "the pasted fan may enter",
        async || {
            let status = app.get("/v2/waiting-room/status/demo", &me).await;
            status.data(200)["canEnter"] == true
        },
    )
    .await;
    let answers = pasted(&[set_up, &lines[token..end]].concat());
    // Hold and pay; then the operator's line and batch.
    assert_eq!(statuses(&answers), [200; 4]);
    let booked = &answers[1]["data"];
    assert_eq!(booked["state"], "CONFIRMED", "{booked}");
    assert_eq!(
        booked["seats"].as_array().map(Vec::len),
        Some(1),
        "{booked}"
    );
}

/// Returns a shell's answers to pasted commands, one JSON text each.
fn pasted(lines: &[&str]) -> Vec<Value> {
    // Each answer on its own line.
    let calls = ["api ", "admin ", "shop "];
    let script = calls.iter().fold(lines.join("\n"), |script, call| {
        script.replace(&format!("\n{call}"), &format!("\necho; {call}"))
    });
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

/// Waits until every demo concert is on sale; then the commands are printed and the crowd arrives.
pub(crate) async fn demo_is_up(app: &App) {
    eventually(
        Duration::from_secs(60),
        "the lines are printed",
        async || app.process.log().contains("Ctrl-C stops."),
    )
    .await;
}

/// Returns milliseconds by the server's clock.
async fn moment(app: &App) -> i64 {
    let line = app.get("/v2/waiting-room/admin/demo", ADMIN_TOKEN).await;
    let at = line.data(200)["at"].clone();
    let at = serde_json::from_value::<sunbeon_domain::UnixMs>(at);
    at.expect("a time").0
}

#[tokio::test]
async fn without_fans_the_line_stays_empty() {
    let app = App::demo(0).await;
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
    let app = App::demo(200).await;
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
    // This test waited for the start with `/health`, which answers 503 until everything is up.
    let requests = metrics.lines().filter(|line| {
        line.starts_with("http_server_request_duration_seconds_count")
            && !line.contains("route=\"/health\"")
    });
    for line in requests {
        assert!(!line.contains("status=\"5"), "{line}");
        let fine = ["status=\"2", "status=\"3"]
            .iter()
            .any(|status| line.contains(status));
        // Demo fans cause only expected refusals: a claim may come just after the call expired, and
        // now and then a payment is declined.
        let known = ["status=\"402\"", "status=\"403\"", "status=\"409\""]
            .iter()
            .any(|status| line.contains(status));
        assert!(fine || known, "{line}");
    }
    let one_more = app.access("one-more").await;
    app.get("/v2/waiting-room/status/demo", &one_more)
        .await
        .data(200);
}
