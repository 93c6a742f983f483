//! What a member does: enter, look, leave.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use sunbeon_chassis::{
    ApiError, ApiResult, Body, Empty, Member, OrFail, PathConcert, Reply, Success,
};
use sunbeon_domain::{Code, ConcertId, Field, Standing, Text};
use sunbeon_store::{Entering, Leaving, Store};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const ENTERED: Text = Text {
    ko: "대기열 입장 성공",
    en: "You are in line.",
};
const STATUS: Text = Text {
    ko: "대기열 상태 조회 성공",
    en: "This is where you stand.",
};
const LEFT: Text = Text {
    ko: "대기열 나가기 성공",
    en: "You have left the line.",
};

pub(crate) fn router() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new()
        .routes(routes!(enter))
        .routes(routes!(status))
        .routes(routes!(exit))
}

/// Which line to enter.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Enter {
    #[schema(value_type = ConcertId)]
    concert_id: String,
}

/// Line up, or go straight in where the concert's mode says so.
#[utoipa::path(
    post, path = "/v2/waiting-room/enter", tag = "waiting-room", request_body = Enter,
    security(("accessToken" = [])),
    responses(
        (status = 201, body = Success<Standing>, description = "A new entry."),
        (status = 409, description = "ALREADY_IN_QUEUE with the standing in `data`, \
            NOT_OPEN_YET with `opensAt`, BOOKING_CLOSED, QUEUE_FULL."),
        (status = 403, description = "GUESTS_NOT_ALLOWED."),
    )
)]
async fn enter(
    State(store): State<Arc<dyn Store>>,
    member: Member,
    Body(body): Body<Enter>,
) -> ApiResult<Reply<Standing>> {
    let id = ConcertId::parse(body.concert_id).map_err(|_| Code::Invalid(Field::ConcertId))?;
    match store.enter(&id, &member.id, &member.name).await.or_fail()? {
        Entering::New(sight) => Ok(Reply::created(ENTERED, sight.standing())),
        Entering::Already(sight) => {
            Err(ApiError::new(Code::AlreadyInQueue).with_data(sight.standing()))
        }
        Entering::NotOpenYet { opens_at } => {
            Err(ApiError::new(Code::NotOpenYet).with_data(json!({ "opensAt": opens_at })))
        }
        Entering::Closed => Err(Code::BookingClosed.into()),
        Entering::Full => Err(Code::QueueFull.into()),
        Entering::MembersOnly => Err(Code::GuestsNotAllowed.into()),
    }
}

/// Where do I stand? Also the sign of life that keeps the place.
#[utoipa::path(
    get, path = "/v2/waiting-room/status/{concertId}", tag = "waiting-room",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses((status = 200, body = Success<Standing>))
)]
async fn status(
    State(store): State<Arc<dyn Store>>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Standing>> {
    let sight = store.status(&id, &member.id, true).await.or_fail()?;
    Ok(Reply::ok(STATUS, sight.standing()))
}

/// Leave the line, or end the session. Again: nothing more happens.
#[utoipa::path(
    post, path = "/v2/waiting-room/exit/{concertId}", tag = "waiting-room",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses((status = 200, body = Success<Empty>))
)]
async fn exit(
    State(store): State<Arc<dyn Store>>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Empty>> {
    store
        .leave(&id, &member.id, Leaving::ByChoice)
        .await
        .or_fail()?;
    Ok(Reply::ok(LEFT, Empty {}))
}
