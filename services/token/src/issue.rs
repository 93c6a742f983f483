//! Fetching a booking token, and completing its session.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use sunbeon_chassis::{
    ApiResult, ByCookie, Empty, Member, OrFail, PathConcert, Reply, Success, auth::is_behind_tls,
};
use sunbeon_client::IssuedToken;
use sunbeon_domain::{Code, Concert, ConcertId, Status, Text, UnixMs};
use sunbeon_store::{Claim, TokenFacts};
use sunbeon_tokens::{QUEUE_TOKEN, QUEUE_TOKEN_EXPIRES, remember_cookie, unix_now};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const ISSUED: Text = Text {
    ko: "예매 토큰 발급 성공",
    en: "Here is your booking token.",
};
const COMPLETED: Text = Text {
    ko: "예매 완료 처리 성공",
    en: "Your session has ended.",
};

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new().routes(routes!(issue))
}

/// By which a member ends a session.
pub(crate) fn ending() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new().routes(routes!(complete))
}

/// Returns the booking token once it is the member's turn: READY becomes ENTERED.
///
/// Repeating it returns the same token as long as the session lives.
#[utoipa::path(
    get, path = "/v2/reservation/token/{concertId}", tag = "booking token", operation_id = "fetchBookingToken",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "NOT_READY", "CONCERT_NOT_FOUND", "BOOKING_CLOSED", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = ISSUED.en, body = Success<IssuedToken>, headers(
            ("X-Queue-Token" = String, description = "The booking token."),
            ("X-Queue-Token-Expires" = i64, description = "When it expires, in Unix seconds."),
            ("Set-Cookie" = Option<String>,
                description = "`queue-token-<concertId>`, if the caller was known by a cookie."),
        )),
    )
)]
async fn issue(
    State(service): State<Arc<Token>>,
    member: Member,
    by_cookie: Option<Extension<ByCookie>>,
    headers: HeaderMap,
    PathConcert(id): PathConcert,
) -> ApiResult<Response> {
    service.heard.note(&id);
    let kid = service.keys.active_kid();
    let claim = service.store.claim(&id, &member.id, kid).await;
    let (concert, facts) = match claim.or_fail()? {
        Claim::Entered(entered) => *entered,
        Claim::NotReady => return Err(Code::NotReady.into()),
        Claim::Closed => return Err(Code::BookingClosed.into()),
    };
    let token = service.sign(&member.id, &id, &facts)?;
    let cookie = by_cookie.map(|_| remember(&id, &facts, &token, &headers));
    let headers = [
        (QUEUE_TOKEN, token.clone()),
        (QUEUE_TOKEN_EXPIRES, facts.exp.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let reply = Reply::ok(ISSUED, issued(&concert, &facts, token));
    let mut answer = (headers, reply).into_response();
    answer
        .headers_mut()
        .extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(answer)
}

/// Returns the `Set-Cookie` that keeps a booking token in a browser for as long as it is valid.
pub(crate) fn remember(
    id: &ConcertId,
    facts: &TokenFacts,
    token: &str,
    headers: &HeaderMap,
) -> HeaderValue {
    let left = facts.exp - unix_now();
    remember_cookie(id, token, left, is_behind_tls(headers))
}

fn issued(concert: &Concert, facts: &TokenFacts, token: String) -> IssuedToken {
    IssuedToken {
        concert_id: concert.concert_id.clone(),
        concert_title: concert.policy.title.clone(),
        status: Status::Entered,
        can_enter: true,
        entry_number: facts.number,
        token,
        expires_at: UnixMs(facts.exp * 1_000),
    }
}

/// Ends the session, freeing its slot. Repeating it has no further effect.
#[utoipa::path(
    post, path = "/v2/reservation/complete/{concertId}", tag = "booking token", operation_id = "completeSession",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "QUEUE_TOKEN_REQUIRED", "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = COMPLETED.en, body = Success<Empty>),
    )
)]
async fn complete(
    State(service): State<Arc<Token>>,
    member: Member,
    PathConcert(id): PathConcert,
    headers: HeaderMap,
) -> ApiResult<Reply<Empty>> {
    service.heard.note(&id);
    let proofs = service.proofs(&headers, &id);
    let entries: Vec<_> = proofs.entries(&member.id).collect();
    if entries.is_empty() {
        return Err(Code::QueueTokenRequired.into());
    }
    // At most one of these entries is inside; completing the others does nothing.
    for entry in entries {
        let completed = service.store.complete(&id, &member.id, entry).await;
        completed.or_fail()?;
    }
    Ok(Reply::ok(COMPLETED, Empty {}))
}
