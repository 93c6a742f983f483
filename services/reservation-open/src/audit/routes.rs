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
    en: "These are the acts.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One admin act.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Act {
    id: String,
    at: UnixMs,
    /// The member id of the admin, or `admin-token`.
    actor: String,
    act: String,
    concert_id: String,
    detail: Value,
    request_id: String,
}

impl From<Row> for Act {
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
struct Acts {
    acts: Vec<Act>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Who did what and when, newest first. Each row was written before its act.
#[utoipa::path(
    get, path = "/v2/admin/audit", tag = "admin",
    params(
        ("concertId" = Option<ConcertId>, Query, description = "Of one concert alone."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "1-1,000; 100."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    security(("accessToken" = [])), responses((status = 200, body = Success<Acts>))
)]
async fn list(State(audit): State<Audit>, query: QueryPairs) -> ApiResult<Reply<Acts>> {
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
        Acts {
            acts: rows.into_iter().map(Act::from).collect(),
            next_cursor,
        },
    ))
}
