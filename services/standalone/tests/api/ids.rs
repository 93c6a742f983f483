//! Hostile ids, numbers, headers and paths.

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{
    access::{admin, member},
    send,
};

use crate::app::App;

/// Encoded ids that are not concert ids once decoded.
const BAD_IDS: [&str; 21] = [
    "%7Bc%7D",
    "%00",
    "c%00",
    "c%0A",
    "%0D%0Ac",
    "a%2Fb",
    "%2e%2e%2fadmin",
    "a%20b",
    "a+b",
    "%EC%BD%98",
    "%FF",
    "%C0%AF",
    "c%ED%A0%80",
    "c:123",
    "*",
    "c;drop",
    "c'--",
    "c%",
    "%zz",
    "a.b",
    "%F0%9F%8E%AB",
];

/// Every route with a concert id in its path.
pub(crate) fn routes_of(id: &str) -> Vec<(Method, String, String)> {
    let fan = member("b");
    let mut routes = vec![
        (
            Method::GET,
            format!("/v2/waiting-room/snapshot/{id}"),
            String::new(),
        ),
        (
            Method::GET,
            format!("/v2/waiting-room/status/{id}"),
            fan.clone(),
        ),
        (
            Method::POST,
            format!("/v2/waiting-room/exit/{id}"),
            fan.clone(),
        ),
        (Method::GET, format!("/v2/reservation/token/{id}"), fan),
    ];
    let of = |tail: &str| format!("/v2/admin/concerts/{id}{tail}");
    for (method, path) in [
        (Method::GET, format!("/v2/waiting-room/admin/{id}")),
        (Method::POST, format!("/v2/reservation/open/{id}")),
        (Method::GET, of("")),
        (Method::DELETE, of("")),
        (Method::POST, of("/pause")),
        (Method::POST, of("/resume")),
        (Method::POST, of("/close")),
        (Method::POST, of("/clear")),
        (Method::GET, of("/members/a")),
        (Method::DELETE, of("/members/a")),
    ] {
        routes.push((method, path, admin()));
    }
    routes
}

#[tokio::test]
async fn an_id_outside_its_alphabet_is_refused_everywhere() {
    let app = App::embedded().await;
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
    let before = app.line("c").await;
    let long = "x".repeat(65);
    for id in BAD_IDS.into_iter().chain([long.as_str()]) {
        for (method, path, token) in routes_of(id) {
            let refused = send(app.request(method.clone(), &path, &token)).await;
            assert_eq!(
                refused.body["code"], "INVALID_CONCERT_ID",
                "{method} {path}"
            );
        }
    }
    for id in [
        "",
        "a b",
        "{c}",
        "c\0",
        "c\n",
        "콘서트",
        "a/b",
        "x:y",
        long.as_str(),
    ] {
        let body = json!({"concertId": id});
        let refused = app
            .post_json("/v2/waiting-room/enter", &member("b"), &body)
            .await;
        assert_eq!(refused.body["code"], "INVALID_CONCERT_ID", "{id:?}");
    }
    assert_eq!(app.line("c").await, before);
    let longest = "x".repeat(64);
    app.create(&longest, json!({})).await;
    app.enter(&longest, "a").await.data(201);
}

#[tokio::test]
async fn unknown_routes_are_404_and_other_methods_405() {
    let app = App::embedded().await;
    app.create_by_hand("c").await;
    for path in [
        "/shop",
        "/v2",
        "/v2/",
        "/v1/waiting-room/enter",
        "/v2/waiting-room",
        "/v2/waiting-room/",
        "/v2/waiting-room/status",
        "/v2/waiting-room/status/",
        "/v2/waiting-room/status/c/",
        "/v2/waiting-room/status/c/d",
        "/v2//waiting-room/status/c",
        "/V2/waiting-room/status/c",
        "/v2/waiting-room/%2e%2e/admin",
        "/v2/admin",
        "/v2/admin/",
        "/v2/admin/concerts/",
        "/v2/admin/concerts/c/explode",
        "/v2/admin/concerts/c/members",
        "/dev",
        "/dev/tokens",
        "/.well-known/",
        "/.env",
        "/docs/../etc/passwd",
        "/metrics/",
        "/%00",
        "/%FF",
    ] {
        for token in [String::new(), admin()] {
            app.get(path, &token).await.fails("NOT_FOUND");
        }
    }
    for (method, path) in [
        (Method::GET, "/v2/waiting-room/enter"),
        (Method::PUT, "/v2/waiting-room/enter"),
        (Method::POST, "/v2/waiting-room/status/c"),
        (Method::GET, "/v2/waiting-room/exit/c"),
        (Method::DELETE, "/v2/waiting-room/snapshot/c"),
        (Method::GET, "/v2/reservation/open/c"),
        (Method::POST, "/v2/reservation/token/c"),
        (Method::GET, "/v2/reservation/complete/c"),
        (Method::PUT, "/v2/admin/concerts/c"),
        (Method::DELETE, "/v2/admin/concerts"),
        (Method::GET, "/v2/admin/concerts/c/clear"),
        (Method::POST, "/v2/admin/audit"),
        (Method::POST, "/.well-known/jwks.json"),
        (Method::TRACE, "/v2/waiting-room/enter"),
    ] {
        let refused = send(app.request(method.clone(), path, &admin())).await;
        assert_eq!(
            refused.body["code"], "METHOD_NOT_ALLOWED",
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn an_unknown_concert_is_reported_as_not_found() {
    let app = App::embedded().await;
    for (method, path, token) in routes_of("nowhere") {
        let refused = send(app.request(method.clone(), &path, &token)).await;
        assert_eq!(refused.body["code"], "CONCERT_NOT_FOUND", "{method} {path}");
    }
    app.enter("nowhere", "a").await.fails("CONCERT_NOT_FOUND");
    app.patch("nowhere", 1, &json!({}))
        .await
        .fails("CONCERT_NOT_FOUND");
    let lines = app.get("/v2/waiting-room/admin", &admin()).await;
    assert!(!lines.text.contains("nowhere"), "asking creates none");
}
