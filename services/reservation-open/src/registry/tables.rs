//! The registry's SQL, the same for both databases.

use sunbeon_database::{Database, DatabaseError, Migration, statements, values};
use sunbeon_domain::ConcertId;

use super::{
    error::Result,
    rows::{ConcertColumns, Registered},
};

const MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "concerts and audit",
    sql: include_str!("../../migrations/0001_concerts_and_audit.sql"),
}];

statements! {
    /// Writes no rows, which a read-only database refuses.
    IS_UP = "DELETE FROM audit WHERE 1 = 0";
    INSERT = "INSERT INTO concerts (concert_id, version, closed, deleted, policy) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (concert_id) DO NOTHING";
    REPLACE = "UPDATE concerts SET version = $1, closed = $2, deleted = $3, \
        policy = $4 WHERE concert_id = $5 AND version = $6";
    FIND = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
        WHERE concert_id = $1";
    ALL = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
        ORDER BY concert_id";
    PAGE = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
        WHERE NOT deleted AND concert_id > $1 ORDER BY concert_id LIMIT $2";
}

/// The tables.
#[derive(Clone)]
pub(super) struct Tables(Database);

impl Tables {
    pub(super) fn open(url: &str) -> Result<Self> {
        Ok(Self(Database::open(url)?))
    }

    pub(super) fn database(&self) -> &Database {
        &self.0
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        Ok(self.0.migrate(&MIGRATIONS).await?)
    }

    /// Fails unless the tables exist and accept writes.
    pub(super) async fn ping(&self) -> Result<()> {
        self.0.execute(&IS_UP, values![]).await?;
        Ok(())
    }

    /// Inserts a concert. Returns `false` if a row with this id exists.
    pub(super) async fn insert(&self, concert: &sunbeon_domain::Concert) -> Result<bool> {
        let (version, policy) = (signed(concert.version), json(concert)?);
        let id = concert.concert_id.as_str();
        let values = values![id, version, concert.closed, false, policy];
        Ok(self.0.execute(&INSERT, values).await? == 1)
    }

    /// Replaces version `was` of a row. Returns `false` if the row has another version.
    pub(super) async fn replace(&self, row: &Registered, was: u64) -> Result<bool> {
        let (version, policy) = (signed(row.concert.version), json(&row.concert)?);
        let (id, closed) = (row.concert.concert_id.as_str(), row.concert.closed);
        let values = values![version, closed, row.deleted, policy, id, signed(was)];
        Ok(self.0.execute(&REPLACE, values).await? == 1)
    }

    pub(super) async fn find(&self, id: &ConcertId) -> Result<Option<Registered>> {
        let row: Option<ConcertColumns> = self.0.row(&FIND, values![id.as_str()]).await?;
        row.map(Registered::try_from).transpose()
    }

    pub(super) async fn all(&self) -> Result<Vec<Registered>> {
        let rows: Vec<ConcertColumns> = self.0.rows(&ALL, values![]).await?;
        rows.into_iter().map(Registered::try_from).collect()
    }

    pub(super) async fn page(&self, after: &str, limit: u32) -> Result<Vec<Registered>> {
        let rows: Vec<ConcertColumns> = self.0.rows(&PAGE, values![after, limit]).await?;
        rows.into_iter().map(Registered::try_from).collect()
    }
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn json(concert: &sunbeon_domain::Concert) -> Result<String> {
    serde_json::to_string(&concert.policy).map_err(|error| DatabaseError::Bug(error.into()).into())
}
