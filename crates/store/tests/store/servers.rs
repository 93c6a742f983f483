//! Several servers: a primary that Sentinels watch, and a cluster. One is killed, silent or demoted; the store finds
//! the other by itself.

use std::time::{Duration, Instant};

use serde_json::json;
use sunbeon_domain::{Concert, ConcertId, EntryNumber};
use sunbeon_store::{Entering, RedisStore, Store, StoreError, redis::Settings};
use sunbeon_test_support::{RedisCluster, RedisSentinels, RedisServer, eventually};

use crate::world::{member, number, policy};

const SOON: Duration = Duration::from_secs(20);
/// What a failover may take, found and followed.
const WELL_AGAIN: Duration = Duration::from_secs(15);
const SILENT: Duration = Duration::from_secs(1);

fn store_at(url: String, wait_replicas: u32) -> RedisStore {
    let settings = Settings {
        url: url.into(),
        wait_replicas,
        timeout_ms: 1_000,
    };
    RedisStore::open(&settings).unwrap()
}

fn concert(name: &str) -> ConcertId {
    ConcertId::parse(name).unwrap()
}

async fn put(store: &RedisStore, name: &str) {
    let concert = Concert {
        concert_id: concert(name),
        version: 1,
        closed: false,
        policy: policy(json!({})),
    };
    store.put_concert(&concert).await.unwrap();
}

/// The entry number of a member who enters again and again; `None` while the store is down.
async fn place(store: &RedisStore, line: &str, who: &str) -> Option<EntryNumber> {
    match store.enter(&concert(line), &member(who), "").await {
        Ok(Entering::New(found) | Entering::Already(found)) => number(found.state),
        Err(StoreError::Down(_)) => None,
        other => panic!("{other:?}"),
    }
}

/// A primary with two replicas, and Sentinels that watch it.
async fn watched() -> (RedisServer, Vec<RedisServer>, RedisSentinels) {
    let primary = RedisServer::start().await;
    let replicas = vec![RedisServer::start().await, RedisServer::start().await];
    for replica in &replicas {
        replica.follow(&primary).await;
    }
    let sentinels = RedisSentinels::start(&primary, SILENT).await;
    (primary, replicas, sentinels)
}

#[tokio::test]
async fn a_primary_that_sentinels_replace_is_left_and_every_acknowledged_place_kept() {
    let (primary, _replicas, sentinels) = watched().await;
    let store = store_at(sentinels.url(), 1);
    put(&store, "c").await;
    let first = place(&store, "c", "a").await.expect("the primary is up");
    assert!(store.is_up().await);

    primary.pause();
    assert_eq!(place(&store, "c", "b").await, None, "no hang");
    let begun = Instant::now();
    eventually(WELL_AGAIN, "the new primary", async || {
        place(&store, "c", "b").await.is_some()
    })
    .await;
    println!("followed after {:?}", begun.elapsed());
    assert_eq!(place(&store, "c", "a").await, Some(first));
    let second = place(&store, "c", "b").await;

    // It does not know yet that it was replaced.
    primary.resume();
    for who in ["c", "d", "e"] {
        eventually(SOON, "the new primary", async || {
            place(&store, "c", who).await.is_some()
        })
        .await;
    }
    let listed = store.members(&concert("c"), None, 10).await.unwrap();
    assert_eq!(listed.len(), 5);
    assert_eq!(place(&store, "c", "b").await, second);
}

#[tokio::test]
async fn a_store_that_did_nothing_during_a_failover_does_not_write_to_the_former_primary() {
    let (primary, _replicas, sentinels) = watched().await;
    let (busy, idle) = (store_at(sentinels.url(), 0), store_at(sentinels.url(), 0));
    put(&busy, "c").await;
    assert!(place(&idle, "c", "a").await.is_some());
    primary.pause();
    eventually(WELL_AGAIN, "the new primary", async || {
        place(&busy, "c", "b").await.is_some()
    })
    .await;
    // It looks by itself once a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    primary.resume();
    assert!(place(&idle, "c", "c").await.is_some());
    let listed = busy.members(&concert("c"), None, 10).await.unwrap();
    assert!(listed.iter().any(|it| it.member == member("c")));
}

/// The names of three lines, of which each primary has one.
async fn three_lines(cluster: &RedisCluster) -> Vec<String> {
    let mut lines = Vec::new();
    for primary in cluster.primaries() {
        let mut names = (0..).map(|n| format!("c{n}"));
        let its = loop {
            let name = names.next().expect("there are more");
            if cluster.owner(&format!("concert:{name}")).await.port() == primary.port() {
                break name;
            }
        };
        lines.push(its);
    }
    lines
}

#[tokio::test]
async fn lines_are_spread_over_a_cluster_and_are_all_listed() {
    let cluster = RedisCluster::start(Duration::from_secs(5)).await;
    let store = store_at(cluster.url(), 1);
    let mut lines = three_lines(&cluster).await;
    for line in &lines {
        put(&store, line).await;
        assert!(place(&store, line, "a").await.is_some());
    }
    lines.sort();
    let names = |ids: Vec<ConcertId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut live = names(store.live().await.unwrap());
    live.sort();
    assert_eq!(live, lines);
    assert_eq!(names(store.concerts().await.unwrap()), lines);
    for primary in cluster.primaries() {
        let has = primary.send("DBSIZE").await;
        assert!(!has.starts_with(":0"), "{has}");
    }
    assert!(store.is_up().await);
    let full = cluster.owner(&format!("concert:{}", lines[1])).await;
    full.send("CONFIG SET maxmemory 1").await;
    assert!(!store.is_up().await, "one of them is full");
}

#[tokio::test]
async fn a_silent_primary_of_a_cluster_is_left_and_the_other_lines_go_on() {
    let cluster = RedisCluster::start(SILENT).await;
    let lines = three_lines(&cluster).await;
    let mut first = Vec::new();
    let careful = store_at(cluster.url(), 1);
    for line in &lines {
        put(&careful, line).await;
        first.push(place(&careful, line, "a").await.expect("it is up"));
    }
    // The one that is promoted has no replica.
    let store = store_at(cluster.url(), 0);
    assert!(store.is_up().await);
    cluster.primaries()[0].pause();
    let begun = Instant::now();
    eventually(WELL_AGAIN, "the promoted replica", async || {
        // The others answer all the while.
        let gone = place(&store, &lines[0], "b");
        let (gone, there) = tokio::join!(gone, place(&store, &lines[1], "b"));
        assert!(there.is_some(), "after {:?}", begun.elapsed());
        gone.is_some()
    })
    .await;
    println!("followed after {:?}", begun.elapsed());
    for (line, first) in lines.iter().zip(first) {
        assert_eq!(place(&store, line, "a").await, Some(first));
    }
    cluster.primaries()[0].resume();
    eventually(SOON, "all take writes", async || store.is_up().await).await;
}

#[tokio::test]
async fn slots_that_another_node_takes_over_are_followed() {
    let cluster = RedisCluster::start(Duration::from_secs(5)).await;
    let store = store_at(cluster.url(), 0);
    let lines = three_lines(&cluster).await;
    put(&store, &lines[0]).await;
    let first = place(&store, &lines[0], "a").await;
    // Its replica takes over.
    let promoted = cluster.replicas()[0]
        .send("CLUSTER FAILOVER TAKEOVER")
        .await;
    assert!(promoted.starts_with("+OK"), "{promoted}");
    eventually(SOON, "the replica is promoted", async || {
        let role = cluster.replicas()[0].send("ROLE").await;
        role.contains("master")
    })
    .await;
    eventually(WELL_AGAIN, "it is found", async || {
        place(&store, &lines[0], "b").await.is_some()
    })
    .await;
    assert_eq!(place(&store, &lines[0], "a").await, first);
}
