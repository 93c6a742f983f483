//! A shop's back end can read concerts but not change them.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use serde_json::Value;
use sunbeon_broker::MemoryBroker;
use sunbeon_chassis::{Auth, settings};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::MemoryStore;
use tower::ServiceExt;

const ADMIN: &str = "the admin's own token";
const ORIGIN: &str = "the shop's own token";
const CONCERTS: &str = "/v2/admin/concerts";

#[derive(serde::Deserialize)]
struct Settings {
    auth: settings::Auth,
    limits: settings::Limits,
}

async fn router() -> Router {
    let variables = [
        ("HS256_SECRET", "a secret of at least thirty-two bytes"),
        ("ADMIN_TOKEN", ADMIN),
        ("ORIGIN_TOKEN", ORIGIN),
    ];
    let variables = variables.map(|(key, value)| (format!("SUNBEON__AUTH__{key}"), value.into()));
    let settings: Settings = settings::load_from(variables.into()).expect("good settings");
    let auth = Auth::new(&settings.auth, &settings.limits).expect("good secrets");
    let registry = Registry::open("sqlite::memory:").expect("a good address");
    registry.migrate().await.expect("the tables can be made");
    let (store, broker) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBroker::new()));
    let service = ReservationOpen::new(store, broker, registry);
    service.router(&auth).split_for_parts().0
}

/// Returns the status and the body of an answer.
async fn call(router: &Router, token: &str, route: &str, body: &str) -> (u16, Value) {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::IF_MATCH, "\"1\"")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    (
        status,
        serde_json::from_slice(&body.expect("a body")).unwrap_or_default(),
    )
}

#[tokio::test]
async fn origins_can_read_concerts_but_not_change_them() {
    let router = router().await;
    let concert = r#"{"concertId":"c1","title":"Concert"}"#;
    let create = format!("POST {CONCERTS}");
    let (status, _) = call(&router, ADMIN, &create, concert).await;
    assert_eq!(status, 201);
    let (list, one) = (format!("GET {CONCERTS}"), format!("GET {CONCERTS}/c1"));
    for token in [ADMIN, ORIGIN] {
        let (status, body) = call(&router, token, &list, "").await;
        assert_eq!(status, 200);
        assert_eq!(body["data"]["concerts"][0]["concertId"], "c1");
        let (status, body) = call(&router, token, &one, "").await;
        assert_eq!((status, &body["data"]["concertId"]), (200, &"c1".into()));
    }
    for route in [
        create,
        format!("PATCH {CONCERTS}/c1"),
        format!("DELETE {CONCERTS}/c1"),
        format!("POST {CONCERTS}/c1/pause"),
        format!("POST {CONCERTS}/c1/resume"),
        format!("POST {CONCERTS}/c1/close"),
        format!("POST {CONCERTS}/c1/clear"),
        "POST /v2/reservation/open/c1".to_owned(),
        "GET /v2/admin/audit".to_owned(),
    ] {
        let (status, body) = call(&router, ORIGIN, &route, concert).await;
        assert_eq!(
            (status, &body["code"]),
            (403, &"FORBIDDEN".into()),
            "{route}"
        );
    }
    let (_, body) = call(&router, ADMIN, &one, "").await;
    assert_eq!(body["data"]["version"], 1, "nothing has changed");
}
