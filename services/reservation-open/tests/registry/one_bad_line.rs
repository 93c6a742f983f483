//! A line that is broken in the store does not stop the others.

use std::{process::Command, sync::Arc, time::Duration};

use sunbeon_broker::MemoryBroker;
use sunbeon_domain::{Concert, ConcertId, MemberId, Policy};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::{RedisStore, Store, StoreError, redis::Settings};
use sunbeon_test_support::{RedisServer, eventually};
use tokio_util::sync::CancellationToken;

async fn put(store: &RedisStore, id: &str) -> ConcertId {
    let concert_id = ConcertId::parse(id).unwrap();
    let policy = Policy {
        title: id.into(),
        ..Policy::default()
    };
    let concert = Concert {
        concert_id: concert_id.clone(),
        version: 1,
        closed: false,
        policy,
    };
    store.put_concert(&concert).await.unwrap();
    concert_id
}

#[tokio::test]
async fn a_broken_line_does_not_stop_the_others() {
    let server = RedisServer::start().await;
    let settings = Settings {
        url: server.url().into(),
        wait_replicas: 0,
        timeout_ms: 2_000,
    };
    let store = RedisStore::open(&settings).unwrap();
    let (bad, good) = (put(&store, "a-bad-one").await, put(&store, "good").await);
    let port = server.port().to_string();
    let poison = [
        "-p",
        &port,
        "SET",
        "{concert:a-bad-one}:admitting",
        "poison",
    ];
    assert!(
        Command::new("redis-cli")
            .args(poison)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        store.snapshot(&bad).await,
        Err(StoreError::Bug(_))
    ));
    store
        .enter(&good, &MemberId::parse("m").unwrap(), "")
        .await
        .unwrap();

    let registry = Registry::open("sqlite::memory:").unwrap();
    let service = ReservationOpen::new(
        Arc::new(store.clone()),
        Arc::new(MemoryBroker::new()),
        registry,
    );
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(service.schedule(shutdown.clone()));
    let taken = async || store.snapshot(&good).await.unwrap().counts.admitting == 1;
    eventually(
        Duration::from_secs(20),
        "a scheduled take of the good line",
        taken,
    )
    .await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
