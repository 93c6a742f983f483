//! Acts on a whole concert: pause, resume, close, clear.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Concert, ConcertId, Text};
use sunbeon_store::Store;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::concerts::CHANGED;
use crate::{ReservationOpen, audit::Actor};

const CLEARED: Text = Text {
    ko: "대기열 비우기 성공",
    en: "The line has been cleared.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(close))
        .routes(routes!(clear))
}

/// Declares a route that changes one property of a concert and is named after its act.
macro_rules! switch {
    ($(#[$doc:meta])* $act:ident, $path:literal, $operation:literal, $set:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            post, path = $path, tag = "operators", operation_id = $operation,
            params(
                ("concertId" = ConcertId, Path, description = "The concert."),
            ),
            security(("admin" = [])),
            extensions(("x-fails" = json!([
                "CONCERT_NOT_FOUND", "BOOKING_CLOSED", "VERSION_MISMATCH", "STORE_DOWN",
                "DATABASE_DOWN",
            ]))),
            responses(
                (status = 200, description = CHANGED.en, body = Success<Concert>),
            )
        )]
        async fn $act(
            State(service): State<ReservationOpen>,
            actor: Actor,
            PathConcert(id): PathConcert,
        ) -> ApiResult<Reply<Concert>> {
            service.set(&actor, stringify!($act), &id, $set).await
        }
    };
}

switch!(
    /// Pauses a concert: people can still line up, but nobody is admitted by the schedule or straight
    /// in, and nobody lapses.
    pause,
    "/v2/admin/concerts/{concertId}/pause",
    "pauseConcert",
    |concert| concert.policy.paused = true
);

switch!(
    /// Resumes a concert after a pause.
    resume,
    "/v2/admin/concerts/{concertId}/resume",
    "resumeConcert",
    |concert| concert.policy.paused = false
);

switch!(
    /// Closes a concert permanently: the line is emptied, and those inside may finish.
    ///
    /// Repeating it has no further effect.
    close,
    "/v2/admin/concerts/{concertId}/close",
    "closeConcert",
    |concert| concert.closed = true
);

/// The number of entries that were in line.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"cleared": 0}))]
struct ClearedLine {
    cleared: u64,
}

/// Empties the line: waiting, away and admitting entries. Sessions continue.
#[utoipa::path(
    post, path = "/v2/admin/concerts/{concertId}/clear", tag = "operators", operation_id = "clearLine",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = CLEARED.en, body = Success<ClearedLine>),
    )
)]
async fn clear(
    State(service): State<ReservationOpen>,
    State(store): State<Arc<dyn Store>>,
    actor: Actor,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<ClearedLine>> {
    let snapshot = store.snapshot(&id).await.or_fail()?;
    let audit = &service.audit;
    let recorded = audit.before(&actor, "clear", &id, json!({})).await?;
    let cleared = store.clear(&id).await.or_fail()?;
    audit.after(recorded, json!({ "cleared": cleared })).await;
    service.announcer.changed(&id, snapshot.concert.version);
    Ok(Reply::ok(CLEARED, ClearedLine { cleared }))
}

impl ReservationOpen {
    /// Changes one property of a concert, whatever its version.
    async fn set(
        &self,
        actor: &Actor,
        act: &str,
        id: &ConcertId,
        set: impl Fn(&mut Concert),
    ) -> ApiResult<Reply<Concert>> {
        let edit = |concert: &Concert| {
            let mut edited = concert.clone();
            set(&mut edited);
            Ok(edited)
        };
        let concert = self.edit(actor, act, id, |_| json!({}), edit).await?;
        Ok(Reply::ok(CHANGED, concert))
    }
}
