//! The audit: every act is recorded before it is carried out.

use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_domain::MemberId;
use sunbeon_test_support::{
    RedisServer, TcpProxy, TestDatabase, TestVhost,
    access::{ADMIN_TOKEN, admin, member},
    send,
};

use crate::app::App;

on_both!(
    every_act_is_recorded_with_its_actor_and_request,
    the_audit_is_read_newest_first_and_page_by_page,
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
        ("change", Method::PATCH, of(""), json!({"groupSize": 3})),
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
    assert_eq!(detail("change"), json!({"groupSize": 3}));
    assert_eq!(detail("open"), json!({"batchSize": 7}));
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

async fn the_audit_is_read_newest_first_and_page_by_page(app: App) {
    app.create("c", json!({})).await;
    for n in 0..30 {
        let fields = json!({"groupSize": n + 1});
        app.patch("c", n + 1, &fields).await.data(200);
    }
    let mut seen = Vec::new();
    let mut query = "?concertId=c&limit=7".to_owned();
    loop {
        let page = app.get(&format!("/v2/admin/audit{query}"), &admin()).await;
        let page = page.data(200);
        let sizes = page["acts"].as_array().unwrap().iter();
        seen.extend(sizes.map(|row| row["detail"]["groupSize"].as_u64().unwrap_or_default()));
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("?concertId=c&limit=7&cursor={next}");
    }
    let expected: Vec<_> = (0..=30).rev().collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_act_that_cannot_be_recorded_is_not_carried_out() {
    let (redis, vhost, database) = tokio::join!(
        RedisServer::start(),
        TestVhost::create(),
        TestDatabase::postgres()
    );
    let (host, path) = {
        let url = database.url().strip_prefix("postgres://").unwrap();
        let authority = url.split('/').next().unwrap();
        (
            authority.rsplit('@').next().unwrap().to_owned(),
            database.url().to_owned(),
        )
    };
    let proxy = TcpProxy::start(host.clone()).await;
    let through = path.replace(&host, &proxy.address().to_string());
    let app = App::on_servers((redis, vhost, database), &through).await;
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.enter("c", who).await.data(201);
    }
    app.admit("c", "in").await;
    let (before, written) = (app.line("c").await, acts(&app, "?concertId=c").await);

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
    assert_eq!(app.line("c").await, before, "nothing was done");
    // The sale continues without the database.
    app.enter("c", "d").await.data(201);
    assert_eq!(app.standing("c", "d").await["queueNumber"], 3);
    app.get("/v2/reservation/token/c", &member("in"))
        .await
        .data(200);
    app.post("/v2/waiting-room/exit/c", &member("d"))
        .await
        .data(200);
    let health = app.get("/health", "").await;
    assert_eq!(
        (health.status, &health.body["dependencies"]["database"]),
        (503, &json!("down"))
    );

    proxy.refuse(false);
    app.is_up().await;
    assert_eq!(
        acts(&app, "?concertId=c").await,
        written,
        "no act came after"
    );
    app.open("c", 1).await.data(200);
}
