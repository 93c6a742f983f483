//! SQLite: files, their permissions, and databases in memory.

use std::time::{Duration, Instant};

use sunbeon_database::{Database, DatabaseError, Migration, Statement, values};
use sunbeon_test_support::eventually;

const TABLE: Migration = Migration {
    version: 1,
    name: "",
    sql: "CREATE TABLE t (n BIGINT NOT NULL)",
};
static READ: Statement = Statement::new("SELECT n FROM t");
static WRITE: Statement = Statement::new("UPDATE t SET n = n");

/// A pool may close its only connection, for example when a caller is cancelled at the wrong
/// moment; a database in memory would be gone with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_memory_database_outlives_cancelled_callers() {
    let database = Database::open("sqlite::memory:").expect("a valid URL");
    let make = "CREATE TABLE t (n BIGINT NOT NULL)".into();
    database.execute(&make, values![]).await.expect("a table");
    database
        .execute(&"INSERT INTO t VALUES (7)".into(), values![])
        .await
        .expect("a row");
    for wave in 0..200_u64 {
        let callers = (0..16_u64).map(|n| {
            let database = database.clone();
            let limit = Duration::from_micros((wave * 7 + n * 13) % 400);
            tokio::spawn(async move {
                let read = async {
                    if n % 4 == 0 {
                        let mut tx = database.begin().await?;
                        tx.execute(&WRITE, values![]).await?;
                        return tx.commit().await;
                    }
                    let read = database.rows::<(i64,)>(&READ, values![]);
                    read.await.map(drop)
                };
                drop(tokio::time::timeout(limit, read).await);
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("no panic");
        }
    }
    let there = async || {
        let rows = database.rows::<(i64,)>(&READ, values![]).await;
        rows.is_ok_and(|rows| rows == [(7,)])
    };
    eventually(Duration::from_secs(10), "the row is there", there).await;
}

#[tokio::test]
async fn a_closed_database_is_whole_in_its_main_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name);
    let url = |name: &str| format!("sqlite:{}", file(name).display());
    let database = Database::open(&url("t.sqlite")).expect("a valid URL");
    database.migrate(&[TABLE]).await.expect("a table");
    database.close().await;
    assert!(!file("t.sqlite-wal").exists());
    std::fs::copy(file("t.sqlite"), file("copy.sqlite")).expect("a copy");
    let copy = Database::open(&url("copy.sqlite")).expect("a valid URL");
    let rows = copy.rows::<(i64,)>(&READ, values![]).await;
    assert_eq!(rows.expect("the table"), []);
    let closed = database.rows::<(i64,)>(&READ, values![]).await;
    assert!(matches!(closed, Err(DatabaseError::Down(_))), "{closed:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damaged_and_not_down() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("t.sqlite");
    std::fs::write(&file, "garbage\n".repeat(100)).expect("a file");
    let database = Database::open(&format!("sqlite:{}", file.display())).expect("a valid URL");
    let migrated = database.migrate(&[TABLE]).await;
    let is_damaged = matches!(migrated, Err(DatabaseError::Damaged(_)));
    assert!(is_damaged, "{migrated:?}");
}

#[tokio::test]
async fn waiting_for_the_tables_ends_with_the_first_migration_or_after_two_seconds() {
    const LIMIT: Duration = Duration::from_secs(2);
    let database = Database::open("sqlite::memory:").expect("a valid URL");
    let began = Instant::now();
    database.migrated().await;
    assert!(began.elapsed() >= LIMIT);
    database.migrate(&[TABLE]).await.expect("a table");
    let began = Instant::now();
    database.clone().migrated().await;
    assert!(began.elapsed() < LIMIT);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_database_files() {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    let folder = std::env::temp_dir().join(format!("sunbeon-private-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mode = |name: &str| {
        let file = folder.join(name);
        let found = fs::metadata(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        found.permissions().mode() & 0o777
    };
    let open_to_all = |path: &Path| {
        fs::write(path, "").expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("a mode");
    };
    // One file created by an earlier version, and a new one.
    open_to_all(&folder.join("old.sqlite"));
    for name in ["old.sqlite", "new.sqlite"] {
        let url = format!("sqlite:{}/{name}", folder.display());
        let database = Database::open(&url).expect("a valid URL");
        let make = "CREATE TABLE t (n BIGINT NOT NULL)".into();
        database.execute(&make, values![]).await.expect("a table");
        for end in ["", "-wal", "-shm"] {
            assert_eq!(mode(&format!("{name}{end}")), 0o600, "{name}{end}");
        }
    }
    fs::remove_dir_all(&folder).expect("the folder");
}
