//! The form by which a browser goes from the line to the shop, with or without a script.

use axum::{
    Extension, Form, Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use sunbeon_chassis::{Auth, Member, PathConcert};
use sunbeon_gate::Ways;
use sunbeon_store::Claim;

use crate::{Token, issue::remember};

pub(crate) fn router(service: &Token, auth: &Auth, ways: Ways) -> Router {
    Router::new()
        .route("/reservation/{concertId}", get(shown).post(claim))
        .layer(auth.visitors())
        .layer(from_fn(on_the_page))
        .layer(Extension(ways))
        .with_state(service.clone())
}

/// The form of the waiting page.
#[derive(Deserialize)]
struct Sent {
    /// The way back.
    #[serde(default)]
    target: String,
}

/// Fetches the booking token as a cookie and sends the member on; whoever cannot have one is sent back to
/// the waiting page, which says why.
async fn claim(
    State(service): State<Token>,
    Extension(ways): Extension<Ways>,
    member: Option<Extension<Member>>,
    headers: HeaderMap,
    PathConcert(id): PathConcert,
    Form(sent): Form<Sent>,
) -> Response {
    service.heard.note(&id);
    let back = ways.asked(&sent.target);
    let to_the_line = || redirect(ways.to_the_line(&id, back.as_ref()));
    let not_now = || redirect(ways.to_the_line_saying(&id, back.as_ref(), "not-now"));
    let Some(Extension(member)) = member else {
        return to_the_line();
    };
    let kid = service.keys.active_kid();
    let claim = service.store.claim(&id, &member.id, kid).await;
    let facts = match claim {
        Ok(Claim::Entered(entered)) => entered.1,
        Ok(Claim::NotReady | Claim::Closed) => return to_the_line(),
        Err(error) => {
            tracing::warn!(%error, "a booking token could not be fetched");
            return not_now();
        }
    };
    let token = match service.sign(&member.id, &id, &facts) {
        Ok(token) => token,
        Err(error) => {
            tracing::error!(
                code = error.code().word(),
                "a booking token could not be signed"
            );
            return not_now();
        }
    };
    let target = back.map_or_else(|| ways.landing_page(&id), |back| back.to_string());
    let mut answer = redirect(target);
    let cookie = remember(&id, &facts, &token, &headers);
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

/// Sends whoever comes to the form's address by a link or by going back to the waiting page.
async fn shown(Extension(ways): Extension<Ways>, PathConcert(id): PathConcert) -> Response {
    redirect(ways.to_the_line(&id, None))
}

/// Has the waiting page say that it did not work, for instance because an address asks too often. What another
/// site's page sent is refused as it is.
async fn on_the_page(
    Extension(ways): Extension<Ways>,
    PathConcert(id): PathConcert,
    request: Request,
    next: Next,
) -> Response {
    let is_sent = request.method() == Method::POST;
    let answer = next.run(request).await;
    match answer.status() {
        StatusCode::SEE_OTHER | StatusCode::FORBIDDEN => answer,
        _ if !is_sent => answer,
        _ => redirect(ways.to_the_line_saying(&id, None, "not-now")),
    }
}

fn redirect(to: String) -> Response {
    let headers = [
        (header::LOCATION, to),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
