//! The line as everybody may see it.

use serde::Serialize;
use sunbeon_domain::{
    ConcertId, EntryNumber, Estimate, Identity, Mode, Pace, Phase, Stock, UnixMs,
};
use sunbeon_store::Snapshot;
use utoipa::ToSchema;

use crate::View;

/// A line, as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "mode": "queue", "identity": "member",
    "state": "open", "opensAt": "2026-11-20T01:00:00.000Z", "bookingStartAt": "2026-11-20T05:00:00.000Z", "timeZone": "Asia/Seoul",
    "groupSize": 10, "entryIntervalSeconds": 30, "waitingTtlSeconds": 300,
    "autoOpen": true, "head": 1_763_614_800_000_000_u64, "front": 1_763_614_800_000_000_u64, "taken": 44,
    "totalWaitingCount": 1, "full": false, "pace": {"one": 38,
    "five": 44, "fifteen": 44, "sinceAt": "2026-11-20T05:00:00.000Z"},
    "stock": {"tiers": [{"name": "R", "price": 150_000, "left": 12}],
    "reportedAt": "2026-11-20T05:00:00.000Z"}, "soldOut": false,
    "at": "2026-11-20T05:00:00.000Z"}))]
pub struct PublicSnapshot {
    concert_id: ConcertId,
    concert_title: String,
    mode: Mode,
    identity: Identity,
    state: Phase,
    /// When the line opens; left out if it opened with the concert.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<UnixMs>,
    /// When booking starts; left out if it started with the concert.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_start_at: Option<UnixMs>,
    /// When booking ends; left out if only an admin ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_end_at: Option<UnixMs>,
    /// The IANA name of the concert's time zone.
    time_zone: String,
    /// The number of people in one scheduled take.
    group_size: u32,
    /// The seconds between two scheduled takes.
    entry_interval_seconds: u32,
    /// The seconds after which a member who waits and is not seen counts as away.
    waiting_ttl_seconds: u32,
    /// The number of slots; left out if there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_active: Option<u32>,
    /// Whether the schedule admits people; if `false`, only an operator does.
    auto_open: bool,
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
    /// Whether a new entry would be refused, because the line is as long as it may be or the wait too long.
    pub full: bool,
    /// How many people were taken off the front lately.
    pace: Pace,
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    /// What is left; left out if the shop has not reported it in the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<Stock>,
    /// Whether everything is sold and nothing held that could come back.
    pub sold_out: bool,
    at: UnixMs,
}

impl From<&View> for PublicSnapshot {
    fn from(view: &View) -> Self {
        let (snapshot, policy) = (&view.snapshot, &view.snapshot.concert.policy);
        Self {
            state: snapshot.phase(),
            head: snapshot.head,
            front: snapshot.front,
            taken: snapshot.progress.taken,
            total_waiting_count: snapshot.counts.waiting + snapshot.counts.away,
            pace: snapshot.line_facts.pace,
            full: is_full(snapshot),
            at: snapshot.at,
            opens_at: snapshot.concert.opens_at(),
            mode: policy.mode,
            identity: policy.identity,
            booking_start_at: policy.booking_start_at,
            booking_end_at: policy.booking_end_at,
            time_zone: policy.time_zone.clone(),
            group_size: policy.group_size,
            entry_interval_seconds: policy.entry_interval_seconds,
            waiting_ttl_seconds: policy.waiting_ttl_seconds,
            max_active: policy.max_active,
            auto_open: policy.auto_open,
            concert_id: snapshot.concert.concert_id.clone(),
            concert_title: policy.title.clone(),
            notice: policy.notice.clone(),
            stock: snapshot.line_facts.stock.clone(),
            sold_out: snapshot.line_facts.sold_out,
        }
    }
}

fn is_full(snapshot: &Snapshot) -> bool {
    let (policy, counts) = (&snapshot.concert.policy, &snapshot.counts);
    let length = counts.waiting + counts.away;
    let is_long = || {
        let longest = Estimate::longest_line(&snapshot.line_facts, policy, snapshot.at);
        policy.refuse_long_wait && counts.waiting >= longest
    };
    let most = policy.max_queue_size.map(u64::from);
    policy.mode != Mode::Off && (most.is_some_and(|most| length >= most) || is_long())
}
