//! The audit's table, with the same SQL for both databases.

use sunbeon_database::{Database, DatabaseError, statements, values};
use sunbeon_domain::{ConcertId, UnixMs};

type Result<T> = std::result::Result<T, DatabaseError>;

statements! {
    INSERT = "INSERT INTO audit \
        (audit_id, at_ms, actor, act, concert_id, detail, request_id) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    SET_DETAIL = "UPDATE audit SET detail = $2 WHERE audit_id = $1";
    PAGE = "SELECT audit_id, at_ms, actor, act, concert_id, detail, request_id \
        FROM audit WHERE ($1 = '' OR concert_id = $1) AND ($2 = '' OR audit_id < $2) \
        ORDER BY audit_id DESC LIMIT $3";
}

/// The table. A cheap handle.
#[derive(Clone)]
pub(super) struct Table(Database);

impl Table {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    pub(super) async fn write(&self, row: &Act) -> Result<()> {
        let (id, actor, act, concert) = (&row.id, &row.actor, &row.act, &row.concert_id);
        let (detail, request) = (&row.detail, &row.request_id);
        let values = values![id, row.at.0, actor, act, concert, detail, request];
        self.0.execute(&INSERT, values).await?;
        Ok(())
    }

    pub(super) async fn set_detail(&self, id: &str, detail: &str) -> Result<()> {
        self.0.execute(&SET_DETAIL, values![id, detail]).await?;
        Ok(())
    }

    /// Returns up to `limit` rows before an id, newest first, of one concert or of all.
    pub(super) async fn page(
        &self,
        concert: Option<&ConcertId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Act>> {
        let (concert, before) = (
            concert.map_or("", ConcertId::as_str),
            before.unwrap_or_default(),
        );
        let rows: Vec<Columns> = self.0.rows(&PAGE, values![concert, before, limit]).await?;
        Ok(rows.into_iter().map(Act::from).collect())
    }
}

/// One admin act.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) id: String,
    pub(super) at: UnixMs,
    pub(super) actor: String,
    pub(super) act: String,
    /// Empty if the act is about no single concert.
    pub(super) concert_id: String,
    /// JSON.
    pub(super) detail: String,
    pub(super) request_id: String,
}

/// audit_id, at_ms, actor, act, concert_id, detail, request_id.
type Columns = (String, i64, String, String, String, String, String);

impl From<Columns> for Act {
    fn from((id, at, actor, act, concert_id, detail, request_id): Columns) -> Self {
        Self {
            id,
            at: UnixMs(at),
            actor,
            act,
            concert_id,
            detail,
            request_id,
        }
    }
}
