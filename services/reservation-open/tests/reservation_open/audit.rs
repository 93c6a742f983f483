//! The audit: every act is recorded before it is carried out.

use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_domain::MemberId;
use sunbeon_test_support::{
    TcpProxy, TestDatabase,
    access::{ADMIN_TOKEN, admin},
    eventually, send,
};

use crate::app::App;

sunbeon_test_support::on_both!(
    every_act_is_recorded_with_its_actor_and_request,
    the_audit_says_how_many_an_act_concerned,
);

async fn acts(app: &App, query: &str) -> Vec<Value> {
    let page = app.get(&format!("/v2/admin/audit{query}"), &admin()).await;
    page.data(200)["acts"].as_array().unwrap().clone()
}

async fn every_act_is_recorded_with_its_actor_and_request(app: App) {
    let of = |tail: &str| format!("/v2/admin/concerts/c{tail}");
    let policy = json!({"concertId": "c", "title": "c", "autoOpen": false});
    let done = [
        (
            "create",
            Method::POST,
            "/v2/admin/concerts".to_owned(),
            policy,
        ),
        (
            "change",
            Method::PATCH,
            of(""),
            json!({"groupSize": 3, "notice": "A."}),
        ),
        ("pause", Method::POST, of("/pause"), json!(null)),
        ("resume", Method::POST, of("/resume"), json!(null)),
        (
            "open",
            Method::POST,
            "/v2/reservation/open/c?batchSize=7".to_owned(),
            json!(null),
        ),
        ("remove", Method::DELETE, of("/members/fan-9"), json!(null)),
        ("clear", Method::POST, of("/clear"), json!(null)),
        ("close", Method::POST, of("/close"), json!(null)),
        ("delete", Method::DELETE, of(""), json!(null)),
    ];
    for (act, method, path, body) in &done {
        let mut request = app.request(method.clone(), path, &admin());
        request = request.header("X-Request-Id", format!("request-of-{act}"));
        if *act == "change" {
            request = request.header("If-Match", "\"1\"");
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = send(request).await;
        assert!(answer.status < 300, "{act}: {}", answer.text);
        assert_eq!(answer.header("x-request-id"), format!("request-of-{act}"));
    }
    let written = acts(&app, "?concertId=c").await;
    let names: Vec<_> = written
        .iter()
        .rev()
        .map(|row| row["act"].as_str().unwrap())
        .collect();
    assert_eq!(names, done.iter().map(|act| act.0).collect::<Vec<_>>());
    for row in &written {
        let act = row["act"].as_str().unwrap();
        assert_eq!(row["actor"], "operator");
        assert_eq!(row["requestId"], format!("request-of-{act}"));
        assert_eq!(row["concertId"], "c");
        assert!(row["at"].as_str().unwrap().ends_with('Z'), "{row}");
    }
    let detail = |act: &str| {
        written
            .iter()
            .find(|row| row["act"] == act)
            .map(|row| row["detail"].clone())
            .unwrap()
    };
    let change =
        json!({"groupSize": 3, "notice": "A.", "before": {"groupSize": 10, "notice": null}});
    assert_eq!(detail("change"), change);
    assert_eq!(detail("open"), json!({"batchSize": 7, "admitted": 0}));
    assert_eq!(detail("clear"), json!({"cleared": 0}));
    assert_eq!(detail("remove"), json!({"memberId": "fan-9"}));

    let by_script = json!({"concertId": "d", "title": "d"});
    app.post_json("/v2/admin/concerts", ADMIN_TOKEN, &by_script)
        .await
        .data(201);
    let row = acts(&app, "?concertId=d").await[0].clone();
    assert_eq!(row["actor"], "admin token");
    // A login may use any visible characters, but no spaces.
    assert!(MemberId::parse("admin token").is_err());
    assert!(!row["requestId"].as_str().unwrap().is_empty());
    assert!(!row.to_string().contains(ADMIN_TOKEN));
}

async fn the_audit_says_how_many_an_act_concerned(app: App) {
    app.create_by_hand("c").await;
    for who in ["a", "b", "c", "d", "e"] {
        app.stage.enter("c", who).await;
    }
    for _ in 0..2 {
        app.open_once("c", 2, "one-batch").await.data(200);
    }
    let clear = "/v2/admin/concerts/c/clear";
    let cleared = send(app.request(Method::POST, clear, &admin())).await;
    // Those who were taken and not yet called lose their place, too.
    assert_eq!(cleared.data(200)["cleared"], 5);
    app.open("c", 9).await.data(200);
    let rows = acts(&app, "?concertId=c&limit=4").await;
    let details: Vec<_> = rows.iter().map(|row| row["detail"].clone()).collect();
    let expected = [
        json!({"batchSize": 9, "admitted": 0}),
        json!({"cleared": 5}),
        // The repeat took nobody else.
        json!({"batchSize": 2, "admitted": 0}),
        json!({"batchSize": 2, "admitted": 2}),
    ];
    assert_eq!(details, expected);
}

#[tokio::test]
async fn an_act_that_cannot_be_recorded_is_not_carried_out() {
    let database = TestDatabase::postgres().await;
    let (proxy, url) = TcpProxy::before(database.url()).await;
    let app = App::on(&url).await;
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.stage.enter("c", who).await;
    }
    app.stage.call("c", "in").await;
    app.stage.claim("c", "in").await;
    let counted = async || {
        let line = app.stage.snapshot("c").await;
        (line.counts, line.totals, line.concert)
    };
    let (before, written) = (counted().await, acts(&app, "?concertId=c").await);

    proxy.refuse(true);
    proxy.cut();
    let of = |tail: &str| format!("/v2/admin/concerts/c{tail}");
    let requests = [
        (Method::POST, "/v2/reservation/open/c".to_owned()),
        (Method::POST, of("/clear")),
        (Method::POST, of("/close")),
        (Method::POST, of("/pause")),
        (Method::DELETE, of("/members/a")),
        (Method::DELETE, of("/members/in")),
        (Method::DELETE, of("")),
        (Method::GET, of("")),
        (Method::GET, "/v2/admin/audit".to_owned()),
    ];
    for (method, path) in requests {
        let refused = send(app.request(method, &path, &admin())).await;
        refused.fails("DATABASE_DOWN");
    }
    app.patch("c", 1, &json!({"paused": true}))
        .await
        .fails("DATABASE_DOWN");
    assert_eq!(counted().await, before, "nothing was done");

    proxy.refuse(false);
    let up = async || app.registry.clone().is_up().await;
    eventually(
        std::time::Duration::from_secs(60),
        "the database is back",
        up,
    )
    .await;
    assert_eq!(
        acts(&app, "?concertId=c").await,
        written,
        "no act was recorded later"
    );
    app.open("c", 1).await.data(200);
}
