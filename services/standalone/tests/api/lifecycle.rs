//! A concert from its creation to its deletion.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{
    access::{admin, member},
    eventually, send,
};

use crate::app::App;

on_both!(
    a_paused_concert_lets_people_line_up_and_continues_when_resumed,
    clearing_empties_the_line_and_leaves_those_inside,
    a_concert_is_deleted_once_it_is_closed_and_nobody_is_inside,
    a_recreated_concert_starts_empty,
    acts_on_an_unknown_concert_are_refused,
);

async fn a_paused_concert_lets_people_line_up_and_continues_when_resumed(app: App) {
    app.create(
        "c",
        json!({"mode": "threshold", "maxActive": 5, "entryIntervalSeconds": 1}),
    )
    .await;
    for again in 0..2 {
        let paused = app.act("c", "pause").await;
        assert_eq!(paused.data(200)["paused"], true);
        assert_eq!(
            paused.data(200)["version"],
            2,
            "what is so already stays: {again}"
        );
    }
    assert_eq!(app.enter("c", "a").await.data(201)["status"], "WAITING");
    assert_eq!(app.enter("c", "b").await.data(201)["status"], "WAITING");
    assert_eq!(app.line("c").await["state"], "paused");
    let opened = app.open("c", 1).await;
    assert_eq!(opened.data(200)["paused"], true, "open says so and opens");
    app.is_ready("c", "a").await;
    assert_eq!(app.standing("c", "b").await["status"], "WAITING");
    let resumed = app.act("c", "resume").await;
    assert_eq!(
        (&resumed.data(200)["paused"], &resumed.data(200)["version"]),
        (&json!(false), &json!(3))
    );
    app.is_ready("c", "b").await;
    assert_eq!(app.line("c").await["totals"]["bySchedule"], 1);
}

async fn clearing_empties_the_line_and_leaves_those_inside(app: App) {
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.enter("c", who).await.data(201);
    }
    app.admit("c", "in").await;
    let cleared = app.act("c", "clear").await;
    assert_eq!(*cleared.data(200), json!({"cleared": 2}));
    assert_eq!(
        *app.act("c", "clear").await.data(200),
        json!({"cleared": 0})
    );
    assert_eq!(app.standing("c", "a").await["status"], "NOT_IN_QUEUE");
    assert_eq!(app.standing("c", "in").await["status"], "ENTERED");
    let line = app.line("c").await;
    assert_eq!(
        (&line["totals"]["cleared"], &line["members"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(
        app.enter("c", "b").await.data(201)["queueNumber"],
        1,
        "members can line up again"
    );
}

async fn a_concert_is_deleted_once_it_is_closed_and_nobody_is_inside(app: App) {
    let path = "/v2/admin/concerts/c";
    app.create_by_hand("c").await;
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    for who in ["in", "a"] {
        app.enter("c", who).await.data(201);
    }
    let token = app.admit("c", "in").await;
    for _ in 0..2 {
        let closed = app.act("c", "close").await;
        assert_eq!(
            (&closed.data(200)["closed"], &closed.data(200)["version"]),
            (&json!(true), &json!(2))
        );
    }
    assert_eq!(
        app.line("c").await["totals"]["cleared"],
        1,
        "the line is emptied"
    );
    for refused in [
        app.act("c", "pause").await,
        app.patch("c", 2, &json!({"groupSize": 1})).await,
        app.open("c", 1).await,
        app.enter("c", "a").await,
    ] {
        refused.fails("BOOKING_CLOSED");
    }
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    let issued = app.get("/v2/reservation/token/c", &member("in")).await;
    assert_eq!(
        issued.data(200)["token"],
        token.as_str(),
        "those inside may finish"
    );
    let complete = app.request(Method::POST, "/v2/reservation/complete/c", &member("in"));
    send(complete.header("X-Queue-Token", token))
        .await
        .data(200);
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    eventually(
        Duration::from_secs(60),
        "the concert is deleted",
        async || app.delete(path, &admin()).await.status == 200,
    )
    .await;
    app.delete(path, &admin()).await.fails("CONCERT_NOT_FOUND");
    app.get(path, &admin()).await.fails("CONCERT_NOT_FOUND");
    app.enter("c", "a").await.fails("CONCERT_NOT_FOUND");
    let listed = app.get("/v2/admin/concerts", &admin()).await;
    let listed = listed.data(200)["concerts"].as_array().unwrap();
    assert!(listed.iter().all(|concert| concert["concertId"] != "c"));
}

async fn a_recreated_concert_starts_empty(app: App) {
    app.create_by_hand("c").await;
    let number = app.enter("c", "a").await.data(201)["entryNumber"].as_u64();
    app.act("c", "close").await.data(200);
    app.delete("/v2/admin/concerts/c", &admin()).await.data(200);
    let again = app.create("c", json!({"title": "again"})).await;
    // A replica that still knows the old concert must not bring it back with its version.
    assert_eq!(
        (&again["version"], &again["closed"]),
        (&json!(4), &json!(false))
    );
    let line = app.line("c").await;
    assert_eq!(
        (&line["totals"]["joined"], &line["version"]),
        (&json!(0), &json!(4))
    );
    assert_eq!(app.standing("c", "a").await["status"], "NOT_IN_QUEUE");
    assert!(app.enter("c", "a").await.data(201)["entryNumber"].as_u64() > number);
    app.patch("c", 4, &json!({"groupSize": 2})).await.data(200);
}

async fn acts_on_an_unknown_concert_are_refused(app: App) {
    for what in ["pause", "resume", "close", "clear"] {
        app.act("nowhere", what).await.fails("CONCERT_NOT_FOUND");
    }
    app.patch("nowhere", 1, &json!({"paused": true}))
        .await
        .fails("CONCERT_NOT_FOUND");
    app.delete("/v2/admin/concerts/nowhere", &admin())
        .await
        .fails("CONCERT_NOT_FOUND");
}
