//! Passes: cheap polls, and what they must never do.

use std::time::Duration;

use serde_json::Value;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_test_support::{
    Answer, Method,
    access::{PASS_SECRET, member},
    eventually, send,
};
use sunbeon_tokens::{Pass, Passes};

use crate::app::App;

sunbeon_test_support::on_both!(
    who_was_taken_is_told_so_although_they_have_a_pass,
    a_pass_of_another_member_or_concert_or_of_another_secret_is_not_believed,
    a_pass_of_a_line_that_was_cleared_is_not_believed,
    a_place_is_reckoned_from_the_public_snapshot,
);

const SOON: Duration = Duration::from_secs(60);

fn concert() -> ConcertId {
    ConcertId::parse("c").unwrap()
}

async fn poll(app: &App, who: &str, pass: &str) -> Answer {
    let path = "/v2/waiting-room/status/c";
    let request = app.api.request(Method::GET, path, &member(who));
    send(request.header("X-Queue-Pass", pass)).await
}

/// A line of ten, and the standing of the last.
async fn ten(app: &App) -> Value {
    app.stage.create_by_hand("c").await;
    for n in 0..9 {
        app.api.enter("c", &format!("m{n}")).await.data(201);
    }
    let mine = app.api.enter("c", "me").await.data(201).clone();
    eventually(SOON, "the line is known", async || {
        let line = app.api.get("/v2/waiting-room/snapshot/c", "").await;
        line.data(200)["totalWaitingCount"] == 10
    })
    .await;
    mine
}

fn pass(standing: &Value) -> String {
    let pass = standing["pass"].as_str();
    pass.expect("who is in line has a pass").to_owned()
}

async fn who_was_taken_is_told_so_although_they_have_a_pass(app: App) {
    let mut mine = ten(&app).await;
    assert_eq!(mine["queueNumber"], 10);
    app.stage.take("c", 4).await;
    eventually(SOON, "the four have gone", async || {
        poll(&app, "me", &pass(&mine)).await.data(200)["queueNumber"] == 6
    })
    .await;
    mine = poll(&app, "me", &pass(&mine)).await.data(200).clone();
    let taken = app.stage.take("c", 6).await;
    let entries: Vec<_> = taken.into_iter().map(|it| (it.member, it.number)).collect();
    let id = concert();
    app.stage.store.ready(&id, &entries).await.unwrap();
    eventually(SOON, "I am called", async || {
        poll(&app, "me", &pass(&mine)).await.data(200)["status"] == "READY"
    })
    .await;
}

async fn a_pass_of_another_member_or_concert_or_of_another_secret_is_not_believed(app: App) {
    let mine = ten(&app).await;
    let first = app.api.standing("c", "m0").await;
    app.stage.create_by_hand("d").await;
    let elsewhere = app.api.enter("d", "me").await.data(201).clone();
    let claims = Passes::new(PASS_SECRET.as_bytes()).unwrap();
    let (c, me) = (concert(), MemberId::parse("me").unwrap());
    let read = claims.read(&pass(&mine), &c, &me).expect("it is mine");
    let others = Passes::new(&[7; 32]).unwrap();
    let forged = others.sign(&Pass { told: 1, ..read }, &c, &me);
    for pass in [
        pass(&first),
        pass(&elsewhere),
        forged,
        "x".into(),
        String::new(),
    ] {
        let told = poll(&app, "me", &pass).await.data(200).clone();
        assert_eq!(told["queueNumber"], 10, "{pass}");
        assert_eq!(told["entryNumber"], mine["entryNumber"], "{pass}");
    }
}

async fn a_pass_of_a_line_that_was_cleared_is_not_believed(app: App) {
    let mine = ten(&app).await;
    let id = concert();
    assert_eq!(app.stage.store.clear(&id).await.unwrap(), 10);
    eventually(SOON, "the line is empty", async || {
        poll(&app, "me", &pass(&mine)).await.data(200)["status"] == "NOT_IN_QUEUE"
    })
    .await;
}

async fn a_place_is_reckoned_from_the_public_snapshot(app: App) {
    let mine = ten(&app).await;
    app.stage.take("c", 4).await;
    let number = mine["entryNumber"].as_u64().unwrap();
    eventually(SOON, "the four have gone", async || {
        let line = app.api.get("/v2/waiting-room/snapshot/c", "").await;
        let line = line.data(200);
        if line["front"].as_u64().is_none_or(|front| front >= number) {
            return false;
        }
        let since = line["taken"].as_u64().unwrap() - mine["taken"].as_u64().unwrap();
        mine["queueNumber"].as_u64().unwrap() - since == 6
    })
    .await;
    let exact = app.stage.standing("c", "me").await;
    assert_eq!(exact.queue_number, Some(6));
}

#[tokio::test]
async fn who_has_a_pass_is_answered_while_the_store_is_away() {
    let app = App::real().await;
    let mut mine = ten(&app).await;
    mine = poll(&app, "me", &pass(&mine)).await.data(200).clone();
    app.stage.redis.as_ref().unwrap().kill();
    let told = poll(&app, "me", &pass(&mine)).await;
    assert_eq!(told.data(200)["queueNumber"], 10);
    poll(&app, "me", "").await.fails("STORE_DOWN");
    // What is known of the line is too old before long.
    eventually(SOON, "nothing is made up", async || {
        poll(&app, "me", &pass(&mine)).await.status == 503
    })
    .await;
}

#[tokio::test]
async fn however_often_one_polls_the_store_is_asked_once() {
    let app = App::real().await;
    let mut mine = ten(&app).await;
    mine = poll(&app, "me", &pass(&mine)).await.data(200).clone();
    // A status that reached the store would renew the deadline.
    let redis = app.stage.redis.as_ref().unwrap();
    let last = "return redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]";
    let ask = format!("EVAL \"{last}\" 1 {{concert:c}}:seen");
    let seen = async || redis.send(&ask).await;
    let before = seen().await;
    for _ in 0..50 {
        let told = poll(&app, "me", &pass(&mine)).await;
        mine = told.data(200).clone();
        assert_eq!(mine["queueNumber"], 10);
    }
    assert_eq!(seen().await, before);
}
