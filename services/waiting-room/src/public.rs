//! The line as everybody may see it.

use axum::{extract::State, response::Response};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, Known, OrFail, PathConcert, Success};
use sunbeon_domain::{ConcertId, EntryNumber, Identity, Mode, Pace, Phase, Text, UnixMs};
use sunbeon_snapshot::{Heard, Snapshots};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const SNAPSHOT: Text = Text {
    ko: "대기열 현황 조회 성공",
    en: "Here is the line.",
};

pub(crate) fn router() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new().routes(routes!(snapshot))
}

/// A line, as everybody may see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "mode": "queue", "identity": "member",
    "state": "open", "head": 1_763_614_800_000_000_u64, "front": 1_763_614_800_000_000_u64, "taken": 44,
    "totalWaitingCount": 1, "pace": {"one": 38,
    "five": 44, "fifteen": 44, "sinceAt": "2026-11-20T05:00:00.000Z"},
    "at": "2026-11-20T05:00:00.000Z"}))]
struct PublicSnapshot {
    concert_id: ConcertId,
    concert_title: String,
    mode: Mode,
    identity: Identity,
    state: Phase,
    /// The entry number of the first entry in line.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<EntryNumber>,
    /// Whoever has this entry number or a later one has not been called; whoever has an earlier one asks
    /// for their status. Left out if nobody is waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<EntryNumber>,
    /// How many entries were ever taken off the front. A member's place is the `queueNumber` that they
    /// were told less what has been taken since: `taken` here less `taken` then.
    taken: u64,
    /// Everyone in line, including those away.
    total_waiting_count: u64,
    /// How many people were taken off the front lately.
    pace: Pace,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    at: UnixMs,
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
    let (snapshot, policy) = (&view.snapshot, &view.snapshot.concert.policy);
    let reply = PublicSnapshot {
        state: snapshot.phase(),
        head: snapshot.head,
        front: snapshot.front,
        taken: snapshot.progress.taken,
        total_waiting_count: snapshot.counts.waiting + snapshot.counts.away,
        pace: snapshot.line_facts.pace,
        at: snapshot.at,
        mode: policy.mode,
        identity: policy.identity,
        concert_id: snapshot.concert.concert_id.clone(),
        concert_title: policy.title.clone(),
        notice: policy.notice.clone(),
    };
    known.answer_ok(SNAPSHOT, reply, "public, max-age=1")
}
