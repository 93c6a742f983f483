//! Failures, as a page that says how to go on.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use serde::Serialize;
use sunbeon_pages::{Chosen, Page, show};

const PAGE: Page = super::page("shop-problem");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
struct Problem {
    kind: Kind,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A dependency is down, or there were too many requests: it helps to try again later.
    Busy,
    /// There is nothing at this address, or not for this visitor.
    Missing,
    /// There is a bug.
    Broken,
}

/// Answers a browser whose request failed with a page, not with the failure's JSON.
pub(crate) async fn readable(chosen: Chosen, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    match answer.headers().get(header::CONTENT_TYPE) {
        Some(kind) if *kind == JSON => instead_of(&answer, chosen),
        _ => answer,
    }
}

fn instead_of(failure: &Response, chosen: Chosen) -> Response {
    let status = failure.status();
    let kind = match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Kind::Busy,
        status if status.is_server_error() => Kind::Broken,
        _ => Kind::Missing,
    };
    let mut page = show(PAGE, chosen, status, Problem { kind });
    let kept = [header::RETRY_AFTER, header::SET_COOKIE];
    for (name, value) in failure
        .headers()
        .iter()
        .filter(|(name, _)| kept.contains(name))
    {
        page.headers_mut().append(name, value.clone());
    }
    page
}
