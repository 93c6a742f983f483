//! What members do: enter, check their status, leave.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use sunbeon_chassis::{
    ApiError, ApiResult, Body, Empty, Member, OrFail, PathConcert, Reply, Success,
};
use sunbeon_domain::{Code, ConcertId, Standing, Text};
use sunbeon_store::{Entering, Heard, Leaving, Store};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const ENTERED: Text = Text {
    ko: "대기열 입장 성공",
    en: "You are in line.",
};
const STATUS: Text = Text {
    ko: "대기열 상태 조회 성공",
    en: "Here is your status.",
};
const LEFT: Text = Text {
    ko: "대기열 나가기 성공",
    en: "You have left the line.",
};

pub(crate) fn router() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new()
        .routes(routes!(enter))
        .routes(routes!(status))
}

/// By which a member ends what they have.
pub(crate) fn ending() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new().routes(routes!(exit))
}

/// Names the line to enter.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"concertId": "demo"}))]
struct Enter {
    concert_id: ConcertId,
}

/// Enters the line, or goes straight in if the concert's mode allows it.
///
/// It is safe to repeat: the place is kept.
#[utoipa::path(
    post, path = "/v2/waiting-room/enter", tag = "waiting room", operation_id = "enterWaitingRoom",
    request_body = Enter,
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "GUESTS_NOT_ALLOWED", "CONCERT_NOT_FOUND", {"ALREADY_IN_QUEUE": "Standing"},
        {"NOT_OPEN_YET": {"opensAt": "2026-11-20T01:00:00.000Z"}}, "BOOKING_CLOSED",
        "QUEUE_FULL", "STORE_DOWN", "STORE_FULL",
    ]))),
    responses(
        (status = 201, description = ENTERED.en, body = Success<Standing>),
    )
)]
async fn enter(
    State(store): State<Arc<dyn Store>>,
    State(heard): State<Heard>,
    member: Member,
    Body(body): Body<Enter>,
) -> ApiResult<Reply<Standing>> {
    heard.note(&body.concert_id);
    let entering = store.enter(&body.concert_id, &member.id, &member.name);
    match entering.await.or_fail()? {
        Entering::New(found) => Ok(Reply::created(ENTERED, found.standing())),
        Entering::Already(found) => {
            Err(ApiError::new(Code::AlreadyInQueue).with_data(found.standing()))
        }
        Entering::NotOpenYet { opens_at } => {
            Err(ApiError::new(Code::NotOpenYet).with_data(json!({ "opensAt": opens_at })))
        }
        Entering::Closed => Err(Code::BookingClosed.into()),
        Entering::Full => Err(Code::QueueFull.into()),
        Entering::MembersOnly => Err(Code::GuestsNotAllowed.into()),
    }
}

/// Returns the member's standing.
///
/// Asking also keeps the place: ask again after `pollAfterMs`.
#[utoipa::path(
    get, path = "/v2/waiting-room/status/{concertId}", tag = "waiting room", operation_id = "readStatus",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = STATUS.en, body = Success<Standing>),
    )
)]
async fn status(
    State(store): State<Arc<dyn Store>>,
    State(heard): State<Heard>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Standing>> {
    heard.note(&id);
    let found = store.status(&id, &member.id, true).await.or_fail()?;
    Ok(Reply::ok(STATUS, found.standing()))
}

/// Leaves the line, or ends the session and revokes its booking token.
///
/// Repeating it has no further effect.
#[utoipa::path(
    post, path = "/v2/waiting-room/exit/{concertId}", tag = "waiting room", operation_id = "exitWaitingRoom",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = LEFT.en, body = Success<Empty>),
    )
)]
async fn exit(
    State(store): State<Arc<dyn Store>>,
    State(heard): State<Heard>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Empty>> {
    heard.note(&id);
    store
        .leave(&id, &member.id, Leaving::ByChoice)
        .await
        .or_fail()?;
    Ok(Reply::ok(LEFT, Empty {}))
}
