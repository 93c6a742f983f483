//! The audit: one row, written before every admin act; what came of it is added.

pub(crate) mod routes;
mod table;

use std::time::SystemTime;

use serde_json::Value;
use sunbeon_chassis::{Admin, ApiError, ApiResult, OrFail, http::request_id};
use sunbeon_database::{Database, DatabaseError};
use sunbeon_domain::{ConcertId, UnixMs};
use uuid::Uuid;

pub(crate) use self::table::STATEMENTS;
use self::table::{Act, Table};

/// The audit. A cheap handle.
#[derive(Clone)]
pub(crate) struct Audit(Table);

/// The row of an act that is under way.
pub(crate) struct Recorded(String);

/// The admin who acts, and the request.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) admin: Admin,
    pub(crate) request_id: String,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Actor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> ApiResult<Self> {
        let admin = Admin::from_request_parts(parts, state).await?;
        let request_id = request_id().unwrap_or_default();
        Ok(Self { admin, request_id })
    }
}

impl Audit {
    pub(crate) fn new(database: Database) -> Self {
        Self(Table::new(database))
    }

    /// Records an act before it is carried out. If that fails, the act must not happen.
    pub(crate) async fn before(
        &self,
        actor: &Actor,
        act: &str,
        concert: &ConcertId,
        detail: Value,
    ) -> ApiResult<Recorded> {
        self.write(actor, act, concert.as_str(), detail).await
    }

    /// Records an act that is about no single concert.
    pub(crate) async fn before_all(
        &self,
        actor: &Actor,
        act: &str,
        detail: Value,
    ) -> ApiResult<()> {
        self.write(actor, act, "", detail).await.map(drop)
    }

    /// Replaces an act's detail by one that says what came of it. The act is done: if this fails, its row stays
    /// as it was.
    pub(crate) async fn after(&self, Recorded(id): Recorded, detail: Value) {
        if let Err(error) = self.0.set_detail(&id, &detail.to_string()).await {
            tracing::warn!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "could not record what came of an operator's act; the audit says only what was asked"
            );
        }
    }

    async fn write(
        &self,
        actor: &Actor,
        act: &str,
        concert: &str,
        detail: Value,
    ) -> ApiResult<Recorded> {
        let at = now();
        let row = Act {
            // Within one millisecond, a later version 7 UUID is larger.
            id: format!("{:013}-{}", at.0, Uuid::now_v7()),
            at,
            actor: actor.admin.actor.clone(),
            act: act.to_owned(),
            concert_id: concert.to_owned(),
            detail: detail.to_string(),
            request_id: actor.request_id.clone(),
        };
        self.0.write(&row).await.or_fail()?;
        Ok(Recorded(row.id))
    }

    /// Returns up to `limit` rows before an id, newest first, of one concert or of all.
    async fn page(
        &self,
        concert: Option<&ConcertId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Act>, DatabaseError> {
        self.0.page(concert, before, limit).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "acts are recorded even without the store"
)]
fn now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
