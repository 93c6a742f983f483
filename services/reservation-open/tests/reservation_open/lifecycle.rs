//! A concert from its creation to its deletion.

use std::time::Duration;

use serde_json::json;
use sunbeon_store::Leaving;
use sunbeon_test_support::{access::admin, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(
    a_paused_concert_lets_people_line_up_and_continues_when_resumed,
    clearing_empties_the_line_and_leaves_those_inside,
    a_concert_is_deleted_once_it_is_closed_and_nobody_is_inside,
    a_recreated_concert_starts_empty,
    acts_on_an_unknown_concert_are_refused,
);

/// Long enough for anything pending, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// Lines three members up; the first goes inside.
async fn one_inside_and_two_in_line(app: &App) {
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.stage.enter("c", who).await;
    }
    app.stage.call("c", "in").await;
    app.stage.claim("c", "in").await;
}

async fn a_paused_concert_lets_people_line_up_and_continues_when_resumed(app: App) {
    let policy = json!({"mode": "threshold", "maxActive": 5, "entryIntervalSeconds": 1});
    app.create("c", policy).await;
    app.tick();
    for again in 0..2 {
        let paused = app.act("c", "pause").await;
        let paused = paused.data(200);
        assert_eq!(paused["paused"], true);
        assert_eq!(
            paused["version"], 2,
            "pausing again changes nothing: {again}"
        );
    }
    for who in ["a", "b"] {
        app.stage.enter("c", who).await;
        assert_eq!(app.stands("c", who).await, "WAITING");
    }
    let opened = app.open("c", 1).await;
    assert_eq!(opened.data(200)["paused"], true, "open says so and opens");
    let counts = app.stage.snapshot("c").await.counts;
    assert_eq!((counts.admitting, counts.waiting), (1, 1));
    let resumed = app.act("c", "resume").await;
    let resumed = resumed.data(200);
    assert_eq!(
        (&resumed["paused"], &resumed["version"]),
        (&json!(false), &json!(3))
    );
    eventually(SOON, "the schedule takes the other", async || {
        app.stage.snapshot("c").await.counts.admitting == 2
    })
    .await;
}

async fn clearing_empties_the_line_and_leaves_those_inside(app: App) {
    one_inside_and_two_in_line(&app).await;
    for cleared in [2, 0] {
        let done = app.act("c", "clear").await;
        assert_eq!(*done.data(200), json!({"cleared": cleared}));
    }
    assert_eq!(app.stands("c", "a").await, "NOT_IN_QUEUE");
    assert_eq!(app.stands("c", "in").await, "ENTERED");
    let line = app.stage.snapshot("c").await;
    assert_eq!((line.totals.cleared, line.counts.waiting), (2, 0));
    app.stage.enter("c", "b").await;
    let again = app.look_up("c", "b").await;
    assert_eq!(
        again.data(200)["queueNumber"],
        1,
        "members can line up again"
    );
}

async fn a_concert_is_deleted_once_it_is_closed_and_nobody_is_inside(app: App) {
    let path = "/v2/admin/concerts/c";
    one_inside_and_two_in_line(&app).await;
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    for _ in 0..2 {
        let closed = app.act("c", "close").await;
        let closed = closed.data(200);
        assert_eq!(
            (&closed["closed"], &closed["version"]),
            (&json!(true), &json!(2))
        );
    }
    let line = app.stage.snapshot("c").await;
    assert_eq!(
        (line.totals.cleared, line.counts.waiting),
        (2, 0),
        "the line is emptied"
    );
    for refused in [
        app.act("c", "pause").await,
        app.patch("c", 2, &json!({"groupSize": 1})).await,
        app.open("c", 1).await,
    ] {
        refused.fails("BOOKING_CLOSED");
    }
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    assert_eq!(
        app.stands("c", "in").await,
        "ENTERED",
        "those inside may finish"
    );
    app.stage.leave("c", "in", Leaving::ByChoice).await;
    app.delete(path, &admin()).await.fails("CONCERT_IN_USE");
    eventually(SOON, "the concert is deleted", async || {
        app.delete(path, &admin()).await.status == 200
    })
    .await;
    app.delete(path, &admin()).await.fails("CONCERT_NOT_FOUND");
    app.get(path, &admin()).await.fails("CONCERT_NOT_FOUND");
    app.look_up("c", "a").await.fails("CONCERT_NOT_FOUND");
    let listed = app.get("/v2/admin/concerts", &admin()).await;
    assert_eq!(listed.data(200)["concerts"], json!([]));
}

async fn a_recreated_concert_starts_empty(app: App) {
    app.create_by_hand("c").await;
    let number = app.stage.enter("c", "a").await;
    app.act("c", "close").await.data(200);
    app.delete("/v2/admin/concerts/c", &admin()).await.data(200);
    let again = app.create("c", json!({"title": "again"})).await;
    // A replica that still knows the old concert must not bring it back with its version.
    assert_eq!(
        (&again["version"], &again["closed"]),
        (&json!(4), &json!(false))
    );
    let line = app.stage.snapshot("c").await;
    assert_eq!((line.totals.joined, line.concert.version), (0, 4));
    assert_eq!(app.stands("c", "a").await, "NOT_IN_QUEUE");
    assert!(app.stage.enter("c", "a").await > number);
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
