//! The HTTP server of a process, and the common parts of every answer.

mod body;
mod cors;
mod dress;
mod guard;
mod listener;
mod openapi;
mod ops;
mod query;
mod serve;
mod timer;

use std::{convert::Infallible, time::Duration};

use anyhow::Context;
use axum::{Router, extract::Request, response::Response, routing::Route};
use metrics_exporter_prometheus::PrometheusHandle;
pub use openapi::document;
pub use ops::{Health, Readiness};
pub use serve::{bind, serve};
use sunbeon_domain::Code;
use tower::{Layer, layer::layer_fn, util::option_layer};
use utoipa_axum::router::OpenApiRouter;

use self::query::KnownFields;
use crate::{ApiError, current::Current, limits::Limits, settings};

/// The name of the request id's header, which every answer carries.
pub const REQUEST_ID: &str = "x-request-id";

/// The size of the largest body that is accepted, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Returns the id of the current request: its `X-Request-Id`, or a new one. `None` outside of a request.
pub fn request_id() -> Option<String> {
    Current::get(|request| request.id.to_str().unwrap_or_default().to_owned())
}

/// The parts of a service that [`finish`] turns into a router.
pub struct Service {
    /// The service's name in its OpenAPI document.
    pub name: &'static str,
    /// The routes of one service or of several.
    pub api: OpenApiRouter,
    /// The dependencies that `/health` checks.
    pub health: Health,
    /// The state behind `/ready`.
    pub readiness: Readiness,
    /// The metrics behind `/metrics`; without them the route answers an empty text.
    pub metrics: Option<PrometheusHandle>,
    /// The server's settings.
    pub settings: settings::Http,
    /// The limits on `/health` and `/metrics`.
    pub limits: settings::Limits,
}

/// Adds the common parts to routes; call it once per process.
///
/// Every answer gets an `X-Request-Id`, a `Cache-Control`, a span and an observation in
/// `http_server_request_duration_seconds`. The envelope also covers 404, 405, unknown query fields,
/// bodies that are too large (413) or never arrive (400), and panics and slow handlers (500
/// `INTERNAL`: every dependency has a shorter limit, so a slow handler is a bug). Adds `/live`,
/// `/ready`, `/health`, `/metrics`, `/openapi.json` and `/docs`. Fails on a malformed CORS origin,
/// and on a document that lists a code that does not exist.
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
    let document =
        openapi::document(&document, name).context("could not build the OpenAPI document")?;
    let known = KnownFields::of(&document);
    let cors = cors::layer(&settings.cors_origins)?;
    let router = router
        .merge(ops::router(
            health,
            readiness.clone(),
            metrics,
            Limits::new(&limits),
        ))
        .merge(openapi::router(document))
        .fallback(|| async { ApiError::from(Code::NotFound) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) });
    // One layer: axum boxes a route's service and its future once more for each.
    let router = router.layer(layer_fn(move |route: Route| {
        let guarded = guard::guarded(route, limit, known.clone());
        let answers = option_layer(cors.clone()).layer(guarded);
        dress::dressed(answers, settings.default_language, readiness.clone())
    }));
    // Until it has its state, axum builds a route and its layers anew for each request.
    Ok(router.with_state(()))
}

/// The service of a route, with any number of the common parts around it.
trait Answers:
    tower::Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Answers for S where
    S: tower::Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
