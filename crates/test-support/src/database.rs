use std::process::{Command, Stdio};

use crate::tool::{fresh_name, run_tool};

/// One line for each migration with the checksum of its text, column, constraint and index.
const SCHEMA: &str = "
    SELECT 'migration ' || version || ' ' || description || ' ' || encode(checksum, 'hex')
      FROM _sqlx_migrations ORDER BY version;
    SELECT table_name || '.' || column_name || ' ' || data_type
        || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || column_default, '')
      FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
      ORDER BY table_name, ordinal_position;
    SELECT conrelid::regclass::text || ' ' || conname::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        AND conrelid::regclass::text <> '_sqlx_migrations' ORDER BY conrelid::regclass::text COLLATE \"C\", conname;
    SELECT indexdef FROM pg_indexes
      WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations' ORDER BY indexname";

/// A new database on the shared PostgreSQL of `SUNBEON_TEST_POSTGRES_URL`. Dropping it drops the
/// database, even if clients are still connected.
///
/// Needs `psql` on the `PATH`.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Creates an empty database.
    ///
    /// # Panics
    /// If the server does not answer within 10 seconds, or if `psql` is missing.
    pub async fn postgres() -> TestDatabase {
        let server = std::env::var("SUNBEON_TEST_POSTGRES_URL")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".into());
        let name = fresh_name();
        let url = beside(&server, &name).unwrap_or_else(|| panic!("not a database URL: {server}"));
        let create = psql(&server, &format!("CREATE DATABASE {name}"));
        run_psql(create).await;
        TestDatabase { server, name, url }
    }

    /// Returns the database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the schema that migrations made of it: a line for each migration with the checksum of
    /// its text, then for each column, constraint and index.
    ///
    /// # Panics
    /// If no migration has run, or the server does not answer within 10 seconds.
    pub async fn schema(&self) -> String {
        let mut command = psql(&self.url, SCHEMA);
        command.arg("-tA");
        run_psql(command).await
    }

    /// Makes every later connection read-only, like those to a standby.
    ///
    /// # Panics
    /// If the server does not answer within 10 seconds.
    pub async fn refuse_writes(&self) {
        let set = "SET default_transaction_read_only = on";
        let alter = psql(&self.server, &format!("ALTER DATABASE {} {set}", self.name));
        run_psql(alter).await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let gone = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = psql(&self.server, &gone).output();
    }
}

/// Returns `server`'s URL with another database, keeping any query.
fn beside(server: &str, database: &str) -> Option<String> {
    let (base, query) = match server.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (server, String::new()),
    };
    let authority = base.find("://")? + 3;
    let end = base[authority..]
        .find('/')
        .map_or(base.len(), |path| authority + path);
    Some(format!("{}/{database}{query}", &base[..end]))
}

async fn run_psql(command: Command) -> String {
    let run = tokio::task::spawn_blocking(move || run_tool("psql", command)).await;
    run.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn psql(server: &str, statement: &str) -> Command {
    let mut command = Command::new("psql");
    command.args([
        "-X",
        "-q",
        "-w",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        server,
        "-c",
        statement,
    ]);
    command.env("PGCONNECT_TIMEOUT", "10").stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn a_database_url_leads_to_another_database() {
        let at = |url| beside(url, "x").expect("a URL");
        assert_eq!(
            at("postgres://postgres@127.0.0.1:5432/postgres"),
            "postgres://postgres@127.0.0.1:5432/x"
        );
        assert_eq!(
            at("postgres://postgres@127.0.0.1:5432"),
            "postgres://postgres@127.0.0.1:5432/x"
        );
        assert_eq!(
            at("postgres://h/a?sslmode=disable"),
            "postgres://h/x?sslmode=disable"
        );
        assert_eq!(beside("h/a", "x"), None);
    }
}
