//! `POST /dev/session`: signing in to the demo's pages as anybody, and as the operator.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;
use sunbeon_chassis::{ApiError, ApiResult, Auth};
use sunbeon_domain::{Code, Field, MemberId, is_plain};
use sunbeon_gate::Target;

use crate::dev_token::LIFE;

pub(crate) fn router(auth: Auth) -> Router {
    Router::new()
        .route("/dev/session", post(begin))
        .route("/dev/session/end", post(end))
        .with_state(auth)
}

/// A form of the demo's pages.
#[derive(Deserialize)]
struct SignIn {
    /// What the person is called; the same name is the same member.
    #[serde(default)]
    name: String,
    /// Whether to sign in to the console, not to the shop.
    #[serde(default)]
    operator: bool,
    /// The path to go to then.
    #[serde(default)]
    target: String,
}

/// Signs a browser of this machine in, and sends it on.
async fn begin(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> ApiResult<Response> {
    let name = form.name.trim();
    if name.chars().count() > 100 || !is_plain(name) || (name.is_empty() && !form.operator) {
        return Err(Code::Invalid(Field::Name).into());
    }
    let id = if form.operator {
        MemberId::parse("demo-admin").ok()
    } else {
        member(name)
    };
    let id = id.ok_or(Code::Invalid(Field::Name))?;
    let issued = auth.issue(&id, name, form.operator, LIFE);
    let token = issued.map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
    let cookie = if form.operator {
        auth.operator_cookie(&token, &headers)
    } else {
        let seconds = i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX);
        auth.login_cookie(&token, seconds, &headers)
    };
    let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
    let mut answer = sent_to(&form.target);
    answer.headers_mut().extend(cookie);
    Ok(answer)
}

/// Signs a browser out of the shop.
async fn end(State(auth): State<Auth>, headers: HeaderMap, Form(form): Form<SignIn>) -> Response {
    let mut answer = sent_to(&form.target);
    let cookie = auth.login_cookie("", 0, &headers);
    let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
    answer.headers_mut().extend(cookie);
    answer
}

/// Returns the member of this name: the name itself if it can be an id, else one made from it.
fn member(name: &str) -> Option<MemberId> {
    let parsed = MemberId::parse(name).ok();
    // An access token cannot name a guest.
    if let Some(id) = parsed.filter(|id| !id.is_guest()) {
        return Some(id);
    }
    let mut id = String::from("fan-");
    for byte in &digest(&SHA256, name.as_bytes()).as_ref()[..6] {
        let _ = write!(id, "{byte:02x}");
    }
    MemberId::parse(id).ok()
}

/// Sends a browser to a path of this site, or to its first page.
fn sent_to(target: &str) -> Response {
    let path = target.starts_with('/').then(|| Target::parse(target, &[]));
    let target = path
        .flatten()
        .map_or("/".to_owned(), |path| path.to_string());
    let headers = [
        (header::LOCATION, target),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
