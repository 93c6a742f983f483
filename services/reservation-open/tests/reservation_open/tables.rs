//! The registry behind the routes, on every database.

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::Connection;
use sunbeon_chassis::OrFail;
use sunbeon_database::{Database, DatabaseError};
use sunbeon_reservation_open::{Registry, RegistryError};
use sunbeon_test_support::{Answer, TcpProxy, TestDatabase, access::admin, on_each, pinned};

use crate::app::{App, CONCERTS};

on_each! {
    (
        a_concert_is_created_read_changed_and_deleted,
        a_recreated_concert_has_a_later_version,
        exactly_one_of_several_simultaneous_acts_wins,
        simultaneous_switches_all_take_effect,
        concerts_are_listed_page_by_page,
        the_audit_is_read_newest_first,
        an_invented_cursor_is_refused,
        migrating_again_changes_nothing,
    )
    sqlite_in_memory: crate::app::App::embedded(),
    sqlite_file: crate::app::App::in_a_file(),
    postgres: crate::app::App::postgres(),
}

/// Returns how many of these answers are successes; none may be the server's fault.
fn won(answers: &[Answer]) -> usize {
    for answer in answers {
        assert!(answer.status < 500, "{answer:?}");
    }
    answers.iter().filter(|answer| answer.status < 300).count()
}

fn path(id: &str) -> String {
    format!("{CONCERTS}/{id}")
}

async fn read(app: &App, id: &str) -> Answer {
    app.get(&path(id), &admin()).await
}

async fn delete(app: &App, id: &str) -> Answer {
    app.delete(&path(id), &admin()).await
}

async fn a_concert_is_created_read_changed_and_deleted(app: App) {
    let created = app.create("c", json!({})).await;
    assert_eq!(created["version"], 1);
    app.try_create("c", json!({})).await.fails("CONCERT_EXISTS");
    assert_eq!(*read(&app, "c").await.data(200), created);
    read(&app, "d").await.fails("CONCERT_NOT_FOUND");
    let title = json!({"title": "제목'\";--"});
    let changed = app.patch("c", 1, &title).await;
    assert_eq!(changed.data(200)["version"], 2);
    app.patch("c", 1, &json!({}))
        .await
        .fails("VERSION_MISMATCH");
    assert_eq!(read(&app, "c").await.data(200), changed.data(200));
    delete(&app, "c").await.fails("CONCERT_IN_USE");
    assert_eq!(app.act("c", "close").await.data(200)["closed"], true);
    app.patch("c", 3, &json!({})).await.fails("BOOKING_CLOSED");
    assert_eq!(*delete(&app, "c").await.data(200), json!({}));
    delete(&app, "c").await.fails("CONCERT_NOT_FOUND");
    read(&app, "c").await.fails("CONCERT_NOT_FOUND");
}

async fn a_recreated_concert_has_a_later_version(app: App) {
    let mut last = 0;
    for _ in 0..3 {
        let created = app.create("c", json!({})).await;
        let version = created["version"].as_u64().expect("a version");
        assert!(version > last, "{version} after {last}");
        last = version + 2;
        assert_eq!(created["closed"], false);
        app.act("c", "close").await.data(200);
        delete(&app, "c").await.data(200);
    }
}

async fn exactly_one_of_several_simultaneous_acts_wins(app: App) {
    let create = async || won(&join_all((0..8).map(|_| app.try_create("c", json!({})))).await);
    assert_eq!(create().await, 1);
    let title = json!({"title": "other"});
    let changed = join_all((0..8).map(|_| app.patch("c", 1, &title))).await;
    assert_eq!(won(&changed), 1, "{changed:?}");
    assert_eq!(read(&app, "c").await.data(200)["version"], 2);
    app.act("c", "close").await.data(200);
    let deleted = join_all((0..8).map(|_| delete(&app, "c"))).await;
    assert_eq!(won(&deleted), 1, "{deleted:?}");
    assert_eq!(create().await, 1);
}

async fn simultaneous_switches_all_take_effect(app: App) {
    app.create("c", json!({})).await;
    for answer in join_all(["pause", "resume", "pause"].map(|act| app.act("c", act))).await {
        answer.data(200);
    }
}

/// Returns the items of all pages.
async fn all_pages(app: &App, path: &str, items: &str) -> Vec<Value> {
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("{path}{query}"), &admin()).await;
        let page = page.data(200);
        seen.extend(page[items].as_array().expect("a list").clone());
        let Some(next) = page["nextCursor"].as_str() else {
            return seen;
        };
        query = format!("&cursor={next}");
    }
}

async fn concerts_are_listed_page_by_page(app: App) {
    let ids: Vec<_> = (0..23).map(|n| format!("c{n:02}")).collect();
    for id in ids.iter().rev() {
        app.create(id, json!({})).await;
    }
    app.act("c07", "close").await.data(200);
    delete(&app, "c07").await.data(200);
    let seen = all_pages(&app, &format!("{CONCERTS}?limit=5"), "concerts").await;
    let seen: Vec<_> = seen.iter().map(|it| it["concertId"].as_str()).collect();
    let left = ids.iter().filter(|id| *id != "c07");
    assert_eq!(seen, left.map(|id| Some(&**id)).collect::<Vec<_>>());
}

async fn the_audit_is_read_newest_first(app: App) {
    const AUDIT: &str = "/v2/admin/audit";
    app.create("kept", json!({})).await;
    for version in 1..=30 {
        let fields = json!({"groupSize": version});
        app.patch("kept", version, &fields).await.data(200);
        app.patch("nowhere", 1, &fields)
            .await
            .fails("CONCERT_NOT_FOUND");
    }
    app.create("other", json!({})).await;
    // Many acts in quick succession are read back in order, each once.
    let seen = all_pages(&app, &format!("{AUDIT}?concertId=kept&limit=8"), "acts").await;
    assert!(seen.iter().all(|act| act["concertId"] == "kept"));
    let sizes = seen.iter().map(|act| act["detail"]["groupSize"].as_u64());
    let sizes: Vec<_> = sizes.map(Option::unwrap_or_default).collect();
    assert_eq!(sizes, (0..=30).rev().collect::<Vec<_>>());

    let file = async |form: &str| {
        let file = format!("{AUDIT}.{form}?concertId=kept");
        app.get(&file, &admin()).await.of(200).text
    };
    let lines = file("jsonl").await;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines, seen);
    let csv = file("csv").await;
    let csv: Vec<_> = csv.lines().collect();
    assert_eq!(csv[0], "id,at,actor,act,concertId,detail,requestId");
    assert_eq!(csv.len(), 32);
    let at = lines[0]["at"].as_str().expect("a time");
    let detail = "{\"\"before\"\":{\"\"groupSize\"\":29},\"\"groupSize\"\":30}";
    let newest = format!(",{at},operator,change,kept,\"{detail}\",");
    assert!(csv[1].contains(&newest), "{}", csv[1]);
    let newest = app.get(&format!("{AUDIT}?limit=1"), &admin()).await;
    assert_eq!(newest.data(200)["acts"][0]["concertId"], "other");
}

async fn an_invented_cursor_is_refused(app: App) {
    for cursor in [
        "",
        "x",
        &"%00".repeat(50),
        &"%20".repeat(50),
        &"x".repeat(51),
    ] {
        let path = format!("/v2/admin/audit?cursor={cursor}");
        app.get(&path, &admin()).await.fails("INVALID_CURSOR");
    }
}

async fn migrating_again_changes_nothing(app: App) {
    let created = app.create("c", json!({})).await;
    for _ in 0..3 {
        app.registry.migrate().await.expect("nothing to do");
    }
    assert_eq!(*read(&app, "c").await.data(200), created);
    assert!(app.registry.clone().is_up().await);
}

/// Two processes that start at once on a new database.
async fn both_migrate(url: &str) {
    let open = || Registry::open(url).expect("a valid URL");
    let (one, two, three) = (open(), open(), open());
    let done = tokio::join!(one.migrate(), two.migrate(), three.migrate());
    assert!(matches!(done, (Ok(()), Ok(()), Ok(()))), "{done:?}");
    assert!(three.is_up().await);
}

#[tokio::test]
async fn several_processes_may_migrate_a_new_postgres_at_once() {
    let database = TestDatabase::postgres().await;
    both_migrate(database.url()).await;
}

#[tokio::test]
async fn several_processes_may_migrate_a_new_sqlite_file_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().expect("a temporary folder");
        both_migrate(&format!("sqlite:{}/r.sqlite", folder.path().display())).await;
    }
}

#[tokio::test]
async fn a_read_only_database_is_not_up() {
    let database = TestDatabase::postgres().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}/registry.sqlite", folder.path().display());
    let read_only = format!("{file}?mode=ro");
    for (url, reading) in [(database.url(), database.url()), (&file, &read_only)] {
        let registry = Registry::open(url).expect("a valid URL");
        registry.migrate().await.expect("the tables");
        assert!(registry.clone().is_up().await);
        database.refuse_writes().await;
        let reader = Registry::open(reading).expect("a valid URL");
        assert!(!reader.is_up().await, "{reading}");
    }
}

/// A PostgreSQL that sorts for people: punctuation first, and without regard to case.
async fn sorting_as_people_do() -> App {
    let app = App::postgres().await;
    let mut connection = sqlx::PgConnection::connect(&app.database)
        .await
        .expect("PostgreSQL");
    for change in [
        "ALTER TABLE audit ALTER audit_id TYPE TEXT COLLATE \"en-x-icu\"",
        "ALTER TABLE concerts ALTER concert_id TYPE TEXT COLLATE \"en-x-icu\"",
    ] {
        let changed = sqlx::query(change).execute(&mut connection).await;
        changed.expect("the collation is known");
    }
    app
}

#[tokio::test]
async fn the_audit_is_read_newest_first_whatever_the_collation() {
    the_audit_is_read_newest_first(sorting_as_people_do().await).await;
}

#[tokio::test]
async fn concerts_are_listed_page_by_page_whatever_the_collation() {
    concerts_are_listed_page_by_page(sorting_as_people_do().await).await;
}

#[tokio::test]
async fn a_postgres_that_goes_away_is_down_and_comes_back() {
    let database = TestDatabase::postgres().await;
    let (proxy, url) = TcpProxy::before(database.url()).await;
    let app = App::on(&url).await;
    let created = app.create("c", json!({})).await;

    proxy.refuse(true);
    proxy.cut();
    is_down(&app).await;
    proxy.refuse(false);
    assert_eq!(*read(&app, "c").await.data(200), created, "back at once");

    // A silent database counts as down within a bound, too.
    proxy.stall();
    read(&app, "c").await.says_down("DATABASE_DOWN");
    proxy.resume();
    proxy.cut();
    assert_eq!(*read(&app, "c").await.data(200), created);
    let later = json!({"title": "later"});
    app.patch("c", 1, &later).await.data(200);
}

/// Expects every route that needs the database to say that it is down.
async fn is_down(app: &App) {
    const DOWN: &str = "DATABASE_DOWN";
    app.try_create("new", json!({})).await.fails(DOWN);
    read(app, "c").await.fails(DOWN);
    app.patch("c", 1, &json!({"title": "x"})).await.fails(DOWN);
    delete(app, "c").await.fails(DOWN);
    for act in ["pause", "resume", "close", "clear"] {
        app.act("c", act).await.fails(DOWN);
    }
    app.get(CONCERTS, &admin()).await.fails(DOWN);
    for form in ["", ".csv", ".jsonl"] {
        let audit = format!("/v2/admin/audit{form}");
        app.get(&audit, &admin()).await.fails(DOWN);
    }
    assert!(!app.registry.clone().is_up().await);
}

#[tokio::test]
async fn a_sqlite_file_that_another_process_holds_is_down_and_comes_back() {
    let app = App::in_a_file().await;
    app.create("c", json!({})).await;
    let mut other = sqlx::SqliteConnection::connect(&app.database)
        .await
        .expect("the file");
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("the lock");
    app.try_create("d", json!({})).await.fails("DATABASE_DOWN");
    app.act("c", "pause").await.fails("DATABASE_DOWN");
    assert!(!app.registry.clone().is_up().await);
    read(&app, "c").await.data(200);
    sqlx::query("ROLLBACK")
        .execute(&mut other)
        .await
        .expect("the lock is released");
    app.create("d", json!({})).await;
}

#[tokio::test]
async fn a_sqlite_file_that_cannot_be_opened_is_down() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}/not/there.sqlite", folder.path().display());
    let registry = Registry::open(&url).expect("a valid URL");
    let refused = registry.migrate().await;
    assert!(
        matches!(
            refused,
            Err(RegistryError::Database(DatabaseError::Down(_)))
        ),
        "{refused:?}"
    );
    let code = refused.or_fail().expect_err("a failure").code();
    assert_eq!(code.word(), "DATABASE_DOWN");
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_without_being_shown() {
    for url in [
        "mysql://u:hunter2@h/d",
        "hunter2",
        "",
        "postgres://u:hunter2@h:port/d",
    ] {
        let refused = Registry::open(url).err().expect("no registry");
        assert!(
            matches!(refused, RegistryError::Database(DatabaseError::Address(_))),
            "{refused:?}"
        );
        assert!(!refused.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_databases() {
    let server = TestDatabase::postgres().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("sqlite:{}/registry.sqlite", folder.path().display());
    for url in [server.url(), &file] {
        let registry = Registry::open(url).expect("a valid URL");
        registry.migrate().await.expect("the tables");
        let database = Database::open(url).expect("a valid URL");
        for statement in Registry::statements() {
            let prepared = database.prepare(statement).await;
            prepared.unwrap_or_else(|error| panic!("{statement:?}: {error:?}"));
        }
    }
}

#[tokio::test]
async fn the_tables_are_as_pinned() {
    let database = TestDatabase::postgres().await;
    let registry = Registry::open(database.url()).unwrap();
    registry.migrate().await.unwrap();
    pinned(
        concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/schema.txt"),
        &database.schema().await,
        "what has been migrated anywhere never changes, and the release before runs on these tables too",
    );
}
