//! Reading the audit.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use sunbeon_chassis::{ApiResult, QueryPairs, Reply, Success};
use sunbeon_domain::{ConcertId, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Audit, table::Row};
use crate::ReservationOpen;

const AUDIT: Text = Text {
    ko: "감사 기록 조회 성공",
    en: "Here is the audit.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One admin act.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntry {
    id: String,
    at: UnixMs,
    /// The member id of the admin, or `admin-token`.
    actor: String,
    act: String,
    concert_id: String,
    detail: Value,
    request_id: String,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            act: row.act,
            concert_id: row.concert_id,
            detail: serde_json::from_str(&row.detail).unwrap_or(Value::Null),
            request_id: row.request_id,
        }
    }
}

/// A page of acts, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"acts": [{"id": "1763614800000-019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11",
    "at": "2026-11-20T05:00:00.000Z", "actor": "boss", "act": "resume", "concertId": "demo",
    "detail": {}, "requestId": "ffc17cc5-c183-4d0e-959c-d1cd9a17efb0"}],
    "nextCursor": "1763614800000-019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11"}))]
struct AuditPage {
    acts: Vec<AuditEntry>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists what operators did, newest first. Each entry was written before its act.
#[utoipa::path(
    get, path = "/v2/admin/audit", tag = "operators", operation_id = "listAudit",
    params(
        ("concertId" = Option<ConcertId>, Query, description = "Only of this concert."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = AUDIT.en, body = Success<AuditPage>),
    )
)]
async fn list(State(audit): State<Audit>, query: QueryPairs) -> ApiResult<Reply<AuditPage>> {
    let concert = query.field("concertId", Field::ConcertId, |text| {
        ConcertId::parse(text).ok()
    })?;
    let before = query.field("cursor", Field::Cursor, |text| {
        let good = text.len() == 50 && text.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| text.to_owned())
    })?;
    let limit = query.page_limit()?;
    let rows = audit
        .page(concert.as_ref(), before.as_deref(), limit)
        .await?;
    let next_cursor = rows
        .last()
        .filter(|_| rows.len() == limit as usize)
        .map(|r| r.id.clone());
    Ok(Reply::ok(
        AUDIT,
        AuditPage {
            acts: rows.into_iter().map(AuditEntry::from).collect(),
            next_cursor,
        },
    ))
}
