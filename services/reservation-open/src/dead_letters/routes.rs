//! Reading, repeating and removing dead letters.

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use sunbeon_broker::DEAD_LETTERS_AT_ONCE;
use sunbeon_chassis::{ApiResult, OrFail, QueryPairs, Reply, Success};
use sunbeon_domain::{Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{DeadLetterQueue, shown::Letter};
use crate::{
    ReservationOpen,
    audit::{Actor, Audit},
};

const READ: Text = Text {
    ko: "처리하지 못한 메시지 조회 성공",
    en: "Here are the dead letters.",
};
const REPEATED: Text = Text {
    ko: "처리하지 못한 메시지를 다시 보냈습니다.",
    en: "The dead letters have been sent again.",
};
const REMOVED: Text = Text {
    ko: "처리하지 못한 메시지를 지웠습니다.",
    en: "The dead letters have been removed.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(list, remove))
        .routes(routes!(repeat))
}

/// The oldest dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"total": 1, "deadLetters": [
    {"reason": "rejected", "diedAt": "2026-11-20T05:00:00.000Z", "bodyBytes": 23,
    "body": "{\"messageType\":\"HELLO\"}"}]}))]
struct DeadLetterPage {
    /// How many there are in all.
    total: u32,
    /// Oldest first.
    dead_letters: Vec<Letter>,
}

/// What came of repeating dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"repeated": 2, "unrepeatable": 1, "unconfirmed": 0, "left": 1}))]
struct RepeatedLetters {
    /// How many are on the queue of ENTER messages again, and no longer dead letters.
    repeated: u32,
    /// How many are not ENTER messages: they stay.
    unrepeatable: u32,
    /// How many the broker did not confirm: they stay, although they may have been sent.
    unconfirmed: u32,
    /// How many dead letters there are now.
    left: u32,
}

/// What came of removing dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"removed": 3, "left": 0}))]
struct RemovedLetters {
    removed: u32,
    /// How many dead letters there are now.
    left: u32,
}

/// Lists the oldest messages that no consumer could handle. They stay where they are.
#[utoipa::path(
    get, path = "/v2/admin/dead-letters", tag = "operators", operation_id = "listDeadLetters",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
        description = "How many of the oldest, 1 to 1,000; 100 if left out.")),
    security(("admin" = [])),
    extensions(("x-fails" = json!(["BROKER_DOWN"]))),
    responses((status = 200, description = READ.en, body = Success<DeadLetterPage>))
)]
async fn list(
    State(queue): State<DeadLetterQueue>,
    query: QueryPairs,
) -> ApiResult<Reply<DeadLetterPage>> {
    let limit = query.page_limit()?;
    let letters = queue.broker.read_dead_letters(limit).await.or_fail()?;
    let page = DeadLetterPage {
        total: letters.total,
        dead_letters: letters.oldest.into_iter().map(Letter::from).collect(),
    };
    Ok(Reply::ok(READ, page))
}

/// Sends the oldest dead letters again, and removes those that the broker has confirmed.
///
/// It calls nobody twice: a message counts only for a member who is still waiting for it.
#[utoipa::path(
    post, path = "/v2/admin/dead-letters/repeat", tag = "operators", operation_id = "repeatDeadLetters",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
        description = "How many of the oldest, 1 to 1,000; 1,000 if left out.")),
    security(("admin" = [])),
    extensions(("x-fails" = json!(["BROKER_DOWN", "DATABASE_DOWN"]))),
    responses((status = 200, description = REPEATED.en, body = Success<RepeatedLetters>))
)]
async fn repeat(
    State(queue): State<DeadLetterQueue>,
    State(audit): State<Audit>,
    actor: Actor,
    query: QueryPairs,
) -> ApiResult<Reply<RepeatedLetters>> {
    let limit = limit(&query)?;
    queue
        .record(&audit, &actor, "repeatDeadLetters", limit)
        .await?;
    let came = queue.broker.repeat_dead_letters(limit).await.or_fail();
    queue.changed().await;
    let came = came?;
    tracing::info!(
        repeated = came.repeated,
        left = came.left,
        "an operator sent dead letters again"
    );
    let answer = RepeatedLetters {
        repeated: came.repeated,
        unrepeatable: came.not_enter,
        unconfirmed: came.unconfirmed,
        left: came.left,
    };
    Ok(Reply::ok(REPEATED, answer))
}

/// Removes the oldest dead letters for good.
///
/// No place is lost by it: whoever waits for such a message is sent another one.
#[utoipa::path(
    delete, path = "/v2/admin/dead-letters", tag = "operators", operation_id = "removeDeadLetters",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
        description = "How many of the oldest, 1 to 1,000; 1,000 if left out.")),
    security(("admin" = [])),
    extensions(("x-fails" = json!(["BROKER_DOWN", "DATABASE_DOWN"]))),
    responses((status = 200, description = REMOVED.en, body = Success<RemovedLetters>))
)]
async fn remove(
    State(queue): State<DeadLetterQueue>,
    State(audit): State<Audit>,
    actor: Actor,
    query: QueryPairs,
) -> ApiResult<Reply<RemovedLetters>> {
    let limit = limit(&query)?;
    queue
        .record(&audit, &actor, "removeDeadLetters", limit)
        .await?;
    let came = queue.broker.remove_dead_letters(limit).await.or_fail();
    queue.changed().await;
    let came = came?;
    tracing::info!(
        removed = came.removed,
        left = came.left,
        "an operator removed dead letters"
    );
    let (removed, left) = (came.removed, came.left);
    Ok(Reply::ok(REMOVED, RemovedLetters { removed, left }))
}

impl DeadLetterQueue {
    /// Records an act with the number of dead letters that it concerns.
    async fn record(&self, audit: &Audit, actor: &Actor, act: &str, limit: u32) -> ApiResult<()> {
        let total = self.broker.count_dead_letters().await.or_fail()?;
        let detail = json!({ "deadLetters": total.min(limit) });
        audit.before_all(actor, act, detail).await
    }
}

fn limit(query: &QueryPairs) -> ApiResult<u32> {
    let limit = query.number("limit", Field::Limit, 1..=DEAD_LETTERS_AT_ONCE)?;
    Ok(limit.unwrap_or(DEAD_LETTERS_AT_ONCE))
}
