//! A database that is unavailable.

use sunbeon_booking::stock::{Holding, Stock};
use sunbeon_database::{Database, DatabaseError, values};
use sunbeon_domain::{Code, Coded};
use sunbeon_test_support::{TcpProxy, TestDatabase, eventually, pinned};

use crate::world::{HOLD, MINUTE, World, demo, ids, member, plan, seat, visit};

#[tokio::test]
async fn a_postgres_that_goes_away_is_down_and_comes_back() {
    let database = TestDatabase::postgres().await;
    let (proxy, url) = TcpProxy::before(database.url()).await;
    let stock = Stock::open(&url).expect("a valid URL");
    stock.migrate().await.expect("the tables");
    stock.put(&demo(), &plan(4, 5)).await.expect("a stock");
    let lock = async || {
        stock
            .hold(&visit(&demo(), &member("a")), &ids(&["A.1.1"]), HOLD)
            .await
    };
    proxy.refuse(true);
    proxy.cut();
    let refused = lock().await.expect_err("no database");
    assert!(matches!(refused, DatabaseError::Down(_)), "{refused:?}");
    assert_eq!(refused.code(), Code::DatabaseDown);
    assert!(!stock.clone().is_up().await);
    proxy.refuse(false);
    assert!(matches!(lock().await, Ok(Holding::Held { new, .. }) if new.len() == 1));
    // A silent database counts as down within a bound, too.
    proxy.stall();
    let limit = std::time::Duration::from_secs(15);
    let refused = tokio::time::timeout(limit, lock()).await;
    let refused = refused
        .expect("an answer in time")
        .expect_err("no database");
    assert_eq!(refused.code(), Code::DatabaseDown);
    proxy.resume();
    proxy.cut();
    assert!(matches!(lock().await, Ok(Holding::Held { new, .. }) if new.is_empty()));
    assert!(stock.is_up().await);
}

#[tokio::test]
async fn a_sqlite_file_that_another_process_holds_is_down_and_comes_back() {
    let world = World::in_a_file().await;
    let other = Database::open(&world.url).expect("a valid URL");
    let held = other.begin().await.expect("the file");
    let stock = &world.stock;
    let refused = stock
        .hold(&visit(&demo(), &member("a")), &ids(&["A.1.1"]), HOLD)
        .await;
    let refused = refused.expect_err("no database");
    assert_eq!(refused.code(), Code::DatabaseDown);
    let seats = stock.seats(&demo()).await;
    assert_eq!(seats.expect("reading still works").1.len(), 10);
    held.commit().await.expect("nothing to do");
    assert!(matches!(
        world.lock("a", &["A.1.1"]).await,
        Holding::Held { .. }
    ));
}

#[tokio::test]
async fn several_processes_may_migrate_at_once_and_until_then_it_is_down() {
    let database = TestDatabase::postgres().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}/stock.sqlite", folder.path().display());
    for url in [database.url(), &file] {
        let open = || Stock::open(url).expect("a valid URL");
        let (one, two, three) = (open(), open(), open());
        let early = one.seats(&demo()).await;
        assert_eq!(early.expect_err("no tables").code(), Code::DatabaseDown);
        assert!(!one.clone().is_up().await);
        let done = tokio::join!(one.migrate(), two.migrate(), three.migrate());
        assert!(matches!(done, (Ok(()), Ok(()), Ok(()))), "{done:?}");
        assert!(three.is_up().await);
    }
}

#[tokio::test]
async fn a_read_only_database_is_not_up() {
    let database = TestDatabase::postgres().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("sqlite:{}/stock.sqlite", folder.path().display());
    let read_only = format!("{file}?mode=ro");
    for (url, reading) in [(database.url(), database.url()), (&file, &read_only)] {
        let stock = Stock::open(url).expect("a valid URL");
        stock.migrate().await.expect("the tables");
        stock.put(&demo(), &plan(4, 5)).await.expect("a stock");
        assert!(stock.clone().is_up().await);
        database.refuse_writes().await;
        let reader = Stock::open(reading).expect("a valid URL");
        let seats = reader.seats(&demo()).await;
        assert_eq!(seats.expect("it can be read").1.len(), 10);
        let who = visit(&demo(), &member("a"));
        let refused = reader.hold(&who, &ids(&["A.1.1"]), HOLD).await;
        assert_eq!(refused.expect_err("a write").code(), Code::DatabaseDown);
        assert!(!reader.is_up().await, "{reading}");
    }
}

#[tokio::test]
async fn deadlocked_transactions_are_retried() {
    let world = World::postgres().await;
    let (one, two) = (world.database.clone(), Database::open(&world.url).unwrap());
    const SQL: &str = "SELECT price FROM seats WHERE seat_id = $1 {for update}";
    let both_have_one = tokio::sync::Barrier::new(2);
    // Otherwise the chosen one could be back at the first row before the waiting one has woken up.
    let one_is_through = tokio::sync::Semaphore::new(0);
    let runs = std::sync::atomic::AtomicU32::new(0);
    let work = |database: Database, first: &'static str, second: &'static str| {
        let (both_have_one, one_is_through, runs) = (&both_have_one, &one_is_through, &runs);
        let tried = std::sync::atomic::AtomicBool::new(false);
        async move {
            sunbeon_database::again(|| async {
                runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let is_again = tried.swap(true, std::sync::atomic::Ordering::Relaxed);
                if is_again {
                    one_is_through.acquire().await.expect("it is open").forget();
                }
                let mut tx = database.begin().await?;
                tx.execute(&SQL.into(), values![first]).await?;
                if !is_again {
                    both_have_one.wait().await;
                }
                tx.execute(&SQL.into(), values![second]).await?;
                tx.commit().await?;
                one_is_through.add_permits(1);
                Ok(())
            })
            .await
        }
    };
    let (one, two) = tokio::join!(
        work(one, "demo.A.1.1", "demo.A.1.2"),
        work(two, "demo.A.1.2", "demo.A.1.1")
    );
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    assert_eq!(runs.into_inner(), 3, "one of them was chosen and retried");
}

#[tokio::test]
async fn one_locked_row_delays_nothing_else() {
    const TAKE: &str = "SELECT price FROM seats WHERE seat_id = $1 {for update}";
    let world = World::postgres().await;
    let foreign = Database::open(&world.url).expect("a valid URL");
    let mut foreign = foreign.begin().await.expect("PostgreSQL");
    let taken = foreign.execute(&TAKE.into(), values!["demo.A.1.1"]).await;
    taken.expect("the row");
    // More than the connections of a replica.
    let stuck = (0..12).map(|n| {
        let stock = world.stock.clone();
        tokio::spawn(async move {
            let (concert, who) = (demo(), member(&format!("m{n}")));
            stock
                .hold(&visit(&concert, &who), &ids(&["A.1.1"]), HOLD)
                .await
        })
    });
    for stuck in stuck.collect::<Vec<_>>() {
        let refused = stuck.await.expect("no panic").expect_err("a lock");
        assert!(matches!(refused, DatabaseError::Down(_)), "{refused:?}");
        assert_eq!(refused.code(), Code::DatabaseDown);
    }
    let free = async || {
        let seats = ids(&["A.1.2"]);
        let locked = world
            .stock
            .hold(&visit(&demo(), &member("b")), &seats, HOLD)
            .await;
        matches!(locked, Ok(Holding::Held { .. }))
    };
    let soon = std::time::Duration::from_secs(10);
    eventually(soon, "other seats can still be held", free).await;
    for n in 0..10 {
        let who = member(&format!("other{n}"));
        let (concert, seats) = (demo(), ids(&["A.1.3"]));
        let answer = world.stock.hold(&visit(&concert, &who), &seats, HOLD).await;
        answer.expect("any answer");
    }
    drop(foreign);
    let free = async || {
        let seats = ids(&["A.1.1"]);
        let locked = world
            .stock
            .hold(&visit(&demo(), &member("b")), &seats, HOLD)
            .await;
        matches!(locked, Ok(Holding::Held { .. }))
    };
    eventually(soon, "the seat is free again", free).await;
}

#[tokio::test]
async fn seats_freed_before_an_error_are_announced() {
    const TAKE: &str = "SELECT price FROM seats WHERE seat_id = $1 {for update}";
    let world = World::postgres().await;
    world.lock("a", &["A.1.1"]).await;
    world.age(1).await;
    world.lock("a", &["A.1.2"]).await;
    world.age(10 * MINUTE).await;
    let foreign = Database::open(&world.url).expect("a valid URL");
    let mut foreign = foreign.begin().await.expect("PostgreSQL");
    let taken = foreign.execute(&TAKE.into(), values!["demo.A.1.2"]).await;
    taken.expect("the row");
    let told = async |id: &str| {
        let freed = world.stock.collect(50).await.expect("an answer");
        freed.len() == 1 && freed[0].seat_ids == [seat(id)]
    };
    assert!(told("A.1.1").await);
    assert!(
        world.stock.collect(50).await.is_err(),
        "then it is an error"
    );
    drop(foreign);
    let soon = std::time::Duration::from_secs(10);
    eventually(soon, "the rest is announced", async || told("A.1.2").await).await;
}

#[tokio::test]
async fn the_tables_are_as_pinned() {
    let database = TestDatabase::postgres().await;
    let stock = Stock::open(database.url()).expect("a valid URL");
    stock.migrate().await.expect("the tables");
    pinned(
        concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/schema.txt"),
        &database.schema().await,
        "what has been migrated anywhere never changes, and the release before runs on these tables too",
    );
}
