//! Refused bodies and queries name what is wrong with them.

use axum::http::header;
use serde_json::{Value, json};

use crate::support::App;

/// Sends a body and returns the code and the data of the refusal.
async fn refused(app: &App, path: &str, body: &str) -> (Value, Value) {
    let request = app
        .post(path)
        .header(header::CONTENT_TYPE, "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), 400, "{body}");
    let body: Value = answer.json().await.unwrap();
    (body["code"].clone(), body["data"].clone())
}

#[tokio::test]
async fn a_refused_body_names_the_field() {
    let app = App::default().await;
    for (body, code, data) in [
        (
            r#"{"concertId":"a b","lines":[]}"#,
            "INVALID_CONCERT_ID",
            json!(null),
        ),
        (
            r#"{"concertId":7,"lines":[]}"#,
            "INVALID_CONCERT_ID",
            json!(null),
        ),
        (
            r#"{"concertId":null,"lines":[]}"#,
            "INVALID_CONCERT_ID",
            json!(null),
        ),
        (r#"{"lines":[]}"#, "INVALID_CONCERT_ID", json!(null)),
        (
            r#"{"concertId":"c"}"#,
            "INVALID_BODY",
            json!({"field": "lines"}),
        ),
        (
            r#"{"concertId":"c","lines":1}"#,
            "INVALID_BODY",
            json!({"field": "lines"}),
        ),
        (
            r#"{"concertId":"c","lines":[{"count":1},{"count":-1}]}"#,
            "INVALID_BODY",
            json!({"field": "lines[1].count"}),
        ),
        (
            r#"{"concertId":"c","lines":[{}]}"#,
            "INVALID_BODY",
            json!({"field": "lines[0].count"}),
        ),
        (
            r#"{"concertId":"c","lines":[{"count":1,"colour":2}]}"#,
            "INVALID_BODY",
            json!({"unknownField": "lines[0].colour"}),
        ),
        (
            r#"{"concertId":"c","lines":[],"colour":2}"#,
            "INVALID_BODY",
            json!({"unknownField": "colour"}),
        ),
        (
            r#"{"concertId":"c","lines":[],"Lines":[]}"#,
            "INVALID_BODY",
            json!({"unknownField": "Lines"}),
        ),
        (
            r#"{"concertId":"c","lines":[],"lines":[]}"#,
            "INVALID_BODY",
            json!({"field": "lines"}),
        ),
        (
            r#"{"concertId":"c","lines":[],"note":1}"#,
            "INVALID_BODY",
            json!({"field": "note"}),
        ),
    ] {
        let got = refused(&app, "/order", body).await;
        assert_eq!(got, (json!(code), data), "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_an_object_is_refused_without_naming_a_field() {
    let app = App::default().await;
    for body in [
        "",
        "{",
        "null",
        "[]",
        r#"["c",[]]"#,
        "7",
        r#"{"concertId":"c","lines":[]} {}"#,
    ] {
        let got = refused(&app, "/order", body).await;
        assert_eq!(got, (json!("INVALID_BODY"), json!(null)), "{body:.60}");
    }
}

#[tokio::test]
async fn an_unknown_query_field_is_refused_by_name() {
    let app = App::default().await;
    for (query, name) in [
        ("batchsize=5", "batchsize"),
        ("batchSize=5&page=2", "page"),
        ("=1", ""),
        ("batch%53ize=5&%62=1", "b"),
        ("%ff=1", "\u{fffd}"),
    ] {
        let answer = app.post(&format!("/batch?{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "INVALID_QUERY", "{query}");
        assert_eq!(body["data"], json!({"unknownField": name}), "{query}");
    }
    for query in ["", "?", "?&", "?batchSize=5", "?batch%53ize=5"] {
        let answer = app.post(&format!("/batch{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
    }
    let malformed: Value = app
        .post("/batch?batchSize=x")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(malformed["code"], "INVALID_BATCH_SIZE");
    let empty = app.post("/echo?text=hello").json(&json!({"text": "a"}));
    assert_eq!(empty.send().await.unwrap().status(), 400);
}
