//! Reading the audit.

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::Value;
use sunbeon_chassis::{ApiResult, Export, OrFail, QueryPairs, Reply, Success};
use sunbeon_database::DatabaseError;
use sunbeon_domain::{ConcertId, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Audit, table::Act};
use crate::ReservationOpen;

/// How many acts an export reads at a time.
const AT_ONCE: u32 = 500;

const AUDIT: Text = Text {
    ko: "감사 기록 조회 성공",
    en: "Here is the audit.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(csv_file))
        .routes(routes!(json_lines))
}

/// One admin act.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntry {
    id: String,
    at: UnixMs,
    /// The admin's member id, or `admin token` for the static token; no member id contains a space.
    actor: String,
    act: String,
    /// Left out if the act is about no single concert.
    #[serde(skip_serializing_if = "Option::is_none")]
    concert_id: Option<String>,
    /// What was asked, and what came of it where that is a number: `cleared` of a `clear`, `admitted` of an `open`.
    /// A `change` has the fields that were sent and, in `before`, what they were. An act without its number was cut
    /// short.
    detail: Value,
    request_id: String,
}

impl From<Act> for AuditEntry {
    fn from(row: Act) -> Self {
        Self {
            id: row.id,
            at: row.at,
            actor: row.actor,
            act: row.act,
            concert_id: Some(row.concert_id).filter(|id| !id.is_empty()),
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
    /// The `cursor` of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Lists operators' acts, newest first. Each was recorded before it was carried out.
#[utoipa::path(
    get, path = "/v2/admin/audit", tag = "operators", operation_id = "listAudit",
    params(
        ("concertId" = Option<ConcertId>, Query, description = "Only acts on this concert."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the previous page."),
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
    let concert = concert(&query)?;
    let before = query.field("cursor", Field::Cursor, |text| {
        let good = text.len() == 50 && text.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| text.to_owned())
    })?;
    let limit = query.page_limit()?;
    let rows = audit
        .page(concert.as_ref(), before.as_deref(), limit)
        .await
        .or_fail()?;
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

/// Exports the audit as CSV, newest first.
#[utoipa::path(
    get, path = "/v2/admin/audit.csv", tag = "operators", operation_id = "exportAuditAsCsv",
    params(("concertId" = Option<ConcertId>, Query, description = "Only acts on this concert.")),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = "The whole audit, with a header line.", body = String,
            content_type = "text/csv", example = json!("id,at,actor,act,concertId,detail,requestId\n\
                1763614800000-0193,2026-11-20T05:00:00.000Z,boss,pause,demo,{},8d7e\n")),
    )
)]
async fn csv_file(State(audit): State<Audit>, query: QueryPairs) -> ApiResult<Response> {
    export(audit, &query, Export::Csv).await
}

/// Exports the audit as JSON lines, newest first: one act per line, in the list's format.
#[utoipa::path(
    get, path = "/v2/admin/audit.jsonl", tag = "operators", operation_id = "exportAuditAsJsonLines",
    params(("concertId" = Option<ConcertId>, Query, description = "Only acts on this concert.")),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = "The whole audit, one act per line.", body = String,
            content_type = "application/jsonl", example = json!("{\"id\":\"1763614800000-0193\",\
                \"at\":\"2026-11-20T05:00:00.000Z\",\"actor\":\"boss\",\"act\":\"pause\",\
                \"concertId\":\"demo\",\"detail\":{},\"requestId\":\"8d7e\"}\n")),
    )
)]
async fn json_lines(State(audit): State<Audit>, query: QueryPairs) -> ApiResult<Response> {
    export(audit, &query, Export::JsonLines).await
}

async fn export(audit: Audit, query: &QueryPairs, kind: Export) -> ApiResult<Response> {
    let concert = concert(query)?;
    let read = move |last: Option<&AuditEntry>| {
        let (audit, concert) = (audit.clone(), concert.clone());
        let before = last.map(|last| last.id.clone());
        async move {
            let page = audit.page(concert.as_ref(), before.as_deref(), AT_ONCE);
            let acts: Vec<_> = page.await?.into_iter().map(AuditEntry::from).collect();
            Ok::<_, DatabaseError>(acts)
        }
    };
    kind.file("audit", read).await
}

fn concert(query: &QueryPairs) -> ApiResult<Option<ConcertId>> {
    query.field("concertId", Field::ConcertId, |text| {
        ConcertId::parse(text).ok()
    })
}

impl sunbeon_chassis::ExportRow for AuditEntry {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "at",
        "actor",
        "act",
        "concertId",
        "detail",
        "requestId",
    ];

    fn fields(&self) -> Vec<String> {
        let (at, detail) = (self.at.to_string(), self.detail.to_string());
        let (id, actor, act) = (self.id.clone(), self.actor.clone(), self.act.clone());
        let (concert, request) = (
            self.concert_id.clone().unwrap_or_default(),
            self.request_id.clone(),
        );
        vec![id, at, actor, act, concert, detail, request]
    }
}
