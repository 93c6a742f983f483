//! The common parts of every answer, and the routes for operators.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{App, http_settings};
use axum::http::{HeaderName, header};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use sunbeon_chassis::http::Health;

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let app = App::default().await;
    for path in [
        "/ok",
        "/nothing",
        "/boom",
        "/whoami",
        "/live",
        "/docs/",
        "/openapi.json",
    ] {
        let fresh = app.get(path).send().await.unwrap();
        let id = fresh.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(id.len(), 36, "{path}");
        let given = app
            .get(path)
            .header("x-request-id", "mine-1")
            .send()
            .await
            .unwrap();
        assert_eq!(given.headers()["x-request-id"], "mine-1", "{path}");
    }
    for bad in ["", "a b", &"x".repeat(65)] {
        let answer = app
            .get("/ok")
            .header("x-request-id", bad)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["x-request-id"].len(), 36, "{bad:?}");
    }
}

#[tokio::test]
async fn metrics_are_labelled_by_route_and_not_by_path() {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&[1.0])
        .unwrap()
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).unwrap();
    let app = App::default().await;
    for path in [
        "/concerts/demo",
        "/concerts/a%20b",
        "/concerts/x/y/z?token=1",
        "/echo",
    ] {
        app.get(path).send().await.unwrap();
    }
    let invented = reqwest::Method::from_bytes(b"INVENTED").unwrap();
    app.client
        .request(invented, app.url("/ok"))
        .send()
        .await
        .unwrap();
    let text = handle.render();
    for labels in [
        r#"{route="/concerts/{concertId}",method="GET",status="200",le="1"} 1"#,
        r#"{route="/concerts/{concertId}",method="GET",status="400",le="1"} 1"#,
        r#"{route="other",method="GET",status="404",le="1"} 1"#,
        r#"{route="/echo",method="GET",status="405",le="1"} 1"#,
        r#"{route="/ok",method="other",status="405",le="1"} 1"#,
    ] {
        let line = format!("http_server_request_duration_seconds_bucket{labels}");
        assert!(text.contains(&line), "{line}\n{text}");
    }
    assert!(!text.contains("INVENTED") && !text.contains("token") && !text.contains("/y/z"));
}

#[tokio::test]
async fn live_is_constant_and_ready_follows_the_process() {
    let app = App::default().await;
    let ask = async |path: &str| {
        let response = app.get(path).send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap()["status"].clone(),
        )
    };
    assert_eq!(ask("/ready").await, (200, json!("ready")));
    app.readiness.drain();
    assert_eq!(ask("/ready").await, (503, json!("draining")));
    assert_eq!(ask("/live").await, (200, json!("live")));
    assert!(!sunbeon_chassis::http::Readiness::new().is_ready());
}

#[tokio::test]
async fn health_names_the_dependency_that_is_down() {
    let up = Arc::new(AtomicBool::new(true));
    let redis = up.clone();
    let health = Health::new()
        .check("redis", move || {
            std::future::ready(redis.load(Ordering::Relaxed))
        })
        .check("broker", || async { true });
    let ask = async |health: &Health| {
        let app = App::start_with(http_settings(&[]), health.clone()).await;
        let response = app.get("/health").send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let all = json!({ "status": "up", "dependencies": { "redis": "up", "broker": "up" } });
    assert_eq!(ask(&health).await, (200, all));
    up.store(false, Ordering::Relaxed);
    let one = json!({ "status": "down", "dependencies": { "redis": "down", "broker": "up" } });
    assert_eq!(ask(&health).await, (503, one));
    let (status, body) = ask(&health.check("stuck", std::future::pending)).await;
    assert_eq!(
        (status, &body["dependencies"]["stuck"]),
        (503, &json!("down"))
    );
}

#[tokio::test]
async fn only_the_listed_origins_may_call_from_a_browser() {
    let origin = "https://tickets.example";
    let variable = "SUNBEON__HTTP__CORS_ORIGINS";
    let allowed = async |origins: &str, from: &str| {
        let app = App::start(http_settings(&[(variable, origins)])).await;
        let preflight = app
            .client
            .request(reqwest::Method::OPTIONS, app.url("/echo"));
        let preflight = preflight
            .header(header::ORIGIN, from)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization,content-type",
            );
        let preflight = preflight.send().await.unwrap();
        let actual = app
            .get("/nothing")
            .header(header::ORIGIN, from)
            .send()
            .await
            .unwrap();
        let header = |response: &reqwest::Response| {
            let header = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            header.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header(&preflight), header(&actual));
        header(&actual)
    };
    let list = "http://localhost:3000, https://tickets.example";
    assert_eq!(allowed(list, origin).await.as_deref(), Some(origin));
    assert_eq!(allowed(list, "https://evil.example").await, None);
    assert_eq!(
        allowed("*", "https://evil.example").await.as_deref(),
        Some("*")
    );
    assert_eq!(allowed("", origin).await, None);
}

#[tokio::test]
async fn cors_allows_every_header_that_the_api_reads_or_sends() {
    let origin = "https://tickets.example";
    let origins = ("SUNBEON__HTTP__CORS_ORIGINS", origin);
    let app = App::start(http_settings(&[origins])).await;
    let words = |response: &reqwest::Response, name: HeaderName| -> Vec<String> {
        let list = response.headers()[name].to_str().unwrap();
        list.split(',')
            .map(|word| word.trim().to_lowercase())
            .collect()
    };
    let preflight = app
        .client
        .request(reqwest::Method::OPTIONS, app.url("/echo"));
    let preflight = preflight
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
    let preflight = preflight.send().await.unwrap();
    let sent = words(&preflight, header::ACCESS_CONTROL_ALLOW_HEADERS);
    for name in [
        "authorization",
        "content-type",
        "accept-language",
        "x-queue-token",
        "x-queue-pass",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "x-request-id",
    ] {
        assert!(sent.contains(&name.to_owned()), "{name}: {sent:?}");
    }
    let methods = words(&preflight, header::ACCESS_CONTROL_ALLOW_METHODS);
    for method in ["get", "post", "put", "patch", "delete"] {
        assert!(
            methods.contains(&method.to_owned()),
            "{method}: {methods:?}"
        );
    }
    let answer = app.get("/nothing").header(header::ORIGIN, origin);
    let answer = answer.send().await.unwrap();
    let read = words(&answer, header::ACCESS_CONTROL_EXPOSE_HEADERS);
    for name in [
        "etag",
        "retry-after",
        "idempotent-replayed",
        "x-queue-token",
        "x-queue-token-expires",
        "x-request-id",
    ] {
        assert!(read.contains(&name.to_owned()), "{name}: {read:?}");
    }
}

#[tokio::test]
async fn the_api_page_loads_everything_from_this_server() {
    let app = App::default().await;
    let document: Value = app
        .get("/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(document["info"]["title"], "Sunbeon test");
    let operation = &document["paths"]["/echo"]["post"];
    let created = &operation["responses"]["201"]["content"]["application/json"]["schema"]["$ref"];
    let name = created.as_str().unwrap().rsplit('/').next().unwrap();
    let schema = &document["components"]["schemas"][name];
    let text = &schema["properties"]["data"]["properties"]["text"];
    assert_eq!(text["type"], "string", "{schema}");
    for field in ["message", "code", "status", "data"] {
        let failure = &document["components"]["schemas"]["Failure"]["properties"];
        assert!(failure[field].is_object(), "{failure}");
    }
    assert_eq!(
        document["components"]["securitySchemes"]["member"]["scheme"],
        "bearer"
    );
    let page = app.get("/docs/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(
        !page.text().await.unwrap().contains("https://"),
        "the page loads from elsewhere"
    );
    assert_eq!(
        app.get("/docs/swagger-ui-bundle.js")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}
