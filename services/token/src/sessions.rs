//! What a shop's back end says of its sessions: over, or in need of more time.

use axum::{extract::State, http::header, response::IntoResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sunbeon_chassis::{ApiResult, Body, Empty, OrFail, Origin, PathConcert, Reply, Success};
use sunbeon_domain::{Code, ConcertId, EntryNumber, Field, MemberId, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const COMPLETED: Text = Text {
    ko: "세션 완료 처리 성공",
    en: "The session is over.",
};
const EXTENDED: Text = Text {
    ko: "세션 연장 처리 성공",
    en: "This is the session's booking token.",
};

pub(crate) fn router() -> OpenApiRouter<Token> {
    OpenApiRouter::new()
        .routes(routes!(complete))
        .routes(routes!(extend))
}

/// Which session.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Session {
    #[schema(value_type = MemberId)]
    member_id: Value,
    #[schema(value_type = EntryNumber)]
    entry_number: Value,
}

impl Session {
    fn parse(self) -> ApiResult<(MemberId, EntryNumber)> {
        let member = self.member_id.as_str().map(MemberId::parse);
        let member = member.and_then(Result::ok);
        let number = self.entry_number.as_u64().map(EntryNumber);
        Ok((
            member.ok_or(Code::Invalid(Field::MemberId))?,
            number.ok_or(Code::Invalid(Field::EntryNumber))?,
        ))
    }
}

/// End a member's session, freeing its slot and revoking its token. Again, or of an entry that is
/// not inside: nothing more happens.
#[utoipa::path(
    post, path = "/v2/reservation/sessions/{concertId}/complete", tag = "origins",
    params(("concertId" = ConcertId, Path)), request_body = Session,
    security(("accessToken" = [])),
    responses((status = 200, body = Success<Empty>))
)]
async fn complete(
    State(service): State<Token>,
    _: Origin,
    PathConcert(id): PathConcert,
    Body(session): Body<Session>,
) -> ApiResult<Reply<Empty>> {
    let (member, number) = session.parse()?;
    service
        .store
        .complete(&id, &member, number)
        .await
        .or_fail()?;
    Ok(Reply::ok(COMPLETED, Empty {}))
}

/// A session's booking token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Extended {
    /// Whether this request moved its end.
    extended: bool,
    /// For the member, in place of the one before.
    token: String,
    expires_at: UnixMs,
}

/// Let a member's session last, once, until `holdDurationMinutes` from now, where that is later.
#[utoipa::path(
    post, path = "/v2/reservation/sessions/{concertId}/extend", tag = "origins",
    params(("concertId" = ConcertId, Path)), request_body = Session,
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Extended>),
        (status = 403, description = "NOT_READY: there is no such session."),
    )
)]
async fn extend(
    State(service): State<Token>,
    _: Origin,
    PathConcert(id): PathConcert,
    Body(session): Body<Session>,
) -> ApiResult<impl IntoResponse> {
    let (member, number) = session.parse()?;
    let extension = service.store.extend(&id, &member, number).await.or_fail()?;
    let extension = extension.ok_or(Code::NotReady)?;
    let reply = Extended {
        extended: extension.extended,
        token: service.sign(&member, &id, &extension.token)?,
        expires_at: UnixMs(extension.token.exp * 1_000),
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Reply::ok(EXTENDED, reply)))
}
