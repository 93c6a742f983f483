//! The registry behind its routes, on every database.

use crate::world::{CONCERTS, World};
use futures::future::join_all;
use serde_json::json;
use sqlx::Connection;
use sunbeon_chassis::OrFail;
use sunbeon_database::{Database, DatabaseError};
use sunbeon_reservation_open::{Registry, RegistryError};
use sunbeon_test_support::{TcpProxy, TestDatabase};

/// Runs each test on every kind of database.
macro_rules! on_each {
    ($($name:ident),* $(,)?) => {
        mod sqlite_in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::World::in_memory().await).await;
            })*
        }
        mod sqlite_file {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::World::in_a_file().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::World::postgres().await).await;
            })*
        }
    };
}

on_each!(
    a_concert_is_created_read_changed_and_deleted,
    a_recreated_concert_has_a_later_version,
    exactly_one_of_several_simultaneous_acts_wins,
    simultaneous_switches_all_take_effect,
    concerts_are_listed_page_by_page,
    the_audit_is_read_newest_first,
    an_invented_cursor_is_refused,
    migrating_again_changes_nothing,
);

async fn a_concert_is_created_read_changed_and_deleted(world: World) {
    let (status, created) = world.create("c").await;
    assert_eq!((status, &created["version"]), (201, &json!(1)));
    assert_eq!(world.create("c").await, (409, json!("CONCERT_EXISTS")));
    assert_eq!(world.read("c").await, (200, created));
    assert_eq!(world.read("d").await, (404, json!("CONCERT_NOT_FOUND")));
    let (status, changed) = world
        .change("c", 1, &json!({"title": "제목\u{0}'\";--"}))
        .await;
    assert_eq!((status, &changed["version"]), (200, &json!(2)));
    assert_eq!(
        world.change("c", 1, &json!({})).await,
        (412, json!("VERSION_MISMATCH"))
    );
    assert_eq!(world.read("c").await, (200, changed));
    assert_eq!(world.delete("c").await, (409, json!("CONCERT_IN_USE")));
    assert_eq!(world.act("c", "close").await.1["closed"], true);
    assert_eq!(
        world.change("c", 3, &json!({})).await,
        (409, json!("BOOKING_CLOSED"))
    );
    assert_eq!(world.delete("c").await, (200, json!({})));
    assert_eq!(world.delete("c").await, (404, json!("CONCERT_NOT_FOUND")));
    assert_eq!(world.read("c").await, (404, json!("CONCERT_NOT_FOUND")));
}

async fn a_recreated_concert_has_a_later_version(world: World) {
    let mut last = 0;
    for _ in 0..3 {
        let (_, created) = world.create("c").await;
        let version = created["version"].as_u64().expect("a version");
        assert!(version > last, "{version} after {last}");
        last = version + 2;
        assert_eq!(created["closed"], false);
        world.act("c", "close").await;
        assert_eq!(world.delete("c").await.0, 200);
    }
}

async fn exactly_one_of_several_simultaneous_acts_wins(world: World) {
    let created = join_all((0..8).map(|_| world.create("c"))).await;
    let won = |answers: &[(u16, serde_json::Value)]| {
        answers.iter().filter(|(status, _)| *status < 300).count()
    };
    assert_eq!(won(&created), 1, "{created:?}");
    let title = json!({"title": "other"});
    let changed = join_all((0..8).map(|_| world.change("c", 1, &title))).await;
    assert_eq!(won(&changed), 1, "{changed:?}");
    assert_eq!(world.read("c").await.1["version"], 2);
    world.act("c", "close").await;
    let deleted = join_all((0..8).map(|_| world.delete("c"))).await;
    assert_eq!(won(&deleted), 1, "{deleted:?}");
    for (status, _) in created.iter().chain(&changed).chain(&deleted) {
        assert!(*status < 500, "{status}");
    }
    let again = join_all((0..8).map(|_| world.create("c"))).await;
    assert_eq!(won(&again), 1, "{again:?}");
}

async fn simultaneous_switches_all_take_effect(world: World) {
    world.create("c").await;
    let acts = ["pause", "resume", "pause"];
    for (status, answer) in join_all(acts.map(|act| world.act("c", act))).await {
        assert_eq!(status, 200, "{answer}");
    }
}

async fn concerts_are_listed_page_by_page(world: World) {
    let ids: Vec<_> = (0..23).map(|n| format!("c{n:02}")).collect();
    for id in ids.iter().rev() {
        world.create(id).await;
    }
    world.act("c07", "close").await;
    world.delete("c07").await;
    let (mut seen, mut path) = (Vec::new(), format!("{CONCERTS}?limit=5"));
    loop {
        let (_, page) = world.get(&path).await;
        for concert in page["concerts"].as_array().expect("concerts") {
            seen.push(concert["concertId"].as_str().expect("an id").to_owned());
        }
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("{CONCERTS}?limit=5&cursor={next}");
    }
    let left: Vec<_> = ids.into_iter().filter(|id| id != "c07").collect();
    assert_eq!(seen, left);
}

async fn the_audit_is_read_newest_first(world: World) {
    world.check_the_audit().await;
}

async fn an_invented_cursor_is_refused(world: World) {
    for cursor in [
        "",
        "x",
        &"%00".repeat(50),
        &"%20".repeat(50),
        &"x".repeat(51),
    ] {
        let refused = world.get(&format!("/v2/admin/audit?cursor={cursor}")).await;
        assert_eq!(refused, (400, json!("INVALID_CURSOR")), "{cursor}");
    }
}

async fn migrating_again_changes_nothing(world: World) {
    let (_, created) = world.create("c").await;
    for _ in 0..3 {
        world.registry.migrate().await.expect("nothing to do");
    }
    assert_eq!(world.read("c").await, (200, created));
    assert!(world.registry.clone().is_up().await);
}

/// Two processes that start at once on a new database.
async fn both_migrate(url: &str) {
    let open = || Registry::open(url).expect("a good address");
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
        let registry = Registry::open(url).expect("a good address");
        registry.migrate().await.expect("the tables");
        assert!(registry.clone().is_up().await);
        database.refuse_writes().await;
        let reader = Registry::open(reading).expect("a good address");
        assert!(!reader.is_up().await, "{reading}");
    }
}

/// A PostgreSQL that sorts for people: punctuation first, and without regard to case.
async fn sorting_as_people_do() -> World {
    let world = World::postgres().await;
    let mut connection = sqlx::PgConnection::connect(world.url())
        .await
        .expect("PostgreSQL");
    for change in [
        "ALTER TABLE audit ALTER audit_id TYPE TEXT COLLATE \"en-x-icu\"",
        "ALTER TABLE concerts ALTER concert_id TYPE TEXT COLLATE \"en-x-icu\"",
    ] {
        let changed = sqlx::query(change).execute(&mut connection).await;
        changed.expect("the collation is known");
    }
    world
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
    let rest = database.url().split_once("://").expect("a URL").1;
    let authority = rest.split('/').next().expect("an authority");
    let host = authority.rsplit('@').next().expect("a host");
    let proxy = TcpProxy::start(host).await;
    let url = database.url().replace(host, &proxy.address().to_string());
    let world = World::on(&url).await;
    world.create("c").await;
    let before = world.read("c").await;

    proxy.refuse(true);
    proxy.cut();
    world.is_down().await;
    proxy.refuse(false);
    assert_eq!(world.read("c").await, before, "back at once");

    // A silent database counts as down within a bound, too.
    proxy.stall();
    let refused = tokio::time::timeout(std::time::Duration::from_secs(10), world.read("c")).await;
    assert_eq!(
        refused.expect("an answer in time"),
        (503, json!("DATABASE_DOWN"))
    );
    proxy.resume();
    proxy.cut();
    assert_eq!(world.read("c").await, before);
    assert_eq!(
        world.change("c", 1, &json!({"title": "later"})).await.0,
        200
    );
}

#[tokio::test]
async fn a_sqlite_file_that_another_process_holds_is_down_and_comes_back() {
    let world = World::in_a_file().await;
    world.create("c").await;
    let mut other = sqlx::SqliteConnection::connect(world.url())
        .await
        .expect("the file");
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("the lock");
    assert_eq!(world.create("d").await, (503, json!("DATABASE_DOWN")));
    assert_eq!(world.act("c", "pause").await, (503, json!("DATABASE_DOWN")));
    assert_eq!(world.read("c").await.0, 200, "reading still works");
    sqlx::query("ROLLBACK")
        .execute(&mut other)
        .await
        .expect("the lock is given back");
    assert_eq!(world.create("d").await.0, 201);
}

#[tokio::test]
async fn a_sqlite_file_that_cannot_be_opened_is_down() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}/not/there.sqlite", folder.path().display());
    let registry = Registry::open(&url).expect("a good address");
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
        let registry = Registry::open(url).expect("a good address");
        registry.migrate().await.expect("the tables");
        let database = Database::open(url).expect("a good address");
        for statement in Registry::statements() {
            let prepared = database.prepare(statement).await;
            prepared.unwrap_or_else(|error| panic!("{statement:?}: {error:?}"));
        }
    }
}
