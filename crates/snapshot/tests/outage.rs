//! A crowd that asks while the store is away.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use sunbeon_domain::ConcertId;
use sunbeon_snapshot::Snapshots;
use sunbeon_store::{RedisStore, StoreError, redis::Settings};
use sunbeon_test_support::{RedisServer, TcpProxy};

#[tokio::test]
async fn a_crowd_that_asks_a_silent_store_fails_together_and_not_one_by_one() {
    let server = RedisServer::start().await;
    let proxy = TcpProxy::start(format!("127.0.0.1:{}", server.port())).await;
    let store = RedisStore::open(&Settings {
        url: format!("redis://{}", proxy.address()).into(),
        wait_replicas: 0,
        timeout_ms: 1_000,
    });
    let snapshots = Snapshots::new(Arc::new(store.unwrap()));
    proxy.stall();
    // Two for the same turn: what is known of one is known of the other.
    let ids = ["a1", "b1"].map(|id| ConcertId::parse(id).unwrap());
    let crowd = (0..100).map(|who| {
        let (snapshots, id) = (snapshots.clone(), ids[who % 2].clone());
        async move { snapshots.get(&id).await.map(|_| ()) }
    });
    // One by one they would take a hundred times a second.
    let answers = tokio::time::timeout(Duration::from_secs(20), join_all(crowd)).await;
    for answer in answers.expect("nobody waits for the others") {
        assert!(matches!(answer, Err(StoreError::Down(_))), "{answer:?}");
    }
    proxy.resume();
    let unknown = async || {
        let asked = snapshots.get(&ids[0]).await;
        matches!(asked, Err(StoreError::UnknownConcert))
    };
    sunbeon_test_support::eventually(Duration::from_secs(20), "the store", unknown).await;
}
