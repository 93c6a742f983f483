//! The limits that PostgreSQL enforces, and migrations that fail.

use std::time::Duration;

use sunbeon_database::{Database, DatabaseError, Migration, values};
use sunbeon_test_support::{TestDatabase, eventually};

const SOON: Duration = Duration::from_secs(20);

fn migrations(texts: &[&'static str]) -> Vec<Migration> {
    let step = |(version, sql)| Migration {
        version,
        name: "",
        sql,
    };
    (1..).zip(texts.iter().copied()).map(step).collect()
}

async fn count(database: &Database, sql: &'static str) -> i64 {
    let row: Option<(i64,)> = database
        .row(&sql.into(), values![])
        .await
        .expect("an answer");
    row.expect("a row").0
}

#[tokio::test]
async fn a_call_that_times_out_leaves_nothing_behind_on_the_server() {
    const TAKE: &str = "SELECT n FROM t WHERE n = $1 {for update}";
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let server = TestDatabase::postgres().await;
    let (one, other) = (open(&server), open(&server));
    one.execute(&"CREATE TABLE t (n BIGINT NOT NULL)".into(), values![])
        .await
        .expect("a table");
    one.execute(&"INSERT INTO t VALUES (1), (2)".into(), values![])
        .await
        .expect("two rows");
    let mut foreign = other.begin().await.expect("PostgreSQL");
    foreign
        .execute(&TAKE.into(), values![1_i64])
        .await
        .expect("a row");
    // As many calls as there are connections; all are abandoned while they wait.
    let waits = (0..8).map(|_| {
        let one = one.clone();
        tokio::spawn(async move {
            let mut tx = one.begin().await?;
            tx.execute(&TAKE.into(), values![1_i64]).await
        })
    });
    let waits: Vec<_> = waits.collect();
    for wait in waits {
        let waited = wait.await.expect("no panic");
        assert!(matches!(waited, Err(DatabaseError::Down(_))), "{waited:?}");
    }
    let gone = async || count(&other, WAITING).await == 0;
    eventually(SOON, "nobody waits in the server", gone).await;
    // The lock is still held, and everybody can use the rest of the table.
    for _ in 0..16 {
        let mut tx = one.begin().await.expect("a connection");
        tx.execute(&TAKE.into(), values![2_i64])
            .await
            .expect("another row");
    }
    drop(foreign);
    let free = async || one.execute(&TAKE.into(), values![1_i64]).await.is_ok();
    eventually(SOON, "the row is free again", free).await;
}

#[tokio::test]
async fn a_slow_statement_counts_as_down_and_not_as_a_bug() {
    const SLEEP: &str = "SELECT pg_sleep(20)";
    let server = TestDatabase::postgres().await;
    let slow = open(&server).execute(&SLEEP.into(), values![]).await;
    let Err(DatabaseError::Down(sqlx::Error::Database(said))) = &slow else {
        panic!("the server says so itself: {slow:?}");
    };
    assert_eq!(said.code().as_deref(), Some("57014"));
}

#[tokio::test]
async fn an_abandoned_transaction_is_ended_by_the_server() {
    let server = TestDatabase::postgres().await;
    let database = open(&server);
    let mut idle = database.begin().await.expect("PostgreSQL");
    idle.execute(&"SELECT 1".into(), values![])
        .await
        .expect("a start");
    const IDLE: &str = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND state = 'idle in transaction'";
    let over = async || count(&database, IDLE).await == 0;
    eventually(Duration::from_secs(30), "it is over", over).await;
    let late = idle.execute(&"SELECT 1".into(), values![]).await;
    assert!(matches!(late, Err(DatabaseError::Down(_))), "{late:?}");
}

#[tokio::test]
async fn a_failed_migration_blocks_nobody() {
    const LOCKS: &str = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let server = TestDatabase::postgres().await;
    let (one, other) = (open(&server), open(&server));
    let bad = one.migrate(&migrations(&["CREATE NONSENSE"])).await;
    assert!(matches!(bad, Err(DatabaseError::Bug(_))), "{bad:?}");
    let free = async || count(&other, LOCKS).await == 0;
    eventually(SOON, "the lock of migrations is free", free).await;
    let good = migrations(&["CREATE TABLE t (n BIGINT)"]);
    other.migrate(&good).await.expect("the table");
    let other_text = migrations(&["CREATE TABLE other (n BIGINT)"]);
    let refused = one.migrate(&other_text).await;
    assert!(matches!(refused, Err(DatabaseError::Bug(_))), "{refused:?}");
    other.migrate(&good).await.expect("nothing to do");
}

#[tokio::test]
async fn an_older_version_runs_on_a_database_migrated_by_a_newer_one() {
    let server = TestDatabase::postgres().await;
    let folder = std::env::temp_dir().join(format!("sunbeon-later-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = format!("sqlite:{}/t.sqlite", folder.display());
    for url in [server.url(), &file] {
        let database = Database::open(url).expect("a valid URL");
        let (first, second) = ("CREATE TABLE t (n BIGINT)", "CREATE TABLE u (n BIGINT)");
        let later = database.migrate(&migrations(&[first, second])).await;
        later.expect("both tables");
        let earlier = database.migrate(&migrations(&[first])).await;
        earlier.expect("the first table exists");
    }
    std::fs::remove_dir_all(&folder).expect("the folder");
}

fn open(server: &TestDatabase) -> Database {
    Database::open(server.url()).expect("a valid URL")
}
