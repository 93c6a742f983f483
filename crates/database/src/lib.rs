#![doc = include_str!("../README.md")]

mod error;
mod open;
mod statement;
mod transaction;
mod value;

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

pub use self::{
    error::DatabaseError,
    open::Migration,
    statement::Record,
    transaction::{Transaction, again},
    value::Value,
};

/// What a call of this crate answers.
pub type Result<T> = std::result::Result<T, DatabaseError>;

/// How long a call may wait for a connection.
const LIMIT: Duration = Duration::from_secs(2);

/// A pool of connections to either database. A cheap handle.
#[derive(Debug, Clone)]
pub struct Database(Pool);

#[derive(Debug, Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs a future within twice the limit; without an answer by then the database is down.
async fn in_time<T>(work: impl Future<Output = std::result::Result<T, sqlx::Error>>) -> Result<T> {
    match tokio::time::timeout(LIMIT * 2, work).await {
        Ok(done) => done.map_err(DatabaseError::from),
        Err(_) => Err(DatabaseError::Down(sqlx::Error::PoolTimedOut)),
    }
}
