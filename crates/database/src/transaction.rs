//! Several statements as one.

use sqlx::Postgres;

use crate::{
    Database, DatabaseError, Pool, Record, Result, Row, Statement, Value, driver::Connection,
    limit::in_time, record,
};

/// A transaction. Dropped without [`Transaction::commit`], it changes nothing. On PostgreSQL every
/// statement sees whatever is committed by then; on SQLite a transaction has the database to
/// itself.
#[derive(Debug)]
pub struct Transaction(Either);

#[derive(Debug)]
enum Either {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Database {
    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Transaction> {
        let begun = async {
            Ok::<_, DatabaseError>(match &self.pool {
                // A transaction that begins with a read cannot always be upgraded to write.
                Pool::Sqlite(pool) => {
                    let pool = pool.opened().await?;
                    Either::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?)
                }
                Pool::Postgres(pool) => Either::Postgres(pool.begin().await?),
            })
        };
        in_time(begun).await.map(Transaction)
    }
}

impl Transaction {
    /// Runs one statement and returns how many rows it changed.
    pub async fn execute(&mut self, statement: &Statement, values: &[Value]) -> Result<u64> {
        in_time(self.connection().execute(statement, values)).await
    }

    /// Runs one statement and returns its rows.
    pub async fn rows<R: Record>(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Vec<R>> {
        record::read_all(self.fetch(statement, values).await?)
    }

    /// Runs one statement and returns its first row.
    pub async fn row<R: Record>(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Option<R>> {
        record::read_first(self.fetch(statement, values).await?)
    }

    /// Makes the changes permanent.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Either::Sqlite(tx) => in_time(tx.commit()).await,
            Either::Postgres(tx) => in_time(tx.commit()).await,
        }
    }

    async fn fetch(&mut self, statement: &Statement, values: &[Value]) -> Result<Vec<Row>> {
        in_time(self.connection().fetch(statement, values)).await
    }

    fn connection(&mut self) -> Connection<'_> {
        match &mut self.0 {
            Either::Sqlite(tx) => Connection::Sqlite(tx),
            Either::Postgres(tx) => Connection::Postgres(tx),
        }
    }
}

/// Runs a whole transaction, and retries it once if another transaction was in its way.
pub async fn again<T, W: Future<Output = Result<T>>>(work: impl Fn() -> W) -> Result<T> {
    match work().await {
        Err(DatabaseError::Clash(_)) => work().await,
        done => done,
    }
}
