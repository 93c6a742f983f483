//! Creating, changing and listing concerts.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::{access::admin, send};

use crate::app::{App, CONCERTS};

sunbeon_test_support::on_both!(
    a_concert_is_created_with_the_defaults_and_is_in_force_at_once,
    a_concert_id_is_unique,
    a_change_needs_the_version_that_was_read,
    a_change_is_in_force_when_its_answer_is_sent,
    exactly_one_of_several_simultaneous_changes_wins,
);

async fn a_concert_is_created_with_the_defaults_and_is_in_force_at_once(app: App) {
    let given = json!({"concertId": "c", "title": "콘서트 제목"});
    let created = app.post_json(CONCERTS, &admin(), &given).await;
    let whole = json!({
        "concertId": "c", "version": 1, "closed": false, "title": "콘서트 제목",
        "timeZone": "Asia/Seoul", "mode": "queue", "joinStartHours": 4,
        "entryIntervalSeconds": 30, "groupSize": 10, "maxWaitTimeMinutes": 120,
        "refuseLongWait": false, "holdDurationMinutes": 10, "waitingTtlSeconds": 300,
        "readyTtlSeconds": 300, "sessionMinutes": 10, "keepPlaceMinutes": 30, "autoOpen": true,
        "paused": false, "stopWhenSoldOut": true, "identity": "member"
    });
    assert_eq!(*created.data(201), whole);
    assert_eq!(created.header("etag"), "\"1\"");
    app.stage.enter("c", "a").await;
    let read = app.get("/v2/admin/concerts/c", &admin()).await;
    assert_eq!(*read.data(200), whole);
    assert_eq!(read.header("etag"), "\"1\"");
}

async fn a_concert_id_is_unique(app: App) {
    let given = json!({"concertId": "c", "title": "one"});
    let operator = admin();
    let answers = join_all((0..8).map(|_| app.post_json(CONCERTS, &operator, &given))).await;
    let (new, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((new.len(), refused.len()), (1, 7));
    for answer in refused {
        answer.fails("CONCERT_EXISTS");
    }
    let other = json!({"concertId": "c", "title": "another"});
    app.post_json(CONCERTS, &admin(), &other)
        .await
        .fails("CONCERT_EXISTS");
    let seen = app.look_up("c", "a").await;
    assert_eq!(seen.data(200)["concertTitle"], "one");
}

async fn a_change_needs_the_version_that_was_read(app: App) {
    app.create("c", json!({})).await;
    let change = |given: &[&str]| {
        let request = app.request(Method::PATCH, "/v2/admin/concerts/c", &admin());
        let request = request.json(&json!({"groupSize": 3}));
        let given = given.iter();
        send(given.fold(request, |request, etag| request.header("If-Match", *etag)))
    };
    change(&[]).await.fails("VERSION_REQUIRED");
    let stale = [
        "\"2\"",
        "\"0\"",
        "W/\"2\"",
        "\"01\"",
        "\"x\"",
        "\"0\", \"2\"",
    ];
    for stale in stale {
        change(&[stale]).await.fails("VERSION_MISMATCH");
    }
    change(&["\"0\"", "\"2\""]).await.fails("VERSION_MISMATCH");
    for malformed in ["", "1", "\"1"] {
        change(&[malformed]).await.fails("INVALID_IF_MATCH");
    }
    let read = app.get("/v2/admin/concerts/c", &admin()).await;
    assert_eq!(
        (&read.data(200)["version"], &read.data(200)["groupSize"]),
        (&json!(1), &json!(10))
    );
    let changed = change(&[read.header("etag")]).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.data(200)["groupSize"], 3);
    change(&["\"1\""]).await.fails("VERSION_MISMATCH");
    // The tag as a compressing gateway rewrites it, a list, and any version.
    for (size, given) in [(4, "W/\"2\""), (5, "\"1\", \"3\""), (6, "*")] {
        let request = app.request(Method::PATCH, "/v2/admin/concerts/c", &admin());
        let request = request
            .json(&json!({"groupSize": size}))
            .header("If-Match", given);
        assert_eq!(send(request).await.data(200)["groupSize"], size, "{given}");
    }
}

async fn a_change_is_in_force_when_its_answer_is_sent(app: App) {
    app.create_by_hand("c").await;
    for n in 1..=10_u64 {
        let title = format!("title {n}");
        let changed = app.patch("c", n, &json!({"title": title})).await;
        assert_eq!(changed.data(200)["version"], n + 1);
        let seen = app.look_up("c", "a").await;
        assert_eq!(seen.data(200)["concertTitle"], title.as_str());
    }
    let straight_in = json!({"mode": "threshold", "maxActive": 1});
    app.patch("c", 11, &straight_in).await.data(200);
    for (who, stands) in [("a", "READY"), ("b", "WAITING")] {
        app.stage.enter("c", who).await;
        assert_eq!(app.stands("c", who).await, stands);
    }
    app.patch("c", 12, &json!({"maxActive": null, "mode": "off"}))
        .await
        .data(200);
    app.stage.enter("c", "c").await;
    assert_eq!(app.stands("c", "c").await, "READY");
    assert_eq!(
        app.stage.snapshot("c").await.concert.policy.max_active,
        None
    );
}

async fn exactly_one_of_several_simultaneous_changes_wins(app: App) {
    app.create("c", json!({})).await;
    let sizes: Vec<Value> = (1..=10).map(|n| json!({"groupSize": n + 100})).collect();
    let answers = join_all(sizes.iter().map(|fields| app.patch("c", 1, fields))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 9));
    for answer in lost {
        answer.fails("VERSION_MISMATCH");
    }
    let read = app.get("/v2/admin/concerts/c", &admin()).await;
    assert_eq!(read.data(200), won[0].data(200));
    assert_eq!(read.data(200)["version"], 2);
}
