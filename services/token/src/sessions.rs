//! Ending and extending sessions on behalf of a shop's back end.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};
use serde::Deserialize;
use sunbeon_chassis::{ApiResult, Body, Empty, OrFail, Origin, PathConcert, Reply, Success};
use sunbeon_client::ExtendedSession;
use sunbeon_domain::{Code, ConcertId, EntryNumber, MemberId, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const COMPLETED: Text = Text {
    ko: "세션 완료 처리 성공",
    en: "The session has ended.",
};
const EXTENDED: Text = Text {
    ko: "세션 연장 처리 성공",
    en: "Here is the session's booking token; hand it to the member.",
};

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new()
        .routes(routes!(complete))
        .routes(routes!(extend))
}

/// Names a session.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"memberId": "42", "entryNumber": 1_763_614_800_000_000_u64}))]
struct SessionOf {
    member_id: MemberId,
    entry_number: EntryNumber,
}

/// Ends a member's session, freeing its slot and revoking its booking token.
///
/// Repeating it, or naming an entry that is not inside, changes nothing.
#[utoipa::path(
    post, path = "/v2/reservation/sessions/{concertId}/complete", tag = "shop back ends", operation_id = "completeSessionOf",
    request_body = SessionOf,
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = COMPLETED.en, body = Success<Empty>),
    )
)]
async fn complete(
    State(service): State<Arc<Token>>,
    _: Origin,
    PathConcert(id): PathConcert,
    Body(session): Body<SessionOf>,
) -> ApiResult<Reply<Empty>> {
    let SessionOf {
        member_id,
        entry_number,
    } = session;
    let ended = service.store.complete(&id, &member_id, entry_number);
    ended.await.or_fail()?;
    Ok(Reply::ok(COMPLETED, Empty {}))
}

/// Extends a member's session until `holdDurationMinutes` from now, if that is later. Repeat it for
/// every hold; a session never lasts longer than `sessionMinutes` plus `holdDurationMinutes`.
#[utoipa::path(
    post, path = "/v2/reservation/sessions/{concertId}/extend", tag = "shop back ends", operation_id = "extendSessionOf",
    request_body = SessionOf,
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "NOT_READY", "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = EXTENDED.en, body = Success<ExtendedSession>),
    )
)]
async fn extend(
    State(service): State<Arc<Token>>,
    _: Origin,
    PathConcert(id): PathConcert,
    Body(session): Body<SessionOf>,
) -> ApiResult<impl IntoResponse> {
    let member = session.member_id;
    let extended = service.store.extend(&id, &member, session.entry_number);
    let extension = extended.await.or_fail()?.ok_or(Code::NotReady)?;
    let reply = ExtendedSession {
        extended: extension.extended,
        token: service.sign(&member, &id, &extension.token)?,
        expires_at: UnixMs(extension.token.exp * 1_000),
    };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((no_store, Reply::ok(EXTENDED, reply)))
}
