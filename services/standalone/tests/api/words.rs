//! Messages for people, and the common headers of every answer.

use reqwest::Method;
use serde_json::json;
use sunbeon_test_support::{
    Answer,
    access::{admin, member},
    documented_failures, send,
};

use crate::app::App;

async fn asked(app: &App, method: Method, path: &str, token: &str, language: &str) -> Answer {
    let mut request = app.request(method, path, token);
    if !language.is_empty() {
        request = request.header("Accept-Language", language);
    }
    if path.ends_with("/enter") {
        request = request.json(&json!({"concertId": "c"}));
    }
    send(request).await
}

#[tokio::test]
async fn messages_are_korean_by_default_and_english_for_other_languages() {
    let app = App::embedded().await;
    app.create_by_hand("c").await;
    let fan = member("a");
    let done = [
        (
            Method::POST,
            "/v2/waiting-room/enter",
            "대기열 입장 성공",
            "You are in line.",
        ),
        (
            Method::POST,
            "/v2/waiting-room/exit/c",
            "대기열 나가기 성공",
            "You have left the line.",
        ),
        (
            Method::GET,
            "/v2/waiting-room/status/c",
            "대기열 상태 조회 성공",
            "Here is your status.",
        ),
    ];
    for (method, path, korean, english) in done {
        for (language, message) in [
            ("", korean),
            ("ko-KR,ko;q=0.9,en;q=0.8", korean),
            ("fr", english),
            ("*", korean),
            ("en;q=oops", korean),
            ("en", english),
            ("en-US,en;q=0.9,ko;q=0.8", english),
            ("ko;q=0.1, EN-gb;q=0.2", english),
        ] {
            if path.ends_with("/enter") {
                app.post("/v2/waiting-room/exit/c", &fan).await.data(200);
            }
            let answer = asked(&app, method.clone(), path, &fan, language).await;
            assert_eq!(answer.body["message"], message, "{path} {language}");
        }
    }
    app.enter("c", "a").await.data(201);
    let failures = [
        (
            Method::POST,
            "/v2/waiting-room/enter",
            fan.clone(),
            "ALREADY_IN_QUEUE",
        ),
        (
            Method::GET,
            "/v2/waiting-room/status/c",
            String::new(),
            "UNAUTHENTICATED",
        ),
        (Method::GET, "/v2/admin/concerts", fan.clone(), "FORBIDDEN"),
        (
            Method::GET,
            "/v2/reservation/token/c",
            fan.clone(),
            "NOT_READY",
        ),
        (
            Method::POST,
            "/v2/reservation/complete/c",
            fan.clone(),
            "QUEUE_TOKEN_REQUIRED",
        ),
        (
            Method::GET,
            "/v2/waiting-room/status/x",
            fan.clone(),
            "CONCERT_NOT_FOUND",
        ),
        (
            Method::GET,
            "/v2/waiting-room/status/a.b",
            fan.clone(),
            "INVALID_CONCERT_ID",
        ),
        (Method::GET, "/nowhere", String::new(), "NOT_FOUND"),
        (Method::PUT, "/live", String::new(), "METHOD_NOT_ALLOWED"),
        (
            Method::POST,
            "/v2/reservation/open/c?batchSize=",
            admin(),
            "INVALID_BATCH_SIZE",
        ),
        (
            Method::POST,
            "/v2/admin/concerts",
            admin(),
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            Method::DELETE,
            "/v2/admin/concerts/c",
            admin(),
            "CONCERT_IN_USE",
        ),
    ];
    for (method, path, token, code) in failures {
        let row = documented_failures()
            .into_iter()
            .find(|row| row.code == code)
            .expect("a row");
        for (language, message) in [("", row.korean), ("en", row.english)] {
            let answer = asked(&app, method.clone(), path, &token, language).await;
            answer.fails(code);
            assert_eq!(answer.body["message"], message, "{path} {language}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_keeps_a_valid_one() {
    let app = App::embedded().await;
    for path in [
        "/live",
        "/ready",
        "/health",
        "/metrics",
        "/openapi.json",
        "/docs/",
        "/nowhere",
    ] {
        let answer = app.get(path, "").await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        let first = answer.header("x-request-id").to_owned();
        assert_ne!(app.get(path, "").await.header("x-request-id"), first);
    }
    for (given, kept) in [
        ("mine-1", true),
        (&"x".repeat(64), true),
        (&"x".repeat(65), false),
        ("a b", false),
        ("", false),
    ] {
        let request = app
            .request(Method::GET, "/live", "")
            .header("X-Request-Id", given);
        assert_eq!(
            send(request).await.header("x-request-id") == given,
            kept,
            "{given}"
        );
    }
}

#[tokio::test]
async fn other_origins_are_allowed_only_by_setting() {
    let ask = async |app: &App, method: Method| {
        let request = app.request(method, "/v2/waiting-room/enter", "");
        let request = request.header("Origin", "https://shop.example");
        let request = request.header("Access-Control-Request-Method", "POST");
        request.send().await.expect("an answer").headers().clone()
    };
    let app = App::embedded().await;
    for method in [Method::OPTIONS, Method::POST] {
        let headers = ask(&app, method).await;
        assert!(
            headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control"))
        );
    }
    let origins = (
        "SUNBEON__HTTP__CORS_ORIGINS",
        "https://shop.example".to_owned(),
    );
    let app = App::start(&["--fans", "0"], &[origins]).await;
    let headers = ask(&app, Method::OPTIONS).await;
    assert_eq!(
        headers["access-control-allow-origin"],
        "https://shop.example"
    );
}

#[tokio::test]
async fn the_api_page_loads_nothing_from_elsewhere() {
    let app = App::embedded().await;
    let page = app.get("/docs/", "").await;
    assert_eq!(page.status, 200);
    let mut loaded = 0;
    for piece in page
        .text
        .split(['<', '>'])
        .filter(|piece| !piece.starts_with('/'))
    {
        for attribute in ["src=\"", "href=\""] {
            let Some((_, rest)) = piece.split_once(attribute) else {
                continue;
            };
            let address = rest.split('"').next().unwrap_or_default();
            assert!(!address.contains("//"), "{address}");
            let address = address.trim_start_matches("./");
            let file = app.get(&format!("/docs/{address}"), "").await;
            assert_eq!(file.status, 200, "{address}");
            assert!(!file.text.contains("@import url(\"http"), "{address}");
            assert!(!file.text.contains("cdn."), "{address}");
            loaded += 1;
        }
    }
    assert!(loaded >= 3, "styles and scripts: {}", page.text);
    let start = app.get("/docs/page.js", "").await;
    assert!(start.text.contains("/openapi.json"), "{}", start.text);
    assert!(!start.text.contains("http"), "{}", start.text);
}
