//! Several statements as one.

use sqlx::{Postgres, Sqlite};

use crate::{
    Database, DatabaseError, Pool, Record, Result, Value, in_time,
    statement::{bound, for_postgres, for_sqlite},
};

/// A transaction; dropped without [`Transaction::commit`], it never was. On PostgreSQL each
/// statement sees what is committed by then; on SQLite it has the database alone.
#[derive(Debug)]
pub struct Transaction(Either);

#[derive(Debug)]
enum Either {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Database {
    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Transaction> {
        let begun = match &self.0 {
            // What begins with a read cannot always go on to write.
            Pool::Sqlite(pool) => {
                Either::Sqlite(in_time(pool.begin_with("BEGIN IMMEDIATE")).await?)
            }
            Pool::Postgres(pool) => Either::Postgres(in_time(pool.begin()).await?),
        };
        Ok(Transaction(begun))
    }
}

impl Transaction {
    /// Runs one statement; how many rows it changed.
    pub async fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64> {
        match &mut self.0 {
            Either::Sqlite(tx) => {
                let query = bound!(sqlx::query(for_sqlite(sql)), values);
                Ok(in_time(query.execute(&mut **tx)).await?.rows_affected())
            }
            Either::Postgres(tx) => {
                let query = bound!(sqlx::query(for_postgres(sql)), values);
                Ok(in_time(query.execute(&mut **tx)).await?.rows_affected())
            }
        }
    }

    /// Runs one statement; its rows.
    pub async fn rows<R: Record>(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<R>> {
        match &mut self.0 {
            Either::Sqlite(tx) => {
                let query = bound!(sqlx::query_as(for_sqlite(sql)), values);
                in_time(query.fetch_all(&mut **tx)).await
            }
            Either::Postgres(tx) => {
                let query = bound!(sqlx::query_as(for_postgres(sql)), values);
                in_time(query.fetch_all(&mut **tx)).await
            }
        }
    }

    /// Runs one statement; its first row.
    pub async fn row<R: Record>(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<R>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Makes it last.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Either::Sqlite(tx) => in_time(tx.commit()).await,
            Either::Postgres(tx) => in_time(tx.commit()).await,
        }
    }
}

/// Runs a whole transaction, and once more where another was in its way.
pub async fn again<T, W: Future<Output = Result<T>>>(work: impl Fn() -> W) -> Result<T> {
    match work().await {
        Err(DatabaseError::Clash(_)) => work().await,
        done => done,
    }
}
