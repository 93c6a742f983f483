//! What operators see of the lines, and the broom.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, QueryPairs, Reply, Success};
use sunbeon_domain::{ConcertId, EntryNumber, Field, MemberId, Mode, Pace, Phase, Text, UnixMs};
use sunbeon_store::{Counts, Listed, Snapshot, Store, StoreError, Swept, Totals};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const LINE: Text = Text {
    ko: "관리자 대기열 조회 성공",
    en: "This is the line.",
};
const LINES: Text = Text {
    ko: "전체 대기열 조회 성공",
    en: "These are the lines.",
};
const SWEPT: Text = Text {
    ko: "만료된 대기열 정리 성공",
    en: "What had run out is collected.",
};

/// The largest whole number that a Redis score holds exactly: no entry number is larger.
const LAST_NUMBER: u64 = (1 << 53) - 1;

/// A cleanup collects from one line so many times a thousand at most.
const CALLS: u32 = 100;

pub(crate) fn router() -> OpenApiRouter<WaitingRoom> {
    OpenApiRouter::new()
        .routes(routes!(line))
        .routes(routes!(lines))
        .routes(routes!(cleanup))
}

/// The totals since the concert began.
#[derive(Serialize, ToSchema)]
struct AllTotals {
    /// Everyone who became READY.
    admitted: u64,
    #[serde(flatten)]
    totals: Totals,
}

/// One line in numbers. `joined = waiting + away + admitting + admitted + left + removed + lapsed +
/// cleared` and `admitted = ready + inside + unclaimed + expired + completed + exited`, always.
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
            mode: snapshot.concert.policy.mode,
            max_active: snapshot.concert.policy.max_active,
            version: snapshot.concert.version,
            concert_id: snapshot.concert.concert_id,
            concert_title: snapshot.concert.policy.title,
            at: snapshot.at,
            counts: snapshot.counts,
            totals,
            pace: snapshot.pace,
            head: snapshot.head,
            last: snapshot.last,
            cleared_through: snapshot.cleared_through,
            last_take_at: snapshot.last_take_at,
        }
    }
}

/// A member in line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InLine {
    member_id: MemberId,
    member_name: String,
    entry_number: EntryNumber,
    /// Unseen lately; the place is still kept.
    away: bool,
}

impl From<Listed> for InLine {
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
struct LineWithMembers {
    #[serde(flatten)]
    line: Line,
    /// From the front, or behind the cursor.
    members: Vec<InLine>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<EntryNumber>,
}

/// One line: counts, totals, pace, and its members page by page.
#[utoipa::path(
    get, path = "/v2/waiting-room/admin/{concertId}", tag = "admin",
    params(
        ("concertId" = ConcertId, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Members on a page, 1-1,000; 100."),
        ("cursor" = Option<u64>, Query, description = "`nextCursor` of the page before."),
    ),
    security(("accessToken" = [])), responses((status = 200, body = Success<LineWithMembers>))
)]
async fn line(
    State(store): State<Arc<dyn Store>>,
    PathConcert(id): PathConcert,
    query: QueryPairs,
) -> ApiResult<Reply<LineWithMembers>> {
    let limit = query.page_limit()?;
    let cursor = query.number("cursor", Field::Cursor, 0..=LAST_NUMBER)?;
    let cursor = cursor.map(EntryNumber);
    let line = store.snapshot(&id).await.or_fail()?.into();
    let listed = store.members(&id, cursor, limit).await.or_fail()?;
    let next_cursor = listed
        .last()
        .filter(|_| listed.len() == limit as usize)
        .map(|l| l.number);
    let members = listed.into_iter().map(InLine::from).collect();
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
struct Lines {
    lines: Vec<Line>,
}

/// All lines.
#[utoipa::path(
    get, path = "/v2/waiting-room/admin", tag = "admin",
    security(("accessToken" = [])), responses((status = 200, body = Success<Lines>))
)]
async fn lines(State(store): State<Arc<dyn Store>>) -> ApiResult<Reply<Lines>> {
    let mut lines = Vec::new();
    for id in store.concerts().await.or_fail()? {
        match store.snapshot(&id).await {
            Ok(snapshot) => lines.push(snapshot.into()),
            Err(StoreError::UnknownConcert) => {} // dropped meanwhile
            Err(error) => return Err(error).or_fail(),
        }
    }
    Ok(Reply::ok(LINES, Lines { lines }))
}

/// Collect, now and in all lines, what has run out. It has ended either way: this frees memory.
/// With `more`, a line had more than one call may collect: call again.
#[utoipa::path(
    post, path = "/v2/waiting-room/cleanup", tag = "admin",
    security(("accessToken" = [])), responses((status = 200, body = Success<Swept>))
)]
async fn cleanup(State(store): State<Arc<dyn Store>>) -> ApiResult<Reply<Swept>> {
    let mut sum = Swept::default();
    for id in store.concerts().await.or_fail()? {
        for call in 1..=CALLS {
            let swept = match store.sweep(&id).await {
                Err(StoreError::UnknownConcert) => break, // dropped meanwhile
                swept => swept.or_fail()?,
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
