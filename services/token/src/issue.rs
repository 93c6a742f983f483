//! Fetching a booking token, and giving it back.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, Empty, Member, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Code, Concert, ConcertId, EntryNumber, Status, Text, UnixMs};
use sunbeon_store::{Claim, TokenFacts};
use sunbeon_tokens::{QUEUE_TOKEN, QUEUE_TOKEN_EXPIRES};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const ISSUED: Text = Text {
    ko: "예매 토큰 발급 성공",
    en: "Here is your booking token.",
};
const COMPLETED: Text = Text {
    ko: "예매 완료 처리 성공",
    en: "Your session is over.",
};

pub(crate) fn router() -> OpenApiRouter<Token> {
    OpenApiRouter::new()
        .routes(routes!(issue))
        .routes(routes!(complete))
}

/// A booking token and what it is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Issued {
    concert_id: ConcertId,
    concert_title: String,
    status: Status,
    can_enter: bool,
    entry_number: EntryNumber,
    /// A JWT by EdDSA; send it as `X-Queue-Token` beside the access token.
    token: String,
    expires_at: UnixMs,
}

/// Fetch the booking token: READY becomes ENTERED. Again, while the session lives: the same token.
#[utoipa::path(
    get, path = "/v2/reservation/token/{concertId}", tag = "reservation",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Issued>, headers(
            ("X-Queue-Token" = String, description = "The token."),
            ("X-Queue-Token-Expires" = i64, description = "Unix seconds."),
        )),
        (status = 403, description = "NOT_READY."),
        (status = 409, description = "BOOKING_CLOSED."),
    )
)]
async fn issue(
    State(service): State<Token>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    let kid = service.keys.active_kid();
    let claim = service.store.claim(&id, &member.id, kid).await;
    let (concert, facts) = match claim.or_fail()? {
        Claim::Entered(entered) => *entered,
        Claim::NotReady => return Err(Code::NotReady.into()),
        Claim::Closed => return Err(Code::BookingClosed.into()),
    };
    let token = service.sign(&member.id, &id, &facts)?;
    let headers = [
        (QUEUE_TOKEN, token.clone()),
        (QUEUE_TOKEN_EXPIRES, facts.exp.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((
        headers,
        Reply::ok(ISSUED, Issued::new(concert, &facts, token)),
    ))
}

impl Issued {
    fn new(concert: Concert, facts: &TokenFacts, token: String) -> Self {
        Self {
            concert_id: concert.concert_id,
            concert_title: concert.policy.title,
            status: Status::Entered,
            can_enter: true,
            entry_number: facts.number,
            token,
            expires_at: UnixMs(facts.exp * 1_000),
        }
    }
}

/// End the session, freeing its slot. Again: nothing more happens.
#[utoipa::path(
    post, path = "/v2/reservation/complete/{concertId}", tag = "reservation",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The member's booking token; or the cookie `queue-token-<concertId>`."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Empty>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
    )
)]
async fn complete(
    State(service): State<Token>,
    member: Member,
    PathConcert(id): PathConcert,
    headers: HeaderMap,
) -> ApiResult<Reply<Empty>> {
    let proofs = service.proofs(&headers, &id);
    let entries: Vec<_> = proofs.entries(&member.id).collect();
    if entries.is_empty() {
        return Err(Code::QueueTokenRequired.into());
    }
    // At most one of them is inside; completing another does nothing.
    for entry in entries {
        let completed = service.store.complete(&id, &member.id, entry).await;
        completed.or_fail()?;
    }
    Ok(Reply::ok(COMPLETED, Empty {}))
}
