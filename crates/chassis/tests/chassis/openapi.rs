//! The parts of an OpenAPI document that are derived from routes.

use axum::http::header;
use serde_json::{Value, json};

use crate::support::App;

async fn document(app: &App) -> Value {
    app.get("/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_api_page_loads_nothing_external_and_runs_nothing_inline() {
    let app = App::default().await;
    let page = app.get("/docs/").send().await.unwrap();
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.text().await.unwrap();
    for inline in [
        "<script>", "<style", "style=", "onload=", "http://", "https://",
    ] {
        assert!(!text.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn the_api_page_fits_a_phone_and_every_file_that_it_names_is_served() {
    let app = App::default().await;
    let page = app.get("/docs/").send().await.unwrap();
    let text = page.text().await.unwrap();
    assert!(text.contains("width=device-width"), "{text}");
    assert!(text.contains("<title>Sunbeon API</title>"), "{text}");
    let files = text.split(['"']).filter(|part| {
        [".css", ".js", ".png"]
            .iter()
            .any(|end| part.ends_with(end))
    });
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let served = app.get(&format!("/docs/{file}")).send().await.unwrap();
        assert_eq!(served.status(), 200, "{file}");
        assert!(
            served
                .headers()
                .contains_key(header::CONTENT_SECURITY_POLICY),
            "{file}"
        );
    }
    let other = app.get("/docs/index.html").send().await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test]
async fn a_route_documents_the_failures_of_its_extractors() {
    let app = App::default().await;
    let document = document(&app).await;
    let words = |path: &str, method: &str, status: &str| {
        let response = &document["paths"][path][method]["responses"][status];
        let schema = &response["content"]["application/json"]["schema"]["allOf"][1];
        schema["properties"]["code"]["enum"].clone()
    };
    assert_eq!(
        words("/batch", "post", "400"),
        json!(["INVALID_QUERY", "INVALID_BATCH_SIZE"])
    );
    assert_eq!(words("/batch", "post", "409"), json!(["NOT_OPEN_YET"]));
    assert_eq!(words("/batch", "post", "503"), json!(["BROKER_DOWN"]));
    assert_eq!(words("/batch", "post", "401"), json!(null));
    assert_eq!(
        words("/order", "post", "400"),
        json!(["INVALID_QUERY", "INVALID_BODY", "INVALID_CONCERT_ID"])
    );
    assert_eq!(words("/whoami", "get", "401"), json!(["UNAUTHENTICATED"]));
    assert_eq!(words("/whoami", "get", "503"), json!(["KEYS_DOWN"]));
    let down = &document["paths"]["/batch"]["post"]["responses"]["503"];
    let retry_after = json!({"$ref": "#/components/headers/RetryAfter"});
    assert_eq!(down["headers"]["Retry-After"], retry_after);
    let early = &document["paths"]["/batch"]["post"]["responses"]["409"];
    let example = &early["content"]["application/json"]["examples"]["NOT_OPEN_YET"]["value"];
    assert_eq!(example["data"]["opensAt"], "2026-11-20T05:00:00.000Z");
    assert!(!document.to_string().contains("x-fails"));
}

#[tokio::test]
async fn an_optional_field_is_left_out_rather_than_null() {
    let app = App::default().await;
    let document = document(&app).await;
    let note = &document["components"]["schemas"]["MealOrder"]["properties"]["note"];
    assert_eq!(*note, json!({"type": "string"}));
}
