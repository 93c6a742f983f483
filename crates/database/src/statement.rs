//! One text for both databases.

use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};

use crate::{Database, Pool, Result, Value, in_time};

/// A row of either database.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// Reads a row into a struct whose fields are named as the columns are, on both databases.
///
/// sqlx derives the same, by a macro that compiles both databases' drivers a second time for the
/// compiler itself.
#[macro_export]
macro_rules! from_row {
    ($record:ident { $($column:ident),+ $(,)? }) => {
        $crate::from_row!(@on ::sqlx::sqlite::SqliteRow, $record { $($column),+ });
        $crate::from_row!(@on ::sqlx::postgres::PgRow, $record { $($column),+ });
    };
    (@on $row:ty, $record:ident { $($column:ident),+ }) => {
        impl ::sqlx::FromRow<'_, $row> for $record {
            fn from_row(row: &$row) -> ::sqlx::Result<Self> {
                $(let $column = ::sqlx::Row::try_get(row, stringify!($column))?;)+
                Ok(Self { $($column),+ })
            }
        }
    };
}

/// What PostgreSQL and SQLite say in the place of the words in braces.
const WORDS: [(&str, &str, &str); 7] = [
    (
        "{now}",
        "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)",
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    ),
    ("{for update}", "FOR UPDATE", ""),
    ("{for share}", "FOR SHARE", ""),
    ("{skip locked}", "FOR UPDATE SKIP LOCKED", ""),
    (
        "{listed}",
        "(SELECT json_array_elements_text(CAST($1 AS JSON)))",
        "(SELECT value FROM json_each($1))",
    ),
    (
        "{in turn, shared}",
        "pg_advisory_xact_lock_shared(hashtext($1))",
        "$1",
    ),
    (
        "{in turn, alone}",
        "pg_advisory_xact_lock(hashtext($1))",
        "$1",
    ),
];

pub(crate) fn for_postgres(sql: &str) -> AssertSqlSafe<String> {
    spoken(sql, |word| word.1)
}

pub(crate) fn for_sqlite(sql: &str) -> AssertSqlSafe<String> {
    spoken(sql, |word| word.2)
}

type Word = (&'static str, &'static str, &'static str);

fn spoken(sql: &str, says: impl Fn(&Word) -> &'static str) -> AssertSqlSafe<String> {
    let said = WORDS
        .iter()
        .fold(sql.to_owned(), |sql, word| sql.replace(word.0, says(word)));
    AssertSqlSafe(said)
}

/// Binds every value to a query of either database.
macro_rules! bound {
    ($query:expr, $values:expr) => {
        $values
            .iter()
            .fold($query, |query, value| match value.clone() {
                $crate::Value::Text(text) => query.bind(text),
                $crate::Value::Int(number) => query.bind(number),
                $crate::Value::Bool(truth) => query.bind(truth),
            })
    };
}
pub(crate) use bound;

impl Database {
    /// Runs one statement by itself; how many rows it changed.
    pub async fn execute(&self, sql: &'static str, values: &[Value]) -> Result<u64> {
        match &self.0 {
            Pool::Sqlite(pool) => {
                let query = bound!(sqlx::query(for_sqlite(sql)), values);
                Ok(in_time(query.execute(pool)).await?.rows_affected())
            }
            Pool::Postgres(pool) => {
                let query = bound!(sqlx::query(for_postgres(sql)), values);
                Ok(in_time(query.execute(pool)).await?.rows_affected())
            }
        }
    }

    /// Runs one statement by itself; its rows.
    pub async fn rows<R: Record>(&self, sql: &'static str, values: &[Value]) -> Result<Vec<R>> {
        match &self.0 {
            Pool::Sqlite(pool) => {
                let query = bound!(sqlx::query_as(for_sqlite(sql)), values);
                in_time(query.fetch_all(pool)).await
            }
            Pool::Postgres(pool) => {
                let query = bound!(sqlx::query_as(for_postgres(sql)), values);
                in_time(query.fetch_all(pool)).await
            }
        }
    }

    /// Runs one statement by itself; its first row.
    pub async fn row<R: Record>(&self, sql: &'static str, values: &[Value]) -> Result<Option<R>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }
}
