//! The operators' view of the lines, and cleaning up.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, QueryPairs, Reply, Success};
use sunbeon_domain::{
    ConcertId, EntryNumber, Field, MemberId, Mode, Pace, Phase, Stock, Text, UnixMs,
};
use sunbeon_store::{Counts, Held, Listed, Snapshot, StoreError, Swept, Totals};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const LINE: Text = Text {
    ko: "관리자 대기열 조회 성공",
    en: "Here is the line.",
};
const LINES: Text = Text {
    ko: "전체 대기열 조회 성공",
    en: "Here are the lines.",
};
const SWEPT: Text = Text {
    ko: "만료된 대기열 정리 성공",
    en: "Expired entries were removed.",
};

/// The most calls to the store per line and cleanup, each for up to a thousand entries.
const CALLS: u32 = 100;

pub(crate) fn router() -> OpenApiRouter<Arc<WaitingRoom>> {
    OpenApiRouter::new()
        .routes(routes!(line))
        .routes(routes!(lines))
        .routes(routes!(cleanup))
}

/// The totals since the concert was created.
#[derive(Serialize, ToSchema)]
struct AllTotals {
    /// Everyone who ever became READY.
    admitted: u64,
    #[serde(flatten)]
    totals: Totals,
}

/// One line in numbers. Always `joined = waiting + away + admitting + admitted + left + removed +
/// lapsed + cleared` and `admitted = ready + inside + unclaimed + expired + completed + exited`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Line {
    concert_id: ConcertId,
    concert_title: String,
    mode: Mode,
    state: Phase,
    version: u64,
    at: UnixMs,
    counts: Counts,
    totals: AllTotals,
    /// Whether both sums hold.
    adds_up: bool,
    /// How many were still in line when somebody behind them was taken: 0.
    out_of_order: u64,
    pace: Pace,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_active: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<EntryNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<EntryNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared_through: Option<EntryNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_take_at: Option<UnixMs>,
    /// Why the schedule takes nobody of those who wait, even when a take is due; left out if nothing holds
    /// it, nobody is waiting, or there is no schedule now.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
    /// What is left; left out if the shop has not reported it in the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<Stock>,
    /// Whether everything is sold and nothing held that could come back.
    sold_out: bool,
    /// Whether nobody is called then, and no more than are left otherwise.
    stop_when_sold_out: bool,
    /// Guests refused a token because their address had too many; left out if there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    guests_refused: Option<u64>,
}

impl From<Snapshot> for Line {
    fn from(snapshot: Snapshot) -> Self {
        let totals = AllTotals {
            admitted: snapshot.totals.admitted(),
            totals: snapshot.totals,
        };
        Self {
            state: snapshot.phase(),
            adds_up: snapshot.adds_up(),
            out_of_order: snapshot.out_of_order,
            mode: snapshot.concert.policy.mode,
            max_active: snapshot.concert.policy.max_active,
            version: snapshot.concert.version,
            concert_id: snapshot.concert.concert_id.clone(),
            concert_title: snapshot.concert.policy.title.clone(),
            at: snapshot.at,
            counts: snapshot.counts,
            totals,
            pace: snapshot.line_facts.pace,
            head: snapshot.head,
            last: snapshot.last,
            cleared_through: snapshot.cleared_through,
            last_take_at: snapshot.line_facts.last_take_at,
            held: snapshot.held,
            sold_out: snapshot.line_facts.sold_out,
            stop_when_sold_out: snapshot.concert.policy.stop_when_sold_out,
            stock: snapshot.line_facts.stock,
            guests_refused: Some(snapshot.guests_refused).filter(|many| *many > 0),
        }
    }
}

/// A member in line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MemberInLine {
    member_id: MemberId,
    member_name: String,
    entry_number: EntryNumber,
    /// Not seen lately; the place is still kept.
    away: bool,
}

impl From<Listed> for MemberInLine {
    fn from(listed: Listed) -> Self {
        Self {
            member_id: listed.member,
            member_name: listed.name,
            entry_number: listed.number,
            away: listed.away,
        }
    }
}

/// One line, with a page of its members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "mode": "queue", "state": "open",
    "version": 1, "at": "2026-11-20T05:00:00.000Z", "counts": {"waiting": 1, "away": 0,
    "admitting": 0, "ready": 1, "inside": 0, "slots": 1}, "totals": {"admitted": 1, "joined": 2,
    "byOpen": 0, "bySchedule": 1, "byEnter": 0, "left": 0, "removed": 0, "lapsed": 0,
    "cleared": 0, "unclaimed": 0, "expired": 0, "completed": 0, "exited": 0}, "addsUp": true, "outOfOrder": 0,
    "pace": {"one": 38, "five": 44, "fifteen": 44, "sinceAt": "2026-11-20T05:00:00.000Z"},
    "head": 1_763_614_800_000_000_u64, "last": 1_763_614_800_000_000_u64, "lastTakeAt": "2026-11-20T05:00:00.000Z",
    "stock": {"tiers": [{"name": "R", "price": 150_000, "left": 12}],
    "reportedAt": "2026-11-20T05:00:00.000Z"}, "soldOut": false, "stopWhenSoldOut": true,
    "members": [{"memberId": "42", "memberName": "Kim", "entryNumber": 1_763_614_800_000_000_u64,
    "away": false}], "nextCursor": "1763614800000000"}))]
struct LineWithMembers {
    #[serde(flatten)]
    line: Line,
    /// From the front, or from the cursor.
    members: Vec<MemberInLine>,
    /// The `cursor` of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Returns one line in numbers, with its members page by page from the front.
#[utoipa::path(
    get, path = "/v2/waiting-room/admin/{concertId}", tag = "operators", operation_id = "readLine",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the previous page."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = LINE.en, body = Success<LineWithMembers>),
    )
)]
async fn line(
    State(room): State<Arc<WaitingRoom>>,
    PathConcert(id): PathConcert,
    query: QueryPairs,
) -> ApiResult<Reply<LineWithMembers>> {
    let limit = query.page_limit()?;
    let number = query.number("cursor", Field::Cursor, 0..=EntryNumber::MAX.0)?;
    let cursor = number.map(EntryNumber);
    let line = room.store.snapshot(&id).await.or_fail()?.into();
    let listed = room.store.members(&id, cursor, limit).await.or_fail()?;
    let next_cursor = listed
        .last()
        .filter(|_| listed.len() == limit as usize)
        .map(|listed| listed.number.to_string());
    let members = listed.into_iter().map(MemberInLine::from).collect();
    Ok(Reply::ok(
        LINE,
        LineWithMembers {
            line,
            members,
            next_cursor,
        },
    ))
}

/// All lines in numbers.
#[derive(Serialize, ToSchema)]
#[schema(example = json!(
    {"lines": [{"concertId": "demo", "concertTitle": "Demo Concert", "mode": "queue",
    "state": "open", "version": 1, "at": "2026-11-20T05:00:00.000Z", "counts": {"waiting": 1,
    "away": 0, "admitting": 0, "ready": 1, "inside": 0, "slots": 1}, "totals": {"admitted": 1,
    "joined": 2, "byOpen": 0, "bySchedule": 1, "byEnter": 0, "left": 0, "removed": 0,
    "lapsed": 0, "cleared": 0, "unclaimed": 0, "expired": 0, "completed": 0, "exited": 0},
    "addsUp": true, "outOfOrder": 0, "pace": {"one": 38, "five": 44, "fifteen": 44,
    "sinceAt": "2026-11-20T05:00:00.000Z"}, "head": 1_763_614_800_000_000_u64, "last": 1_763_614_800_000_000_u64,
    "lastTakeAt": "2026-11-20T05:00:00.000Z", "stock": {"tiers": [{"name": "R", "price": 150_000,
    "left": 12}], "reportedAt": "2026-11-20T05:00:00.000Z"}, "soldOut": false,
    "stopWhenSoldOut": true}]}))]
struct Lines {
    lines: Vec<Line>,
}

/// Returns all lines in numbers.
#[utoipa::path(
    get, path = "/v2/waiting-room/admin", tag = "operators", operation_id = "listLines",
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = LINES.en, body = Success<Lines>),
    )
)]
async fn lines(State(room): State<Arc<WaitingRoom>>) -> ApiResult<Reply<Lines>> {
    let mut lines = Vec::new();
    for id in room.store.concerts().await.or_fail()? {
        match room.store.snapshot(&id).await {
            Ok(snapshot) => lines.push(snapshot.into()),
            // Deleted meanwhile, or not this release's to read, which the projection's log says.
            Err(StoreError::UnknownConcert | StoreError::OtherRelease(_)) => {}
            Err(error) => return Err(error).or_fail(),
        }
    }
    Ok(Reply::ok(LINES, Lines { lines }))
}

/// Removes expired entries from all lines, now.
///
/// Expired entries have ended either way; this frees their memory. `more` means that a line had
/// more of them than one call removes: call again.
#[utoipa::path(
    post, path = "/v2/waiting-room/cleanup", tag = "operators", operation_id = "cleanUpLines",
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = SWEPT.en, body = Success<Swept>),
    )
)]
async fn cleanup(State(room): State<Arc<WaitingRoom>>) -> ApiResult<Reply<Swept>> {
    let mut sum = Swept::default();
    for id in room.store.concerts().await.or_fail()? {
        for call in 1..=CALLS {
            let swept = match room.store.tick(&id, false).await {
                Err(StoreError::UnknownConcert | StoreError::OtherRelease(_)) => break,
                ticked => ticked.or_fail()?.swept,
            };
            sum.away += swept.away;
            sum.lapsed += swept.lapsed;
            sum.unclaimed += swept.unclaimed;
            sum.expired += swept.expired;
            sum.more |= swept.more && call == CALLS;
            if !swept.more {
                break;
            }
        }
    }
    Ok(Reply::ok(SWEPT, sum))
}
