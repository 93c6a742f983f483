//! One snapshot per line, refreshed by the beat.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRef, State},
    http::header,
    response::IntoResponse,
};
use parking_lot::RwLock;
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, Reply, Rounds, Success};
use sunbeon_domain::{ConcertId, EntryNumber, Identity, Mode, Pace, Phase, Text, UnixMs};
use sunbeon_store::{Heard, Role, Snapshot, Store};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::gauges;

const SNAPSHOT: Text = Text {
    ko: "대기열 현황 조회 성공",
    en: "Here is the line.",
};
const BEAT: Duration = Duration::from_secs(1);
/// Older snapshots are not shown.
const STALE: Duration = Duration::from_secs(5);

/// The latest snapshot of every line.
#[derive(Clone)]
pub(crate) struct Snapshots {
    store: Arc<dyn Store>,
    heard: Heard,
    latest: Arc<RwLock<HashMap<ConcertId, (Instant, Snapshot)>>>,
}

impl Snapshots {
    pub(crate) fn new(store: Arc<dyn Store>, heard: Heard) -> Self {
        Self {
            store,
            heard,
            latest: Arc::default(),
        }
    }

    /// Beats for every line once a second until `shutdown` is cancelled.
    pub(crate) async fn keep_fresh(&self, shutdown: &CancellationToken) {
        Rounds::every(BEAT, "beat")
            .run(shutdown, || self.beat())
            .await;
    }

    async fn beat(&self) -> sunbeon_store::Result<()> {
        let beat = self
            .heard
            .beat(&*self.store, Role::WaitingRoom, |id| self.refresh(id));
        let done = beat.await;
        let mut latest = self.latest.write();
        latest.retain(|_, (taken, _)| taken.elapsed() < STALE);
        done
    }

    async fn refresh(&self, id: ConcertId) -> sunbeon_store::Result<()> {
        let snapshot = self.store.snapshot(&id).await?;
        gauges::show(&snapshot);
        self.latest.write().insert(id, (Instant::now(), snapshot));
        Ok(())
    }

    /// Returns the latest snapshot for a visitor, or asks the store if there is no fresh one.
    async fn get(&self, id: &ConcertId) -> sunbeon_store::Result<Snapshot> {
        self.heard.note(id);
        let latest = self.latest.read().get(id).cloned();
        match latest {
            Some((taken, snapshot)) if taken.elapsed() < STALE => Ok(snapshot),
            _ => self.store.snapshot(id).await,
        }
    }
}

pub(crate) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Snapshots: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(snapshot))
}

/// A line, as everybody may see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "mode": "queue", "identity": "member",
    "state": "open", "head": 1_763_614_800_000_000_u64, "totalWaitingCount": 1, "pace": {"one": 38,
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
        (status = 200, description = SNAPSHOT.en, body = Success<PublicSnapshot>),
    )
)]
async fn snapshot(
    State(snapshots): State<Snapshots>,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    let snapshot = snapshots.get(&id).await.or_fail()?;
    let reply = PublicSnapshot {
        state: snapshot.phase(),
        head: snapshot.head,
        total_waiting_count: snapshot.counts.waiting + snapshot.counts.away,
        pace: snapshot.pace,
        at: snapshot.at,
        mode: snapshot.concert.policy.mode,
        identity: snapshot.concert.policy.identity,
        concert_id: snapshot.concert.concert_id,
        concert_title: snapshot.concert.policy.title,
        notice: snapshot.concert.policy.notice,
    };
    Ok((
        [(header::CACHE_CONTROL, "public, max-age=1")],
        Reply::ok(SNAPSHOT, reply),
    ))
}
