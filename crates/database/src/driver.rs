//! Running statements, once per driver. Nothing here is generic over rows, so that callers do not
//! each compile a driver again.

use sqlx::{
    Column as _, Decode, Executor, PgConnection, Postgres, Row as _, SqliteConnection, TypeInfo,
    ValueRef,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{Cell, Database, DatabaseError, Pool, Result, Row, Statement, Value};

/// A connection taken from a pool.
pub(crate) enum Acquired {
    Sqlite(PoolConnection<sqlx::Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A borrowed connection.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Database {
    pub(crate) async fn acquire(&self) -> Result<Acquired> {
        Ok(match &self.pool {
            Pool::Sqlite(pool) => Acquired::Sqlite(pool.opened().await?.acquire().await?),
            Pool::Postgres(pool) => Acquired::Postgres(pool.acquire().await?),
        })
    }
}

impl Acquired {
    pub(crate) fn borrow(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(connection) => Connection::Sqlite(connection),
            Self::Postgres(connection) => Connection::Postgres(connection),
        }
    }
}

impl Connection<'_> {
    pub(crate) async fn execute(self, statement: &Statement, values: &[Value]) -> Result<u64> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let query = bound_for_sqlite(statement, values);
                query.execute(connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                let query = bound_for_postgres(statement, values);
                query.execute(connection).await?.rows_affected()
            }
        })
    }

    pub(crate) async fn fetch(self, statement: &Statement, values: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(connection) => {
                let query = bound_for_sqlite(statement, values);
                let rows = query.fetch_all(connection).await?;
                rows.iter().map(from_sqlite).collect()
            }
            Self::Postgres(connection) => {
                let query = bound_for_postgres(statement, values);
                let rows = query.fetch_all(connection).await?;
                rows.iter().map(from_postgres).collect()
            }
        }
    }

    pub(crate) async fn prepare(self, statement: &Statement) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                connection.prepare(statement.for_sqlite()).await?;
            }
            Self::Postgres(connection) => {
                connection.prepare(statement.for_postgres()).await?;
            }
        }
        Ok(())
    }
}

fn bound_for_sqlite<'q>(
    statement: &Statement,
    values: &'q [Value],
) -> Query<'q, sqlx::Sqlite, SqliteArguments> {
    let query = sqlx::query(statement.for_sqlite());
    values.iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(number) => query.bind(*number),
        Value::Bool(truth) => query.bind(*truth),
    })
}

fn bound_for_postgres<'q>(
    statement: &Statement,
    values: &'q [Value],
) -> Query<'q, Postgres, PgArguments> {
    let query = sqlx::query(statement.for_postgres());
    values.iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text.as_deref()),
        Value::Int(number) => query.bind(*number),
        Value::Bool(truth) => query.bind(*truth),
    })
}

fn from_sqlite(row: &SqliteRow) -> Result<Row> {
    let columns = row.columns().iter().map(|column| {
        let value = row.try_get_raw(column.ordinal())?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let kind = value.type_info().name().to_owned();
        let cell = match kind.as_str() {
            "TEXT" => <&str as Decode<sqlx::Sqlite>>::decode(value).map(Cell::from),
            "INTEGER" => <i64 as Decode<sqlx::Sqlite>>::decode(value).map(Cell::Int),
            other => return Err(unknown(other)),
        };
        cell.map_err(DatabaseError::Bug)
    });
    columns.collect()
}

fn from_postgres(row: &PgRow) -> Result<Row> {
    let columns = row.columns().iter().map(|column| {
        let value = row.try_get_raw(column.ordinal())?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let cell = match column.type_info().name() {
            "TEXT" => <&str as Decode<Postgres>>::decode(value).map(Cell::from),
            "INT8" => <i64 as Decode<Postgres>>::decode(value).map(Cell::Int),
            "INT4" => <i32 as Decode<Postgres>>::decode(value).map(|n| Cell::Int(n.into())),
            "BOOL" => <bool as Decode<Postgres>>::decode(value).map(|b| Cell::Int(b.into())),
            other => return Err(unknown(other)),
        };
        cell.map_err(DatabaseError::Bug)
    });
    columns.collect()
}

fn unknown(kind: &str) -> DatabaseError {
    DatabaseError::Bug(format!("a column of the type {kind}").into())
}
