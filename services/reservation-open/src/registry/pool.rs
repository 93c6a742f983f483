//! The SQL, the same text for both databases.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgPool, SqlitePool,
    migrate::{
        MigrateError::{Execute, ExecuteMigration},
        Migrator,
    },
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{
        SqliteConnectOptions, SqliteError, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};
use sunbeon_domain::ConcertId;

use super::{
    RegistryError, Result, Row,
    rows::{AuditColumns, AuditRow, ConcertColumns},
};

/// How long a statement may wait for a connection, and on PostgreSQL for its answer.
const LIMIT: Duration = Duration::from_secs(2);
static MIGRATIONS: Migrator = sqlx::migrate!();

/// A pool of either database.
#[derive(Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the same expression on either pool, within the limit.
macro_rules! on {
    ($self:expr, $pool:ident => $query:expr) => {{
        let answer = async {
            match $self {
                Pool::Sqlite($pool) => $query.await,
                Pool::Postgres($pool) => $query.await,
            }
        };
        match tokio::time::timeout(LIMIT * 2, answer).await {
            Ok(answer) => answer.map_err(meaning),
            Err(_) => Err(RegistryError::Down(sqlx::Error::PoolTimedOut)),
        }
    }};
}

impl Pool {
    pub(super) fn open(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url).map_err(RegistryError::Address)?;
            let options = options
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(LIMIT)
                .disable_statement_logging();
            // One connection for good: a database in memory is gone with its last.
            let pool = SqlitePoolOptions::new()
                .max_connections(1)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(LIMIT)
                .connect_lazy_with(options);
            return Ok(Self::Sqlite(pool));
        }
        // By itself the library takes any scheme for PostgreSQL's.
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            let refused = sqlx::Error::Configuration("another scheme".into());
            return Err(RegistryError::Address(refused));
        }
        let options = PgConnectOptions::from_str(url).map_err(RegistryError::Address)?;
        let options = options
            .application_name("sunbeon")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(LIMIT)
            .connect_lazy_with(options);
        Ok(Self::Postgres(pool))
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        let done = match self {
            Self::Sqlite(pool) => match MIGRATIONS.run(pool).await {
                // SQLite has no lock for migrations: who loses a race finds them done.
                Err(Execute(_) | ExecuteMigration(..)) => MIGRATIONS.run(pool).await,
                done => done,
            },
            Self::Postgres(pool) => MIGRATIONS.run(pool).await,
        };
        done.map_err(|error| match error {
            Execute(error) | ExecuteMigration(error, _) => meaning(error),
            other => RegistryError::Bug(other.into()),
        })
    }

    /// Whether the tables are there and answer.
    pub(super) async fn ping(&self) -> Result<()> {
        const SQL: &str = "SELECT 1 FROM audit LIMIT 1";
        on!(self, pool => async { sqlx::query(SQL).execute(pool).await.map(drop) })
    }

    /// `false`: there is a row of this id.
    pub(super) async fn insert(&self, concert: &sunbeon_domain::Concert) -> Result<bool> {
        const SQL: &str = "INSERT INTO concerts (concert_id, version, closed, deleted, policy) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT (concert_id) DO NOTHING";
        let (version, policy) = (signed(concert.version), json(concert)?);
        let done = on!(self, pool => async { sqlx::query(SQL)
            .bind(concert.concert_id.as_str()).bind(version).bind(concert.closed)
            .bind(false).bind(&policy).execute(pool).await.map(|done| done.rows_affected()) })?;
        Ok(done == 1)
    }

    /// Replaces exactly version `was`; `false`: the row has another.
    pub(super) async fn replace(&self, row: &Row, was: u64) -> Result<bool> {
        const SQL: &str = "UPDATE concerts SET version = $1, closed = $2, deleted = $3, \
            policy = $4 WHERE concert_id = $5 AND version = $6";
        let (version, policy) = (signed(row.concert.version), json(&row.concert)?);
        let done = on!(self, pool => async { sqlx::query(SQL)
            .bind(version).bind(row.concert.closed).bind(row.deleted).bind(&policy)
            .bind(row.concert.concert_id.as_str()).bind(signed(was))
            .execute(pool).await.map(|done| done.rows_affected()) })?;
        Ok(done == 1)
    }

    pub(super) async fn find(&self, id: &ConcertId) -> Result<Option<Row>> {
        const SQL: &str = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
            WHERE concert_id = $1";
        let row: Option<ConcertColumns> =
            on!(self, pool => sqlx::query_as(SQL).bind(id.as_str()).fetch_optional(pool))?;
        row.map(Row::try_from).transpose()
    }

    pub(super) async fn all(&self) -> Result<Vec<Row>> {
        const SQL: &str = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
            ORDER BY concert_id";
        let rows: Vec<ConcertColumns> = on!(self, pool => sqlx::query_as(SQL).fetch_all(pool))?;
        rows.into_iter().map(Row::try_from).collect()
    }

    pub(super) async fn page(&self, after: &str, limit: u32) -> Result<Vec<Row>> {
        const SQL: &str = "SELECT concert_id, version, closed, deleted, policy FROM concerts \
            WHERE NOT deleted AND concert_id > $1 ORDER BY concert_id LIMIT $2";
        let rows: Vec<ConcertColumns> = on!(self, pool => sqlx::query_as(SQL)
            .bind(after).bind(i64::from(limit)).fetch_all(pool))?;
        rows.into_iter().map(Row::try_from).collect()
    }

    pub(super) async fn write_audit(&self, row: &AuditRow) -> Result<()> {
        const SQL: &str = "INSERT INTO audit \
            (audit_id, at_ms, actor, act, concert_id, detail, request_id) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        on!(self, pool => async { sqlx::query(SQL)
            .bind(&row.id).bind(row.at.0).bind(&row.actor).bind(&row.act).bind(&row.concert_id)
            .bind(&row.detail).bind(&row.request_id).execute(pool).await.map(drop) })
    }

    pub(super) async fn audit(
        &self,
        concert: &str,
        before: &str,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        const SQL: &str = "SELECT audit_id, at_ms, actor, act, concert_id, detail, request_id \
            FROM audit WHERE ($1 = '' OR concert_id = $1) AND ($2 = '' OR audit_id < $2) \
            ORDER BY audit_id DESC LIMIT $3";
        let rows: Vec<AuditColumns> = on!(self, pool => sqlx::query_as(SQL)
            .bind(concert).bind(before).bind(i64::from(limit)).fetch_all(pool))?;
        Ok(rows.into_iter().map(AuditRow::from).collect())
    }
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn json(concert: &sunbeon_domain::Concert) -> Result<String> {
    serde_json::to_string(&concert.policy).map_err(|error| RegistryError::Bug(error.into()))
}

/// What the database itself says about a statement is a bug; but for a server that is going down
/// or full (classes 08, 53, 57, 58 of PostgreSQL's codes), for a file that is locked, full or
/// unreadable, and for tables that the first migration is yet to make, all else passes.
fn meaning(error: sqlx::Error) -> RegistryError {
    use sqlx::Error::{ColumnDecode, ColumnNotFound, Database, Decode, Encode, TypeNotFound};
    match &error {
        Database(said) => {
            let code = said.code().unwrap_or_default();
            let passes = match said.try_downcast_ref::<SqliteError>() {
                Some(_) => file_is_away(&code),
                None => ["08", "53", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class)),
            };
            let no_tables = code == "42P01" || said.message().starts_with("no such table");
            if passes || no_tables {
                RegistryError::Down(error)
            } else {
                RegistryError::Bug(error.into())
            }
        }
        ColumnDecode { .. } | ColumnNotFound(_) | Decode(_) | Encode(_) | TypeNotFound { .. } => {
            RegistryError::Bug(error.into())
        }
        _ => RegistryError::Down(error),
    }
}

/// SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL and CANTOPEN; the low byte of a code is its kind
/// (<https://www.sqlite.org/rescode.html>).
fn file_is_away(code: &str) -> bool {
    let kind = code.parse::<u32>().map(|code| code & 0xff);
    kind.is_ok_and(|kind| [5, 6, 8, 10, 13, 14].contains(&kind))
}
