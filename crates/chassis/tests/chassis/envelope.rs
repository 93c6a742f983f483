//! Every failure has the same shape, in both languages.

use std::time::Duration;

use crate::support::{App, failure, http_settings};
use axum::http::header;
use serde_json::{Value, json};
use sunbeon_domain::{Code, Field};

#[tokio::test]
async fn a_success_has_message_data_and_status() {
    let app = App::default().await;
    for (language, message) in [("ko", "돌려드립니다."), ("en-GB, ko;q=0.5", "Here it is.")] {
        let request = app.post("/echo").header(header::ACCEPT_LANGUAGE, language);
        let response = request
            .json(&json!({ "text": "hello" }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 201);
        let body: Value = response.json().await.unwrap();
        let expected = json!({ "message": message, "data": { "text": "hello" }, "status": 201 });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn every_failure_has_the_same_shape_in_both_languages() {
    let app = App::default().await;
    let json = |body: &'static str| {
        app.post("/echo")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
    };
    let large = || "x".repeat(http_limit() + 1);
    for english in [false, true] {
        let cases = [
            (app.get("/nothing"), Code::NotFound),
            (app.get("/docs/nothing"), Code::NotFound),
            (app.get("/echo"), Code::MethodNotAllowed),
            (app.post("/live"), Code::MethodNotAllowed),
            (json("{"), Code::InvalidBody),
            (json("[]"), Code::InvalidBody),
            (json(""), Code::InvalidBody),
            (json("\"\u{fffd}\""), Code::InvalidBody),
            (json(r#"{"text":1}"#), Code::InvalidBody),
            (json(r#"{"text":"a","more":1}"#), Code::InvalidBody),
            (app.post("/echo").body("{}"), Code::UnsupportedMediaType),
            (
                app.post("/echo")
                    .header(header::CONTENT_TYPE, "text/plain")
                    .body("{}"),
                Code::UnsupportedMediaType,
            ),
            (app.post("/echo").body(large()), Code::BodyTooLarge),
            (app.post("/nothing").body(large()), Code::BodyTooLarge),
            (app.get("/whoami"), Code::Unauthenticated),
            (app.get("/concerts/a%20b"), Code::Invalid(Field::ConcertId)),
            (app.get("/gone"), Code::ConcertNotFound),
            (app.get("/boom"), Code::Internal),
            (app.get("/store-down"), Code::StoreDown),
            (app.get("/too-fast"), Code::TooManyRequests),
        ];
        for (request, code) in cases {
            let language = if english { "en" } else { "ko" };
            let response = request
                .header(header::ACCEPT_LANGUAGE, language)
                .send()
                .await
                .unwrap();
            failure(response, code, english).await;
        }
    }
}

fn http_limit() -> usize {
    sunbeon_chassis::http::BODY_LIMIT
}

#[tokio::test]
async fn a_failure_carries_the_headers_of_its_status() {
    let app = App::default().await;
    let headers = async |path: &str| app.get(path).send().await.unwrap().headers().clone();
    assert_eq!(headers("/echo").await[header::ALLOW], "POST");
    assert_eq!(headers("/whoami").await[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(headers("/store-down").await[header::RETRY_AFTER], "2");
    assert_eq!(headers("/too-fast").await[header::RETRY_AFTER], "7");
}

#[tokio::test]
async fn data_is_left_out_when_absent_and_a_5xx_carries_only_its_code() {
    let app = App::default().await;
    let body = failure(
        app.get("/too-fast").send().await.unwrap(),
        Code::TooManyRequests,
        false,
    )
    .await;
    assert_eq!(body["data"], json!(["why"]));
    let body = failure(
        app.get("/store-down").send().await.unwrap(),
        Code::StoreDown,
        false,
    )
    .await;
    assert_eq!(body.get("data"), None);
    assert!(!body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_one_byte_more_is_refused() {
    let app = App::default().await;
    let frame = r#"{"text":""}"#.len();
    let exact = json!({ "text": "x".repeat(http_limit() - frame) }).to_string();
    for (body, status) in [(exact.clone(), 201), (exact + " ", 413)] {
        let request = app
            .post("/echo")
            .header(header::CONTENT_TYPE, "application/json");
        assert_eq!(request.body(body).send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn an_oversized_body_is_drained_and_the_connection_stays_usable() {
    let app = App::default().await;
    let (large, head) = ("x".repeat(3_000_000), "POST /echo HTTP/1.1\r\nHost: a\r\n");
    let second = "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let sized = format!(
        "{head}Content-Length: {}\r\n\r\n{large}{second}",
        large.len()
    );
    let length = large.len();
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{large}\r\n0\r\n\r\n{second}"
    );
    for request in [sized, chunked] {
        let answers = app.raw(request.as_bytes()).await;
        assert!(answers.starts_with("HTTP/1.1 413"), "{answers}");
        assert!(
            answers.contains("HTTP/1.1 200 OK") && answers.ends_with("ok"),
            "{answers}"
        );
    }
}

#[tokio::test]
async fn an_enormous_body_closes_the_connection() {
    let app = App::default().await;
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n";
    let answer = app.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_never_arrives_times_out() {
    let app = App::start(http_settings(&[(
        "SUNBEON__HTTP__REQUEST_TIMEOUT_SECONDS",
        "1",
    )]))
    .await;
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{";
    let answer = app.raw(head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("INVALID_BODY"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_slow_handler_times_out() {
    let mut settings = http_settings(&[]);
    settings.request_timeout_seconds = 0;
    let app = App::start(settings).await;
    let answer = tokio::time::timeout(Duration::from_secs(5), app.get("/slow").send()).await;
    failure(answer.unwrap().unwrap(), Code::Internal, false).await;
}

#[tokio::test]
async fn malformed_path_ids_are_refused_in_every_disguise() {
    let app = App::default().await;
    let good = app
        .get("/concerts/A_b-9/members/a%7Bb%7D:c")
        .send()
        .await
        .unwrap();
    assert_eq!(good.text().await.unwrap(), "A_b-9/a{b}:c");
    for bad in [
        "%00",
        "a%0A",
        "a%7Bb%7D",
        "%ff",
        "%2F",
        "a%2Fb",
        "%ED%95%9C",
        &"x".repeat(65),
    ] {
        let get = |path: String| {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let app = &app;
            async move { app.raw(request.as_bytes()).await }
        };
        let answer = get(format!("/concerts/{bad}")).await;
        assert!(answer.contains("INVALID_CONCERT_ID"), "{bad}: {answer}");
        let answer = get(format!("/concerts/{bad}/members/42")).await;
        assert!(answer.contains("INVALID_CONCERT_ID"), "{bad}: {answer}");
    }
    for bad in ["%00", "a%0A", "%ff", "a%20b", "%ED%95%9C", &"x".repeat(256)] {
        let path = format!("/concerts/demo/members/{bad}");
        let response = app.get(&path).send().await.unwrap();
        failure(response, Code::Invalid(Field::MemberId), false).await;
    }
}

#[tokio::test]
async fn a_query_field_is_absent_valid_or_refused() {
    let app = App::default().await;
    let post = async |query: &str| app.post(&format!("/batch{query}")).send().await.unwrap();
    for (query, data) in [
        ("", Value::Null),
        ("?", Value::Null),
        ("?batchSize=10", json!(10)),
        ("?batchSize=1%30", json!(10)),
        ("?%62atchSize=10000", json!(10_000)),
    ] {
        let body: Value = post(query).await.json().await.unwrap();
        assert_eq!(body["data"], data, "{query}");
    }
    for query in [
        "",
        "=",
        "=0",
        "=10001",
        "=-1",
        "=1.5",
        "=%ff",
        "=+1",
        "=1&batchSize=1",
        "=99999999999",
    ] {
        let response = post(&format!("?batchSize{query}")).await;
        failure(response, Code::Invalid(Field::BatchSize), false).await;
    }
}
