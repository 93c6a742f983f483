//! Looking up and removing one member.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use sunbeon_chassis::{ApiResult, Empty, OrFail, PathMember, Reply, Success};
use sunbeon_domain::{ConcertId, MemberId, Standing, Text};
use sunbeon_store::{Leaving, Store};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ReservationOpen,
    audit::{Actor, Audit},
};

const FOUND: Text = Text {
    ko: "회원 상태 조회 성공",
    en: "Here is the member's status.",
};
const REMOVED: Text = Text {
    ko: "회원 내보내기 성공",
    en: "The member has been removed.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new().routes(routes!(look_up, remove))
}

/// Returns a member's standing. It does not count as the member's activity.
#[utoipa::path(
    get, path = "/v2/admin/concerts/{concertId}/members/{memberId}", tag = "operators", operation_id = "readMember",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("memberId" = MemberId, Path, description = "The member; characters that a path cannot hold are percent-encoded."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = FOUND.en, body = Success<Standing>, example = json!(
            {"message": FOUND.en, "data": {"concertId": "demo", "concertTitle": "Demo Concert",
            "queueNumber": 4, "totalWaitingCount": 4, "estimatedWaitTime": 1,
            "estimatedEnterTime": "14:00:05", "estimatedWaitSeconds": 5,
            "estimatedEnterAt": "2026-11-20T05:00:05.000Z", "longWait": false, "pollAfterMs": 1000,
            "status": "WAITING", "canEnter": false, "entryNumber": 1_763_614_800_000_000_u64},
            "status": 200})),
    )
)]
async fn look_up(
    State(store): State<Arc<dyn Store>>,
    PathMember(id, member): PathMember,
) -> ApiResult<Reply<Standing>> {
    let found = store.status(&id, &member, false).await.or_fail()?;
    let line_facts = store.snapshot(&id).await.or_fail()?.line_facts;
    Ok(Reply::ok(FOUND, found.standing(&line_facts)))
}

/// Removes a member from the line, or ends their session and revokes its booking token.
///
/// Repeating it has no further effect.
#[utoipa::path(
    delete, path = "/v2/admin/concerts/{concertId}/members/{memberId}", tag = "operators", operation_id = "removeMember",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("memberId" = MemberId, Path, description = "The member; characters that a path cannot hold are percent-encoded."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = REMOVED.en, body = Success<Empty>),
    )
)]
async fn remove(
    State(store): State<Arc<dyn Store>>,
    State(audit): State<Audit>,
    actor: Actor,
    PathMember(id, member): PathMember,
) -> ApiResult<Reply<Empty>> {
    audit
        .before(&actor, "remove", &id, json!({ "memberId": member }))
        .await?;
    store
        .leave(&id, &member, Leaving::Removed)
        .await
        .or_fail()?;
    Ok(Reply::ok(REMOVED, Empty {}))
}
