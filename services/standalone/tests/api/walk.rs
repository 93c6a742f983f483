//! A fan's way through the sale.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sunbeon_test_support::{
    access::{claims, in_seconds, member},
    eventually, send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    a_fan_walks_from_the_line_to_the_booking_token_and_out,
    the_schedule_calls_the_fan_by_itself,
    a_fan_who_leaves_comes_back_at_the_end,
);

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().expect("an object").keys().collect();
    keys.sort();
    keys.into_iter().map(String::as_str).collect()
}

const LINE_UP: &str = "/v2/waiting-room/enter";

async fn a_fan_walks_from_the_line_to_the_booking_token_and_out(app: App) {
    let token = member("fan-1");
    app.create_by_hand("walk").await;

    let body = json!({"concertId": "walk"});
    let entered = app.post_json(LINE_UP, &token, &body).await;
    let number = entered.data(201)["entryNumber"].clone();
    assert_eq!(entered.body["message"], "대기열 입장 성공");
    assert_eq!(entered.data(201)["queueNumber"], 1);
    let not_yet = app.get("/v2/reservation/token/walk", &token).await;
    not_yet.fails("NOT_READY");

    let opened = app.open("walk", 10).await;
    assert_eq!(
        *opened.data(200),
        json!({"concertId": "walk", "requested": 10, "admitted": 1, "stillWaiting": 0,
            "limitedBy": "line", "paused": false, "confirmed": 1})
    );
    app.is_ready("walk", "fan-1").await;
    assert_eq!(app.standing("walk", "fan-1").await["entryNumber"], number);

    let issued = app.get("/v2/reservation/token/walk", &token).await;
    let data = issued.data(200).clone();
    assert_eq!(
        keys(&data),
        [
            "canEnter",
            "concertId",
            "concertTitle",
            "entryNumber",
            "expiresAt",
            "status",
            "token"
        ]
    );
    assert_eq!(
        (&data["status"], &data["canEnter"]),
        (&json!("ENTERED"), &json!(true))
    );
    let booking_token = data["token"].as_str().unwrap();
    assert_eq!(issued.header("x-queue-token"), booking_token);
    assert_eq!(issued.header("cache-control"), "no-store");
    let expires: i64 = issued.header("x-queue-token-expires").parse().unwrap();
    assert!(
        (590..=600).contains(&(expires - in_seconds(0))),
        "{expires}"
    );

    let claims = claims(booking_token);
    assert_eq!(claims["iss"], "sunbeon");
    assert_eq!(claims["aud"], "sunbeon-gate");
    assert_eq!(
        (&claims["sub"], &claims["cid"]),
        (&json!("fan-1"), &json!("walk"))
    );
    assert_eq!((&claims["ent"], &claims["exp"]), (&number, &json!(expires)));
    let again = app.get("/v2/reservation/token/walk", &token).await;
    assert_eq!(*again.data(200), data, "the same token, byte for byte");

    let complete = || {
        let path = "/v2/reservation/complete/walk";
        let request = app.request(reqwest::Method::POST, path, &token);
        request.header("X-Queue-Token", booking_token)
    };
    let completed = Instant::now();
    assert_eq!(*send(complete()).await.data(200), json!({}));
    let line = app.line("walk").await;
    assert_eq!(
        (&line["counts"]["inside"], &line["counts"]["slots"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(line["totals"]["completed"], 1);
    eventually(Duration::from_secs(60), "the slot is free", async || {
        app.line("walk").await["counts"]["slots"] == 0
    })
    .await;
    assert!(
        completed.elapsed() > Duration::from_millis(4_900),
        "the gates must know first"
    );
    send(complete()).await.data(200);
    assert_eq!(app.line("walk").await["totals"]["completed"], 1, "once");
    assert_eq!(
        app.standing("walk", "fan-1").await["status"],
        "NOT_IN_QUEUE"
    );
    app.get("/v2/reservation/token/walk", &token)
        .await
        .fails("NOT_READY");

    let second = app.post_json(LINE_UP, &token, &body).await;
    assert!(second.data(201)["entryNumber"].as_u64() > number.as_u64());
    for _ in 0..2 {
        let left = app.post("/v2/waiting-room/exit/walk", &token).await;
        assert_eq!(*left.data(200), json!({}));
    }
    assert_eq!(app.line("walk").await["totals"]["left"], 1);
    assert_eq!(
        app.standing("walk", "fan-1").await["status"],
        "NOT_IN_QUEUE"
    );
}

async fn the_schedule_calls_the_fan_by_itself(app: App) {
    app.create("c", json!({"groupSize": 2, "entryIntervalSeconds": 3600}))
        .await;
    for who in ["a", "b", "c"] {
        app.enter("c", who).await.data(201);
    }
    app.is_ready("c", "a").await;
    let line = app.line("c").await;
    let taken = line["totals"]["bySchedule"].as_u64().unwrap();
    assert!((1..=2).contains(&taken), "{line}");
    assert!(line["lastTakeAt"].is_string(), "{line}");
}

async fn a_fan_who_leaves_comes_back_at_the_end(app: App) {
    app.create_by_hand("c").await;
    for who in ["a", "b", "c"] {
        app.enter("c", who).await.data(201);
    }
    app.post("/v2/waiting-room/exit/c", &member("a"))
        .await
        .data(200);
    assert_eq!(app.standing("c", "b").await["queueNumber"], 1);
    assert_eq!(app.enter("c", "a").await.data(201)["queueNumber"], 3);
    // A member who leaves during a session frees the slot, and the token is worthless.
    let token = app.admit("c", "b").await;
    app.post("/v2/waiting-room/exit/c", &member("b"))
        .await
        .data(200);
    let line = app.line("c").await;
    assert_eq!(
        (&line["totals"]["exited"], &line["counts"]["inside"]),
        (&json!(1), &json!(0))
    );
    let complete = app.request(
        reqwest::Method::POST,
        "/v2/reservation/complete/c",
        &member("b"),
    );
    send(complete.header("X-Queue-Token", token))
        .await
        .data(200);
    assert_eq!(app.line("c").await["totals"]["completed"], 0);
}
