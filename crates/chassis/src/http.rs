//! The HTTP server of a process and the dress that every answer wears.

mod body;
mod cors;
mod dress;
mod guard;
mod listener;
mod openapi;
mod ops;
mod serve;

use std::time::Duration;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use metrics_exporter_prometheus::PrometheusHandle;
pub use ops::{Health, Readiness};
pub use serve::{bind, serve};
use sunbeon_domain::Code;
use utoipa_axum::router::OpenApiRouter;

use crate::{ApiError, envelope, settings};

/// The name of the header that every answer carries.
pub const REQUEST_ID: &str = "x-request-id";

/// The largest body that is taken, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The id of the request being answered: its `X-Request-Id`, or a new one. In the extensions of
/// every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// What [`finish`] makes a router of.
pub struct Service {
    /// Of the OpenAPI document.
    pub name: &'static str,
    /// The routes, of one service or of several.
    pub api: OpenApiRouter,
    /// What `/health` asks.
    pub health: Health,
    /// What `/ready` says.
    pub readiness: Readiness,
    /// What `/metrics` renders; without it the route answers an empty text.
    pub metrics: Option<PrometheusHandle>,
    /// The server's settings.
    pub settings: settings::Http,
}

/// Gives routes their common dress; once per process.
///
/// Every answer has an `X-Request-Id`, a span and an observation in
/// `http_server_request_duration_seconds`. 404, 405, a panic and a handler that takes too long (500
/// `INTERNAL`: each dependency has a shorter limit of its own, so it is a fault of ours), and a body
/// that is too large (413) or does not arrive (400) are answered in the envelope. Adds `/live`,
/// `/ready`, `/health`, `/metrics`, `/openapi.json` and `/docs`. Fails on a malformed CORS origin.
pub fn finish(service: Service) -> anyhow::Result<Router> {
    let Service {
        name,
        api,
        health,
        readiness,
        metrics,
        settings,
    } = service;
    let (router, document) = api.split_for_parts();
    let limit = Duration::from_secs(settings.request_timeout_seconds);
    let router = router
        .merge(ops::router(health, readiness.clone(), metrics))
        .merge(openapi::router(openapi::completed(document, name)))
        .fallback(|| async { ApiError::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        .layer(from_fn_with_state(limit, guard::guard))
        .layer(from_fn_with_state(limit, body::read_first));
    let router = match cors::layer(&settings.cors_origins)? {
        Some(cors) => router.layer(cors),
        None => router,
    };
    Ok(router
        .layer(from_fn_with_state(readiness, dress::dress))
        .layer(from_fn(envelope::in_its_language)))
}
