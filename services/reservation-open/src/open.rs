//! `open`: an operator admits a batch by hand.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::IntoResponse,
};
use serde::Serialize;
use serde_json::json;
use sunbeon_chassis::{
    ApiError, ApiResult, IdempotencyKey, OrFail, PathConcert, QueryPairs, Reply, Success,
};
use sunbeon_domain::{Code, ConcertId, Field, Text};
use sunbeon_store::{Admission, LimitedBy, Opening, Store, Taken};
use tokio::{task::JoinHandle, time::Instant};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ReservationOpen,
    announcer::Announcer,
    audit::{Actor, Audit},
};

const OPENED: Text = Text {
    ko: "예매 오픈 성공",
    en: "The batch has been admitted.",
};
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How long the answer waits for confirms.
const CONFIRM: Duration = Duration::from_secs(2);

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new().routes(routes!(open))
}

/// The result of an opening.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "requested": 10, "admitted": 1, "stillWaiting": 0, "limitedBy": "line",
    "paused": false, "confirmed": 1}))]
struct OpenedBatch {
    concert_id: ConcertId,
    /// The requested batch size.
    requested: u32,
    /// How many entries were taken off the front.
    admitted: u32,
    still_waiting: u64,
    /// Why no more were taken.
    limited_by: LimitedBy,
    /// Whether the concert is paused; a batch is admitted even then.
    paused: bool,
    /// Messages that the broker confirmed within 2 s; the rest are sent again automatically. Left
    /// out when this repeats the answer for an earlier opening with the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed: Option<usize>,
}

/// Admits a batch from the front of the line, now.
///
/// With an `Idempotency-Key`, repeating the request within 24 hours admits nobody else.
#[utoipa::path(
    post, path = "/v2/reservation/open/{concertId}", tag = "operators", operation_id = "openBatch",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("batchSize" = Option<u32>, Query, minimum = 1, maximum = 10000,
            description = "How many to admit, 1 to 10,000; 10 if left out."),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$",
            description = "A key of your own, 1 to 128 visible ASCII characters: a request repeated with it admits nobody else."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "BOOKING_CLOSED", "IDEMPOTENCY_KEY_REUSED", "BROKER_DOWN",
        "STORE_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = OPENED.en, body = Success<OpenedBatch>, headers(
            ("Idempotent-Replayed" = String, description = "`true` if this repeats the answer to an earlier request."),
        )),
    )
)]
async fn open(
    State(store): State<Arc<dyn Store>>,
    State(announcer): State<Announcer>,
    State(audit): State<Audit>,
    actor: Actor,
    PathConcert(id): PathConcert,
    query: QueryPairs,
    IdempotencyKey(key): IdempotencyKey,
) -> ApiResult<impl IntoResponse> {
    let batch_size = batch_size(&query)?;
    store.snapshot(&id).await.or_fail()?;
    if !announcer.can_publish() {
        let cause = anyhow::anyhow!("there is no connection to the broker");
        return Err(ApiError::new(Code::BrokerDown).caused_by(cause));
    }
    let asked = json!({ "batchSize": batch_size });
    let recorded = audit.before(&actor, "open", &id, asked).await?;
    let opened = take_all(&*store, &announcer, &id, batch_size, key.as_deref()).await?;
    let Opened { last, now, sending } = opened;
    let came = json!({ "batchSize": batch_size, "admitted": now });
    audit.after(recorded, came).await;
    if !sending.is_empty() {
        announcer.advanced(&id, u64::from(last.total), last.still_waiting);
    }
    let replayed = last.replayed && sending.is_empty();
    let confirmed = confirmed(sending).await;
    tracing::info!(concert = %id, batch_size, admitted = last.total, "an operator opened a batch");
    let opened = OpenedBatch {
        concert_id: id,
        requested: batch_size,
        admitted: last.total,
        still_waiting: last.still_waiting,
        limited_by: last.limited_by,
        paused: last.paused,
        confirmed: (!replayed).then_some(confirmed),
    };
    let replayed = replayed.then_some([(REPLAYED, HeaderValue::from_static("true"))]);
    Ok((replayed, Reply::ok(OPENED, opened)))
}

/// What a request took.
struct Opened {
    /// The last answer; its total counts what earlier requests with the same key took, too.
    last: Taken,
    /// How many entries this request took.
    now: usize,
    sending: Vec<JoinHandle<usize>>,
}

/// Takes entries until the batch is full, the line is empty or no slot is free, and announces each
/// call's entries at once. Stops early when messages can no longer be sent.
async fn take_all(
    store: &dyn Store,
    announcer: &Announcer,
    id: &ConcertId,
    batch_size: u32,
    key: Option<&str>,
) -> ApiResult<Opened> {
    let (mut taken, mut now, mut sending) = (0, 0, Vec::new());
    loop {
        let opening = Opening {
            batch_size,
            taken,
            key,
        };
        let mut last = match store.admit(id, opening).await.or_fail()? {
            Admission::Taken(taken) => *taken,
            Admission::Closed => return Err(Code::BookingClosed.into()),
            Admission::KeyReused => return Err(Code::IdempotencyKeyReused.into()),
        };
        taken = last.total;
        let entries = std::mem::take(&mut last.entries);
        now += entries.len();
        if !entries.is_empty() {
            sending.push(announcer.announce(&last.concert, entries));
        }
        if last.more && !announcer.can_publish() {
            last.limited_by = LimitedBy::Broker;
            last.more = false;
        }
        if !last.more {
            return Ok(Opened { last, now, sending });
        }
    }
}

/// Returns how many messages are confirmed within the limit.
async fn confirmed(sending: Vec<JoinHandle<usize>>) -> usize {
    let limit = Instant::now() + CONFIRM;
    let mut confirmed = 0;
    for sent in sending {
        if let Ok(Ok(n)) = tokio::time::timeout_at(limit, sent).await {
            confirmed += n;
        }
    }
    confirmed
}

fn batch_size(query: &QueryPairs) -> ApiResult<u32> {
    let size = query.number("batchSize", Field::BatchSize, 1..=10_000)?;
    Ok(size.unwrap_or(10))
}
