//! Caching and languages of answers.

use axum::http::header;
use serde_json::{Value, json};

use crate::support::{App, http_settings};

#[tokio::test]
async fn answers_are_not_cacheable_unless_their_route_says_so() {
    let app = App::default().await;
    for path in [
        "/ok",
        "/whoami",
        "/gone",
        "/boom",
        "/store-down",
        "/nothing",
        "/health",
        "/live",
    ] {
        let answer = app.get(path).send().await.unwrap();
        assert_eq!(
            answer.headers()[header::CACHE_CONTROL],
            "no-store",
            "{path}"
        );
    }
    let made = app
        .post("/echo")
        .json(&json!({"text": "a"}))
        .send()
        .await
        .unwrap();
    assert_eq!(made.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_cacheable_answer_is_cached_separately_for_each_language() {
    let app = App::default().await;
    let answer = app.get("/cacheable").send().await.unwrap();
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=1");
    assert_eq!(answer.headers()[header::VARY], "accept-language");
}

/// Returns the message of the answer to this `Accept-Language`.
async fn message(app: &App, language: Option<&str>) -> Value {
    let mut request = app.get("/cacheable");
    if let Some(language) = language {
        request = request.header(header::ACCEPT_LANGUAGE, language);
    }
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    body["message"].clone()
}

#[tokio::test]
async fn other_languages_get_english_and_the_default_is_a_setting() {
    let (korean, english) = ("돌려드립니다.", "Here it is.");
    let by_default = App::default().await;
    let turned = http_settings(&[("SUNBEON__HTTP__DEFAULT_LANGUAGE", "en")]);
    let turned = App::start(turned).await;
    for (app, default) in [(&by_default, korean), (&turned, english)] {
        for language in [None, Some(""), Some("*"), Some("en;q=oops")] {
            assert_eq!(message(app, language).await, default, "{language:?}");
        }
        for language in ["fr", "ja-JP,ja;q=0.9", "en", "en-US,en;q=0.9,ko;q=0.8"] {
            assert_eq!(message(app, Some(language)).await, english, "{language}");
        }
        for language in ["ko", "ko-KR,ko;q=0.9,en;q=0.8"] {
            assert_eq!(message(app, Some(language)).await, korean, "{language}");
        }
    }
}
