//! The HTTP server of a process, and what every answer has in common.

mod body;
mod cors;
mod dress;
mod guard;
mod listener;
mod openapi;
mod ops;
mod query;
mod serve;

use std::time::Duration;

use anyhow::Context;
use axum::{Router, middleware::from_fn_with_state};
use metrics_exporter_prometheus::PrometheusHandle;
pub use openapi::document;
pub use ops::{Health, Readiness};
pub use serve::{bind, serve};
use sunbeon_domain::Code;
use utoipa_axum::router::OpenApiRouter;

use self::query::KnownFields;
use crate::{ApiError, envelope, limits::Limits, settings};

/// The name of the header that every answer carries.
pub const REQUEST_ID: &str = "x-request-id";

/// The size of the largest body that is accepted, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The id of the request being answered: its `X-Request-Id`, or a new one. In the extensions of
/// every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// The parts from which [`finish`] makes a router.
pub struct Service {
    /// The service's name in its OpenAPI document.
    pub name: &'static str,
    /// The routes, of one service or of several.
    pub api: OpenApiRouter,
    /// The dependencies that `/health` asks.
    pub health: Health,
    /// The state that `/ready` tells.
    pub readiness: Readiness,
    /// The metrics that `/metrics` renders; without them the route answers an empty text.
    pub metrics: Option<PrometheusHandle>,
    /// The server's settings.
    pub settings: settings::Http,
    /// The limits that hold for `/health` and `/metrics`.
    pub limits: settings::Limits,
}

/// Gives routes what all of them have in common; once per process.
///
/// Every answer has an `X-Request-Id`, a `Cache-Control`, a span and an observation in
/// `http_server_request_duration_seconds`. 404, 405, a query field that the route does not take, a panic
/// and a handler that takes too long (500 `INTERNAL`: each dependency has a shorter limit of its own, so
/// it is a bug), and a body that is too large (413) or does not arrive (400) are answered in the
/// envelope. Adds `/live`, `/ready`, `/health`, `/metrics`, `/openapi.json` and `/docs`. Fails on a
/// malformed CORS origin and on a document that lists a code that does not exist.
pub fn finish(service: Service) -> anyhow::Result<Router> {
    let Service {
        name,
        api,
        health,
        readiness,
        metrics,
        settings,
        limits,
    } = service;
    let (router, document) = api.split_for_parts();
    let limit = Duration::from_secs(settings.request_timeout_seconds);
    let document = openapi::document(&document, name).context("the OpenAPI document")?;
    let known = KnownFields::of(&document);
    let router = router
        .layer(from_fn_with_state(known, query::refuse_unknown))
        .merge(ops::router(
            health,
            readiness.clone(),
            metrics,
            Limits::new(&limits),
        ))
        .merge(openapi::router(document))
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
        .layer(from_fn_with_state(
            settings.default_language,
            envelope::in_its_language,
        )))
}
