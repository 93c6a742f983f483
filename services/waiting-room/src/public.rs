//! The line as everybody may see it.

use axum::{extract::State, response::Response};
use sunbeon_chassis::{ApiResult, Known, OrFail, PathConcert, Success};
use sunbeon_domain::{ConcertId, Text};
use sunbeon_snapshot::{Heard, PublicSnapshot, Snapshots};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const SNAPSHOT: Text = Text {
    ko: "대기열 현황 조회 성공",
    en: "Here is the line.",
};

pub(crate) fn router() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new().routes(routes!(snapshot))
}

/// Returns a line in numbers, about a second old, to anyone.
///
/// It may be cached for a second.
#[utoipa::path(
    get, path = "/v2/waiting-room/snapshot/{concertId}", tag = "waiting room", operation_id = "readSnapshot",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = SNAPSHOT.en, body = Success<PublicSnapshot>,
            headers(("ETag" = String, description = "To be sent in `If-None-Match`."))),
        (status = 304, description = "The line has not changed since the `ETag`."),
    )
)]
async fn snapshot(
    State(snapshots): State<Snapshots>,
    State(heard): State<Heard>,
    PathConcert(id): PathConcert,
    known: Known,
) -> ApiResult<Response> {
    heard.note(&id);
    let view = snapshots.get(&id).await.or_fail()?;
    let reply = PublicSnapshot::from(&view);
    known.answer_ok(SNAPSHOT, reply, "public, max-age=1")
}
