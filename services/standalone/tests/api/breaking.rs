//! The demo's red buttons.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{Answer, access::ADMIN_TOKEN, eventually, send};

use crate::app::App;

/// Longer than a part stays away.
const SOON: Duration = Duration::from_secs(60);

async fn press(app: &App, part: &str) {
    let path = format!("/dev/break/{part}");
    app.post(&path, "").await.data(200);
}

async fn create(app: &App) {
    let concert = json!({"concertId": "c", "title": "C", "autoOpen": false});
    let created = app.post_json("/v2/admin/concerts", ADMIN_TOKEN, &concert);
    created.await.data(201);
}

async fn enter(app: &App, who: &str) {
    let token = app.access(who).await;
    let concert = json!({"concertId": "c"});
    let entered = app.post_json("/v2/waiting-room/enter", &token, &concert);
    entered.await.data(201);
}

async fn open(app: &App, batch: u32) -> Answer {
    let path = format!("/v2/reservation/open/c?batchSize={batch}");
    app.post(&path, ADMIN_TOKEN).await
}

async fn is_called(app: &App, who: &str) {
    let path = format!("/v2/admin/concerts/c/members/{who}");
    let called = async || app.get(&path, ADMIN_TOKEN).await.stands() == "READY";
    eventually(SOON, "the member is called", called).await;
}

async fn admitting(app: &App) -> u64 {
    let line = app.get("/v2/waiting-room/admin/c", ADMIN_TOKEN).await;
    let line = line.data(200);
    assert_eq!(line["addsUp"], true);
    line["counts"]["admitting"].as_u64().expect("a count")
}

async fn broker(app: &App) -> String {
    let health = app.get("/admin/health", ADMIN_TOKEN).await;
    health.body["broker"].as_str().expect("a word").to_owned()
}

#[tokio::test]
async fn a_stopped_broker_is_shown_and_comes_back_and_nobody_is_lost() {
    let app = App::demo(0).await;
    create(&app).await;
    enter(&app, "a").await;
    assert_eq!(broker(&app).await, "up");
    press(&app, "broker").await;
    assert_eq!(broker(&app).await, "down");
    open(&app, 1).await.fails("BROKER_DOWN");
    enter(&app, "b").await;
    eventually(SOON, "the broker is back", async || {
        broker(&app).await == "up"
    })
    .await;
    open(&app, 2).await.data(200);
    is_called(&app, "a").await;
    is_called(&app, "b").await;
}

#[tokio::test]
async fn whoever_is_taken_while_the_consumer_is_dead_is_called_by_the_next_one() {
    let app = App::demo(0).await;
    create(&app).await;
    enter(&app, "a").await;
    press(&app, "consumer").await;
    open(&app, 1).await.data(200);
    assert_eq!(admitting(&app).await, 1);
    is_called(&app, "a").await;
    assert_eq!(admitting(&app).await, 0);
}

#[tokio::test]
async fn a_broken_message_becomes_a_dead_letter_and_holds_nobody_up() {
    let app = App::demo(0).await;
    create(&app).await;
    enter(&app, "a").await;
    press(&app, "message").await;
    open(&app, 1).await.data(200);
    is_called(&app, "a").await;
    let path = "/v2/admin/dead-letters";
    let letters = app.get(path, ADMIN_TOKEN).await;
    let letters = letters.data(200);
    assert_eq!(letters["total"], 1);
    let body = letters["deadLetters"][0]["body"].as_str().expect("a text");
    assert!(body.contains("HELLO"), "{body}");
    let again = app.post(&format!("{path}/repeat"), ADMIN_TOKEN).await;
    assert_eq!(again.data(200)["unrepeatable"], 1);
    let removed = app.delete(path, ADMIN_TOKEN).await;
    assert_eq!(*removed.data(200), json!({"removed": 1, "left": 0}));
}

#[tokio::test]
async fn nothing_is_broken_from_elsewhere_or_without_a_demo() {
    let app = App::demo(0).await;
    for part in ["broker", "consumer", "message"] {
        let request = || app.request(Method::POST, &format!("/dev/break/{part}"), "");
        for (header, value) in [
            ("X-Forwarded-For", "203.0.113.7"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://evil.example"),
            ("Host", "shop.example"),
        ] {
            send(request().header(header, value))
                .await
                .fails("FORBIDDEN");
        }
    }
    let app = App::embedded().await;
    app.post("/dev/break/broker", "").await.fails("NOT_FOUND");
}
