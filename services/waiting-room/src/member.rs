//! What members do: enter, check their status, leave.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderValue, request::Parts},
};
use serde::Deserialize;
use serde_json::json;
use sunbeon_chassis::{
    ApiError, ApiResult, Body, Empty, Member, OrFail, PathConcert, Reply, Success,
};
use sunbeon_domain::{Code, ConcertId, MemberId, Standing, Text};
use sunbeon_snapshot::{Places, Told, View};
use sunbeon_store::{Asker, Entering, Entrant, Leaving};
use sunbeon_tokens::QUEUE_PASS;
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

pub(crate) fn router() -> OpenApiRouter<Arc<WaitingRoom>> {
    OpenApiRouter::new()
        .routes(routes!(enter))
        .routes(routes!(status))
}

/// By which a member ends what they have.
pub(crate) fn ending() -> OpenApiRouter<Arc<WaitingRoom>> {
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
    State(room): State<Arc<WaitingRoom>>,
    member: Member,
    header: PassHeader,
    Body(body): Body<Enter>,
) -> ApiResult<Reply<Standing>> {
    let id = &body.concert_id;
    room.heard.note(id);
    let view = room.snapshots.get(id).await.or_fail()?;
    let pass = presented(&room.places, &header, id, &member.id);
    let told = pass.as_ref().map(|pass| &pass.told);
    let entrant = Entrant {
        member: member.id,
        name: member.name,
    };
    let member = entrant.member.clone();
    match room.entering.ask(id, entrant).await.or_fail()? {
        Entering::New(found) => {
            let standing = room.places.by_store(&view, found, told, &member);
            Ok(Reply::created(ENTERED, standing))
        }
        Entering::Already(found) => {
            let standing = room.places.by_store(&view, found, told, &member);
            Err(ApiError::new(Code::AlreadyInQueue).with_data(standing))
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
/// Asking also keeps the place: ask again after `pollAfterMs`, with the `pass` of the last answer in
/// `X-Queue-Pass`. Without it the answer is the same and costs more.
#[utoipa::path(
    get, path = "/v2/waiting-room/status/{concertId}", tag = "waiting room", operation_id = "readStatus",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("X-Queue-Pass" = Option<String>, Header, description = "The `pass` of the last answer."),
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
    State(room): State<Arc<WaitingRoom>>,
    member: Member,
    header: PassHeader,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Standing>> {
    room.heard.note(&id);
    let view = room.snapshots.get(&id).await.or_fail()?;
    let pass = presented(&room.places, &header, &id, &member.id);
    if let Some(pass) = &pass
        && let Some(now) = pass.told.by_view(&view)
    {
        let standing = by_pass(&room.places, &view, pass, &now, &member.id);
        return Ok(Reply::ok(STATUS, standing));
    }
    let asker = Asker {
        member: member.id.clone(),
        sign_of_life: true,
    };
    let found = room.asking.ask(&id, asker).await.or_fail()?;
    let told = pass.as_ref().map(|pass| &pass.told);
    let standing = room.places.by_store(&view, found, told, &member.id);
    Ok(Reply::ok(STATUS, standing))
}

/// The `X-Queue-Pass` of a request, without a copy of the other headers.
struct PassHeader(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for PassHeader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(QUEUE_PASS).cloned()))
    }
}

/// The pass that a member presents.
struct Presented<'a> {
    text: &'a str,
    told: Told,
}

/// The member's pass; one that is not theirs, or not ours, says nothing.
fn presented<'a>(
    places: &Places,
    header: &'a PassHeader,
    id: &ConcertId,
    member: &MemberId,
) -> Option<Presented<'a>> {
    let text = header.0.as_ref()?.to_str().ok()?;
    let told = places.read(text, id, member)?;
    Some(Presented { text, told })
}

/// The standing by a pass, for which the store was not asked. A place that has not changed keeps its pass.
fn by_pass(
    places: &Places,
    view: &View,
    pass: &Presented<'_>,
    now: &Told,
    member: &MemberId,
) -> Standing {
    places.by_told(view, now, || {
        if *now == pass.told {
            Some(pass.text.to_owned())
        } else {
            places.sign(now, &view.snapshot.concert.concert_id, member)
        }
    })
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
    State(room): State<Arc<WaitingRoom>>,
    member: Member,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Empty>> {
    room.heard.note(&id);
    room.store
        .leave(&id, &member.id, Leaving::ByChoice)
        .await
        .or_fail()?;
    Ok(Reply::ok(LEFT, Empty {}))
}
