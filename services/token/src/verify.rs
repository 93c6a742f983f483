//! The check that a proxy makes for every request: may this member pass?

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
};
use sunbeon_chassis::{ApiError, ApiResult, Member, QueryPairs};
use sunbeon_domain::{Code, Concert, ConcertId, EntryNumber, EntryState, Field, MemberId};
use sunbeon_store::{StandingFacts, StoreError};
use sunbeon_tokens::{MEMBER_ID, forget_cookie};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Token, return_path};

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    let routes = OpenApiRouter::new().routes(routes!(verify));
    routes.layer(from_fn(return_path::tell))
}

/// Answers whether a member may pass, for proxies that ask before each request, such as nginx with
/// `auth_request`.
///
/// They understand only 204, 401 and 403, so anything malformed or unknown is a 403.
#[utoipa::path(
    get, path = "/v2/reservation/verify", tag = "gates", operation_id = "verifyAdmission",
    params(
        ("concertId" = Option<ConcertId>, Query, description = "The concert that the page belongs to."),
        ("onFailure" = Option<String>, Query,
            description = "`closed`, or `open` to let members pass while the store is down."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("X-Forwarded-Uri" = Option<String>, Header,
            description = "The path and query that the visitor requested from the proxy."),
    ),
    security(("member" = [])),
    extensions(("x-fails-only" = json!([
        "UNAUTHENTICATED", "QUEUE_TOKEN_REQUIRED", "FORBIDDEN",
    ]))),
    responses(
        (status = 204, description = "The member is inside, or nobody has to line up because the concert's mode is `off` and it is open.",
            headers(("X-Member-Id" = String, description = "The member's id."))),
        (status = 403, description = "Not inside.", headers(("X-Return-Path" = Option<String>,
            description = "`X-Forwarded-Uri`, encoded as the value of a query parameter."))),
    )
)]
async fn verify(
    State(service): State<Arc<Token>>,
    member: Member,
    query: QueryPairs,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let refused = |_| ApiError::from(Code::QueueTokenRequired);
    let (id, open) = asked(&query).map_err(refused)?;
    service.heard.note(&id);
    match service.store.status(&id, &member.id, false).await {
        Ok(found) => Ok(service.answer(&found, &member.id, &headers)),
        Err(StoreError::UnknownConcert) => Err(Code::QueueTokenRequired.into()),
        Err(error) => {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(
                cause,
                open,
                "the store is unavailable; answering proxies by their onFailure"
            );
            if open {
                Ok(passes(&member.id))
            } else {
                Err(Code::QueueTokenRequired.into())
            }
        }
    }
}

/// Returns the concert, and whether members pass while the store is down.
fn asked(query: &QueryPairs) -> ApiResult<(ConcertId, bool)> {
    let id = query.field("concertId", Field::ConcertId, |id| {
        ConcertId::parse(id).ok()
    })?;
    // The answer does not tell which of the two was malformed.
    let open = query.field("onFailure", Field::ConcertId, |word| match word {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    })?;
    let id = id.ok_or(Code::Invalid(Field::ConcertId))?;
    Ok((id, open.unwrap_or(false)))
}

impl Token {
    /// Checks admission: the token proves which entry was admitted; the store knows whether it is
    /// still inside.
    fn answer(&self, found: &StandingFacts, member: &MemberId, headers: &HeaderMap) -> Response {
        let Concert {
            concert_id, policy, ..
        } = &*found.concert;
        let phase = found.concert.phase(found.at);
        if phase.is_open_to(policy.mode, policy.identity, member) {
            return passes(member);
        }
        let proofs = self.proofs(headers, concert_id);
        if let EntryState::Entered { number, .. } = found.state
            && proofs.entries(member).any(|entry| entry == number)
        {
            return passes(member);
        }
        let mut refusal = ApiError::from(Code::QueueTokenRequired).into_response();
        if proofs.are_spent(member, current(found.state)) {
            let forget = forget_cookie(concert_id);
            refusal.headers_mut().append(header::SET_COOKIE, forget);
        }
        refusal
    }
}

fn passes(member: &MemberId) -> Response {
    let value = HeaderValue::try_from(member.as_str());
    let id = value.expect("a member id is visible ASCII");
    (StatusCode::NO_CONTENT, [(MEMBER_ID, id)]).into_response()
}

/// Returns the entry whose token is valid, or may become so.
fn current(place: EntryState) -> Option<EntryNumber> {
    match place {
        EntryState::Ready { number, .. } | EntryState::Entered { number, .. } => Some(number),
        EntryState::None | EntryState::Waiting { .. } | EntryState::Admitting { .. } => None,
    }
}

/// Turns every failure into 401 or 403: 401 while the keys of access tokens are missing, 403 for
/// too many requests.
pub(crate) async fn in_three_statuses(answer: Response) -> Response {
    match answer.status() {
        StatusCode::SERVICE_UNAVAILABLE => ApiError::new(Code::Unauthenticated).into_response(),
        StatusCode::TOO_MANY_REQUESTS => ApiError::new(Code::Forbidden).into_response(),
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_proxy_gets_only_statuses_that_it_understands() {
        for (code, heard) in [
            (Code::KeysDown, 401),
            (Code::TooManyRequests, 403),
            (Code::Unauthenticated, 401),
            (Code::QueueTokenRequired, 403),
        ] {
            let failure = ApiError::new(code).into_response();
            let answer = in_three_statuses(failure).await;
            assert_eq!(answer.status(), heard, "{code:?}");
        }
        let passed = in_three_statuses(StatusCode::NO_CONTENT.into_response()).await;
        assert_eq!(passed.status(), 204);
    }
}
