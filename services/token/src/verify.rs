//! What a proxy asks for every request: may this member pass?

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use sunbeon_chassis::{ApiError, ApiResult, Member, QueryPairs};
use sunbeon_domain::{Code, ConcertId, Field, Identity, Mode, Phase, Place};
use sunbeon_store::{Sight, StoreError};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const MEMBER_ID: HeaderName = HeaderName::from_static("x-member-id");

pub(crate) fn router() -> OpenApiRouter<Token> {
    OpenApiRouter::new().routes(routes!(verify))
}

/// May this member pass? For proxies that ask before each request, as nginx' `auth_request`; they
/// understand 204, 401 and 403 alone, so that whatever is malformed or unknown is a 403.
#[utoipa::path(
    get, path = "/v2/reservation/verify", tag = "gate",
    params(
        ("concertId" = ConcertId, Query),
        ("onFailure" = Option<String>, Query,
            description = "`closed`, or `open` to let members pass while the store is down."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The member's booking token; or the cookie `queue-token-<concertId>`."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 204, description = "Inside now, or nobody has to line up: \
            the concert's mode is `off` and it is open.",
            headers(("X-Member-Id" = String))),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
    )
)]
async fn verify(
    State(service): State<Token>,
    member: Member,
    query: QueryPairs,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let refused = |_| ApiError::from(Code::QueueTokenRequired);
    let (id, open) = asked(&query).map_err(refused)?;
    let passes = match service.store.status(&id, &member.id, false).await {
        Ok(sight) => service.passes(&sight, &member, &id, &headers),
        Err(StoreError::UnknownConcert) => false,
        Err(error) => {
            let cause = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(cause, open, "a proxy is answered without the store");
            open
        }
    };
    if !passes {
        return Err(Code::QueueTokenRequired.into());
    }
    let id = HeaderValue::try_from(member.id.as_str());
    let id = id.expect("a member id is visible ASCII");
    Ok((StatusCode::NO_CONTENT, [(MEMBER_ID, id)]).into_response())
}

/// Which concert, and whether a store that is down lets members pass.
fn asked(query: &QueryPairs) -> ApiResult<(ConcertId, bool)> {
    let id = query.field("concertId", Field::ConcertId, |id| {
        ConcertId::parse(id).ok()
    })?;
    // Which of the two is malformed is not told.
    let open = query.field("onFailure", Field::ConcertId, |word| match word {
        "open" => Some(true),
        "closed" => Some(false),
        _ => None,
    })?;
    let id = id.ok_or(Code::Invalid(Field::ConcertId))?;
    Ok((id, open.unwrap_or(false)))
}

impl Token {
    /// The token proves which entry was admitted; the store says whether it is inside still.
    fn passes(&self, sight: &Sight, member: &Member, id: &ConcertId, headers: &HeaderMap) -> bool {
        if is_open_to(sight, member) {
            return true;
        }
        let Place::Entered { number, .. } = sight.place else {
            return false;
        };
        let claims = self.admission(headers, id, &member.id);
        claims.is_some_and(|claims| claims.ent == number)
    }
}

/// Whether somebody passes who was not admitted: nobody lines up, and `enter` would let them in.
fn is_open_to(sight: &Sight, member: &Member) -> bool {
    let policy = &sight.concert.policy;
    policy.mode == Mode::Off
        && sight.concert.phase(sight.at) == Phase::Open
        && (policy.identity == Identity::Guest || !member.id.is_guest())
}

/// Answers 401 where the keys of access tokens are not at hand, and 403 to too many requests.
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
    async fn a_proxy_hears_nothing_that_it_does_not_understand() {
        for (code, heard) in [
            (Code::KeysDown, 401),
            (Code::TooManyRequests, 403),
            (Code::Unauthenticated, 401),
            (Code::QueueTokenRequired, 403),
        ] {
            let answer = ApiError::new(code).into_response();
            let answer = in_three_statuses(answer).await;
            assert_eq!(answer.status(), heard, "{code:?}");
        }
        let passed = in_three_statuses(StatusCode::NO_CONTENT.into_response()).await;
        assert_eq!(passed.status(), 204);
    }
}
