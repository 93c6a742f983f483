#![doc = include_str!("../README.md")]

mod driver;
mod error;
mod limit;
mod open;
mod private;
mod record;
mod sqlite;
mod statement;
mod transaction;
mod value;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::{sync::SetOnce, time::timeout};

pub use self::{
    error::{DatabaseError, Result},
    open::Migration,
    record::{Cell, Column, Record, Row},
    statement::Statement,
    transaction::{Transaction, again},
    value::Value,
};
use self::{
    limit::{LIMIT, in_time},
    sqlite::Sqlite,
};

/// A pool of connections to either database. A cheap handle.
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    migrated: Arc<SetOnce<()>>,
}

#[derive(Debug, Clone)]
enum Pool {
    Sqlite(Sqlite),
    Postgres(PgPool),
}

impl Database {
    /// Runs one statement on its own and returns how many rows it changed.
    pub async fn execute(&self, statement: &Statement, values: &[Value]) -> Result<u64> {
        let work = async {
            let mut connection = self.acquire().await?;
            connection.borrow().execute(statement, values).await
        };
        in_time(work).await
    }

    /// Runs one statement on its own and returns its rows.
    pub async fn rows<R: Record>(&self, statement: &Statement, values: &[Value]) -> Result<Vec<R>> {
        record::read_all(self.fetch(statement, values).await?)
    }

    /// Runs one statement on its own and returns its first row.
    pub async fn row<R: Record>(
        &self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Option<R>> {
        record::read_first(self.fetch(statement, values).await?)
    }

    /// Compiles a statement without running it, for tests that check every statement.
    pub async fn prepare(&self, statement: &Statement) -> Result<()> {
        in_time(async { self.acquire().await?.borrow().prepare(statement).await }).await
    }

    /// Waits until [`Database::migrate`] has succeeded once, at most two seconds: a process whose
    /// database is down starts all the same.
    pub async fn migrated(&self) {
        let _ = timeout(LIMIT, self.migrated.wait()).await;
    }

    /// Closes every connection; later calls fail. The last connection to a SQLite file moves
    /// everything from `-wal` into the file itself. Waits at most two seconds for running calls.
    pub async fn close(&self) {
        let closed = async {
            match &self.pool {
                Pool::Sqlite(pool) => pool.close().await,
                Pool::Postgres(pool) => pool.close().await,
            }
        };
        let _ = timeout(LIMIT, closed).await;
    }

    async fn fetch(&self, statement: &Statement, values: &[Value]) -> Result<Vec<Row>> {
        let work = async {
            let mut connection = self.acquire().await?;
            connection.borrow().fetch(statement, values).await
        };
        in_time(work).await
    }
}
