//! The audit: one row before every admin act.

use std::time::SystemTime;

use axum::{Extension, extract::State};
use serde::Serialize;
use serde_json::Value;
use sunbeon_chassis::{Admin, ApiResult, OrFail, QueryPairs, Reply, Success, http::RequestId};
use sunbeon_domain::{ConcertId, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    ReservationOpen,
    registry::{AuditRow, Registry},
};

const AUDIT: Text = Text {
    ko: "감사 기록 조회 성공",
    en: "These are the acts.",
};

/// Writes the audit.
#[derive(Clone)]
pub(crate) struct Audit(Registry);

/// Who does something, in which request.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) admin: Admin,
    pub(crate) request: RequestId,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Actor {
    type Rejection = sunbeon_chassis::ApiError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let admin = Admin::from_request_parts(parts, state).await?;
        let Extension(request) = Extension::<RequestId>::from_request_parts(parts, state)
            .await
            .unwrap_or(Extension(RequestId(String::new())));
        Ok(Self { admin, request })
    }
}

impl Audit {
    pub(crate) fn new(registry: Registry) -> Self {
        Self(registry)
    }

    /// Writes down what is about to be done. Nothing is done where that fails.
    pub(crate) async fn before(
        &self,
        actor: &Actor,
        act: &str,
        concert: &ConcertId,
        detail: Value,
    ) -> ApiResult<()> {
        let at = now();
        let row = AuditRow {
            // Of two acts in one millisecond the later has the larger version 7 UUID.
            id: format!("{:013}-{}", at.0, Uuid::now_v7()),
            at,
            actor: actor.admin.actor.clone(),
            act: act.to_owned(),
            concert_id: concert.to_string(),
            detail: detail.to_string(),
            request_id: actor.request.0.clone(),
        };
        self.0.write_audit(&row).await.or_fail()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an act is written down also without the store"
)]
fn now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new().routes(routes!(audit))
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

impl From<AuditRow> for Act {
    fn from(row: AuditRow) -> Self {
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
async fn audit(State(registry): State<Registry>, query: QueryPairs) -> ApiResult<Reply<Acts>> {
    let concert = query.field("concertId", Field::ConcertId, |text| {
        ConcertId::parse(text).ok()
    })?;
    let before = query.field("cursor", Field::Cursor, |text| {
        let good = text.len() == 50 && text.bytes().all(|byte| byte.is_ascii_graphic());
        good.then(|| text.to_owned())
    })?;
    let limit = query.page_limit()?;
    let rows = registry
        .audit(concert.as_ref(), before.as_deref(), limit)
        .await
        .or_fail()?;
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
