//! Opening and migrating a database.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool, SqlStr, SqlitePool,
    migrate::{
        self,
        MigrateError::{self, Execute, ExecuteMigration},
        MigrationType, Migrator,
    },
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Database, DatabaseError, Pool, Result,
    limit::{LIMIT, in_time},
    sqlite::Sqlite,
};

/// How long a migration may take.
const MIGRATION_LIMIT: Duration = Duration::from_secs(60);

/// Limits that PostgreSQL enforces itself: a call abandoned only here would continue there and keep
/// its connection and locks.
const IN_THE_SERVER: [(&str, &str); 3] = [
    ("statement_timeout", "3s"),
    ("lock_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// The same limits for a migration. The server stops waiting for the lock before the client does.
const OF_A_MIGRATION: [(&str, &str); 2] = [("statement_timeout", "0"), ("lock_timeout", "50s")];

/// One step of a schema. Once it has run anywhere, neither its version nor its text may change.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place in the order, from 1.
    pub version: i64,
    /// A short description of what it creates.
    pub name: &'static str,
    /// The statements, the same for both databases.
    pub sql: &'static str,
}

impl From<&Migration> for migrate::Migration {
    fn from(step: &Migration) -> Self {
        let sql = SqlStr::from_static(step.sql);
        let by = MigrationType::Simple;
        Self::new(step.version, step.name.into(), by, sql, false)
    }
}

impl Database {
    /// Opens a pool for an address. A database that is down is not an error.
    pub fn open(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            return Ok(Self::of(Pool::Sqlite(Sqlite::new(url)?)));
        }
        // sqlx itself would take any scheme for PostgreSQL.
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            let refused = sqlx::Error::Configuration("another scheme".into());
            return Err(DatabaseError::Address(refused));
        }
        let parsed = PgConnectOptions::from_str(url).map_err(DatabaseError::Address)?;
        let options = parsed
            .application_name("sunbeon")
            .options(IN_THE_SERVER)
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(LIMIT)
            .connect_lazy_with(options);
        Ok(Self::of(Pool::Postgres(pool)))
    }

    fn of(pool: Pool) -> Self {
        Self {
            pool,
            migrated: Arc::default(),
        }
    }

    /// Brings the tables up to date within a minute; cheap if they are. Several processes may do so
    /// at once, and migrations of a later version are left alone.
    pub async fn migrate(&self, steps: &[Migration]) -> Result<()> {
        let mut known = Migrator::with_migrations(steps.iter().map(Into::into).collect());
        known.set_ignore_missing(true);
        match &self.pool {
            Pool::Sqlite(pool) => on_sqlite(pool.opened().await?, &known).await?,
            Pool::Postgres(pool) => on_postgres(pool, &known).await?,
        }
        // An error says that it was set before.
        let _ = self.migrated.set(());
        Ok(())
    }
}

async fn on_sqlite(pool: &SqlitePool, migrations: &Migrator) -> Result<()> {
    // SQLite has no lock for migrations: the loser of a race finds them done on its next attempt,
    // unless yet another process is migrating by then.
    let mut tries = 1;
    loop {
        match in_a_minute(migrations.run(pool)).await {
            Err(Execute(_) | ExecuteMigration(..)) if tries < 5 => tries += 1,
            done => return done.map_err(meaning),
        }
    }
}

/// Migrates on a separate connection, which is closed whatever the outcome: sqlx's lock belongs to
/// the session and would outlive a failed migration.
async fn on_postgres(pool: &PgPool, migrations: &Migrator) -> Result<()> {
    let options = (*pool.connect_options()).clone().options(OF_A_MIGRATION);
    let mut connection = in_time(options.connect()).await?;
    let done = in_a_minute(migrations.run_direct(None, &mut connection, false)).await;
    // If closing fails, the server notices by itself.
    let _ = in_time(connection.close()).await;
    done.map_err(meaning)
}

type Done = std::result::Result<(), MigrateError>;

async fn in_a_minute(work: impl Future<Output = Done>) -> Done {
    let done = tokio::time::timeout(MIGRATION_LIMIT, work).await;
    done.unwrap_or(Err(Execute(sqlx::Error::PoolTimedOut)))
}

fn meaning(error: MigrateError) -> DatabaseError {
    match error {
        Execute(error) | ExecuteMigration(error, _) => error.into(),
        other => DatabaseError::Bug(other.into()),
    }
}
