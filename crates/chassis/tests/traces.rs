//! Spans continue the caller's trace and contain no secrets.

#[path = "chassis/support.rs"]
mod support;

use axum::http::header;
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
};
use serde_json::json;
use sunbeon_chassis::telemetry;
use support::{ADMIN_TOKEN, App};
use tracing_subscriber::layer::SubscriberExt;

/// Returns the spans of a few requests by name.
async fn spans() -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = telemetry::layer(provider.tracer("test"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();

    let app = App::default().await;
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let asked = app
        .get("/concerts/demo?token=hunter2")
        .header("traceparent", caller);
    asked.header("x-request-id", "r-1").send().await.unwrap();
    for path in ["/actor?pass=hunter2", "/whoami", "/nothing/hunter2"] {
        let request = app
            .get(path)
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"));
        request
            .header(header::COOKIE, "hunter2")
            .send()
            .await
            .unwrap();
    }
    app.post("/echo")
        .json(&json!({ "text": "hunter2" }))
        .send()
        .await
        .unwrap();
    app.get("/store-down").send().await.unwrap();
    provider.force_flush().unwrap();
    exporter.get_finished_spans().unwrap()
}

#[tokio::test]
async fn spans_continue_the_callers_trace_and_hold_no_secrets() {
    let spans = spans().await;
    let text = format!("{spans:?}").replace("the password is hunter2", "");
    assert!(
        !text.contains("hunter2") && !text.contains(ADMIN_TOKEN),
        "{text}"
    );
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no span {name}: {text}"))
    };
    let attribute = |span: &SpanData, key: &str| {
        let found = span.attributes.iter().find(|pair| pair.key.as_str() == key);
        found.map(|pair| pair.value.to_string())
    };

    let concert = named("GET /concerts/{concertId}");
    assert_eq!(concert.span_kind, SpanKind::Server);
    let trace = concert.span_context.trace_id().to_string();
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(concert.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(
        attribute(concert, "http.response.status_code").as_deref(),
        Some("200")
    );
    assert_eq!(attribute(concert, "request_id").as_deref(), Some("r-1"));
    assert_eq!(
        attribute(concert, "http.route").as_deref(),
        Some("/concerts/{concertId}")
    );

    assert_eq!(concert.status, Status::Unset);
    assert!(matches!(
        named("GET /store-down").status,
        Status::Error { .. }
    ));
    named("GET other");
    named("POST /echo");
}
