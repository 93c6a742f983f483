//! The line as everybody may see it.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, response::Response};
use parking_lot::RwLock;
use sunbeon_chassis::{ApiResult, Known, OrFail, PathConcert, Success, Whole, envelope::language};
use sunbeon_domain::{ConcertId, Language, Text};
use sunbeon_snapshot::{PublicSnapshot, Snapshots, View};
use sunbeon_store::Snapshot;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::WaitingRoom;

const SNAPSHOT: Text = Text {
    ko: "대기열 현황 조회 성공",
    en: "Here is the line.",
};

pub(crate) fn router() -> OpenApiRouter<Arc<WaitingRoom>> {
    OpenApiRouter::new().routes(routes!(snapshot))
}

/// What everybody is answered about each line, as long as its snapshot is the latest. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct PublicAnswers(Arc<RwLock<HashMap<Language, OfLines>>>);

type OfLines = HashMap<ConcertId, (Arc<Snapshot>, Whole)>;

impl PublicAnswers {
    /// Returns the answer about a line in a language, made once for each snapshot.
    fn get(&self, view: &View, language: Language) -> ApiResult<Whole> {
        let id = &view.snapshot.concert.concert_id;
        if let Some((of, whole)) = self.0.read().get(&language).and_then(|lines| lines.get(id))
            && Arc::ptr_eq(of, &view.snapshot)
        {
            return Ok(whole.clone());
        }
        let whole = Whole::new(SNAPSHOT, language, PublicSnapshot::from(view))?;
        let made = (view.snapshot.clone(), whole.clone());
        let mut answers = self.0.write();
        answers
            .entry(language)
            .or_default()
            .insert(id.clone(), made);
        Ok(whole)
    }

    /// Forgets what is not answered any more.
    pub(crate) fn forget_stale(&self, latest: &Snapshots) {
        for lines in self.0.write().values_mut() {
            lines.retain(|id, _| latest.latest(id).is_some());
        }
    }
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
    State(room): State<Arc<WaitingRoom>>,
    PathConcert(id): PathConcert,
    known: Known,
) -> ApiResult<Response> {
    room.heard.note(&id);
    let view = room.snapshots.get(&id).await.or_fail()?;
    let whole = room.public.get(&view, language())?;
    Ok(known.answer_whole(&whole, "public, max-age=1"))
}
