//! SQLite's pool.

use std::{str::FromStr, sync::Arc};

use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, OnceCell};

use crate::{DatabaseError, Result, limit::LIMIT, private::make_private};

/// A pool of one connection to a SQLite database.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
    /// For a database in memory. SQLite drops such a database with its last connection, and the
    /// pool may close its own, so this one is never handed out.
    keeper: Option<Arc<OnceCell<Mutex<SqliteConnection>>>>,
}

impl Sqlite {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let parsed = SqliteConnectOptions::from_str(url).map_err(DatabaseError::Address)?;
        let options = parsed
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            // Overwrite deleted data: payment tokens, for one.
            .pragma("secure_delete", "ON")
            .busy_timeout(LIMIT)
            .disable_statement_logging();
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        if !in_memory {
            make_private(options.get_filename());
        }
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            // Pinging a database in this process proves nothing, and a caller that is cancelled
            // during the ping would close the connection.
            .test_before_acquire(false)
            .acquire_timeout(LIMIT)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            keeper: in_memory.then(Arc::default),
        })
    }

    /// Returns the pool, after opening the keeper of a database in memory.
    pub(crate) async fn opened(&self) -> Result<&SqlitePool> {
        if let Some(keeper) = &self.keeper {
            let options = self.pool.connect_options();
            let open = async || Ok::<_, sqlx::Error>(Mutex::new(options.connect().await?));
            keeper.get_or_try_init(open).await?;
        }
        Ok(&self.pool)
    }

    /// Closes the connection. A database in memory lives on until the handle is dropped.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}
