//! What members see of their standing.

use serde_json::{Value, json};
use sunbeon_domain::UnixMs;
use sunbeon_test_support::access::in_seconds;

use crate::app::App;

sunbeon_test_support::on_both!(
    a_standing_has_exactly_its_fields,
    before_the_line_opens_it_says_when,
);

fn keys(value: &Value) -> Vec<&str> {
    let keys = value.as_object().expect("an object").keys();
    keys.map(String::as_str).collect()
}

async fn a_standing_has_exactly_its_fields(app: App) {
    let start = UnixMs(in_seconds(3600) * 1000);
    app.stage
        .create(
            "c",
            json!({"bookingStartAt": start, "timeZone": "Europe/Paris"}),
        )
        .await;
    let waiting = app.api.enter("c", "a").await.data(201).clone();
    let fields = [
        "canEnter",
        "concertId",
        "concertTitle",
        "entryNumber",
        "estimatedEnterAt",
        "estimatedEnterTime",
        "estimatedWaitSeconds",
        "estimatedWaitTime",
        "longWait",
        "pass",
        "pollAfterMs",
        "queueNumber",
        "status",
        "taken",
        "totalWaitingCount",
    ];
    assert_eq!(keys(&waiting), fields);
    assert_eq!(keys(&app.api.standing("c", "a").await), fields);
    assert_eq!(waiting["status"], "WAITING");
    assert_eq!(
        waiting["estimatedWaitTime"], 61,
        "an hour and one interval, rounded up"
    );
    assert_eq!(waiting["longWait"], false);
    assert_eq!(waiting["pollAfterMs"], 1000);

    app.stage
        .change("c", json!({"notice": "곧 시작합니다"}))
        .await;
    app.stage.call("c", "a").await;
    let ready = app.api.standing("c", "a").await;
    let called = [
        "canEnter",
        "concertId",
        "concertTitle",
        "entryNumber",
        "expiresAt",
        "notice",
        "status",
    ];
    assert_eq!(keys(&ready), called);
    assert_eq!(
        (&ready["canEnter"], &ready["notice"]),
        (&json!(true), &json!("곧 시작합니다"))
    );
    app.stage.claim("c", "a").await;
    let entered = app.api.standing("c", "a").await;
    assert_eq!(keys(&entered), called);
    assert_eq!(
        (&entered["status"], &entered["canEnter"]),
        (&json!("ENTERED"), &json!(true))
    );

    app.stage.change("c", json!({"notice": null})).await;
    let nothing = json!({"concertId": "c", "concertTitle": "c", "status": "NOT_IN_QUEUE",
        "canEnter": false});
    assert_eq!(app.api.standing("c", "b").await, nothing);
    app.stage.close("c").await;
    let closed = json!({"concertId": "c", "concertTitle": "c", "status": "BOOKING_CLOSED",
        "canEnter": false});
    assert_eq!(app.api.standing("c", "b").await, closed);
    assert_eq!(
        app.api.standing("c", "a").await["status"],
        "ENTERED",
        "a session lasts to its end"
    );
    app.api.enter("c", "b").await.fails("BOOKING_CLOSED");
}

async fn before_the_line_opens_it_says_when(app: App) {
    let at = |seconds| UnixMs(in_seconds(seconds) * 1000);
    app.stage
        .create(
            "c",
            json!({"bookingStartAt": at(36_000), "joinStartHours": 2}),
        )
        .await;
    let refused = app.api.enter("c", "a").await;
    let opens_at = refused.fails("NOT_OPEN_YET")["opensAt"].as_str().unwrap();
    assert!(
        opens_at.ends_with(".000Z"),
        "RFC 3339, UTC, milliseconds: {opens_at}"
    );
    assert_eq!(app.api.line("c").await["totals"]["joined"], 0);
    app.stage.change("c", json!({"joinStartHours": 11})).await;
    app.api.enter("c", "a").await.data(201);
    app.stage.change("c", json!({"maxQueueSize": 1})).await;
    app.api.enter("c", "b").await.fails("QUEUE_FULL");
    let over = json!({"bookingStartAt": null, "bookingEndAt": at(-1)});
    app.stage.change("c", over).await;
    app.api.enter("c", "b").await.fails("BOOKING_CLOSED");
}
