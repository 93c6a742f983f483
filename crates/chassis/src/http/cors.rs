//! CORS: web pages that may call the API.

use std::time::Duration;

use anyhow::{Context, ensure};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::REQUEST_ID;

/// Returns the layer for these origins, or `None` for an empty list.
pub(super) fn layer(origins: &[String]) -> anyhow::Result<Option<CorsLayer>> {
    if origins.is_empty() {
        return Ok(None);
    }
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let origins: anyhow::Result<Vec<_>> = origins.iter().map(|text| origin(text)).collect();
        AllowOrigin::list(origins?)
    };
    let names = |names: &[&'static str]| -> Vec<HeaderName> {
        names
            .iter()
            .map(|name| HeaderName::from_static(name))
            .collect()
    };
    let mut asked = names(&[
        "idempotency-key",
        "x-queue-token",
        "x-queue-pass",
        REQUEST_ID,
    ]);
    asked.extend([
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
    ]);
    asked.extend([header::IF_MATCH, header::IF_NONE_MATCH]);
    let mut shown = names(&[
        "idempotent-replayed",
        "x-queue-token",
        "x-queue-token-expires",
        REQUEST_ID,
    ]);
    shown.extend([header::ETAG, header::RETRY_AFTER]);
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    Ok(Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods(methods)
            .allow_headers(asked)
            .expose_headers(shown)
            .max_age(Duration::from_secs(600)),
    ))
}

fn origin(text: &str) -> anyhow::Result<HeaderValue> {
    let malformed = || {
        format!("SUNBEON__HTTP__CORS_ORIGINS: {text:?} is not an origin such as https://host:port")
    };
    let uri: Uri = text.parse().with_context(malformed)?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.path() == "/" && !text.ends_with('/') && uri.query().is_none();
    ensure!(scheme && bare, malformed());
    text.parse().with_context(malformed)
}
