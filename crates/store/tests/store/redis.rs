//! What only a real Redis shows: its keys, and what its faults do to a verb.

use std::{process::Command, time::Duration};

use crate::world::{self, World, id, member, policy};
use serde_json::json;
use sunbeon_domain::{Concert, ConcertId};
use sunbeon_store::{Asker, Entering, Entrant, RedisStore, Store, StoreError, redis::Settings};
use sunbeon_test_support::{RedisServer, TcpProxy, eventually};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};

const SOON: Duration = Duration::from_secs(20);

/// What `redis-cli` prints for a command.
fn cli(server: &RedisServer, args: &[&str]) -> Vec<String> {
    let port = server.port().to_string();
    let output = Command::new("redis-cli")
        .args(["-p", &port])
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect()
}

#[tokio::test]
async fn operators_see_the_line_and_who_is_inside_with_redis_cli() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world.put(1, json!({})).await;
    let number = world.join("42").await.to_string();
    assert_eq!(
        cli(redis, &["ZRANGE", "concert:c", "0", "-1", "WITHSCORES"]),
        ["42", &number]
    );
    world.let_in(1).await;
    assert!(cli(redis, &["ZRANGE", "concert:c", "0", "-1"]).is_empty());
    let record = cli(redis, &["GET", "user:{concert:c}:42"]);
    assert!(
        record[0].starts_with(&format!("READY {number} ")),
        "{record:?}"
    );
    world.claimed("42").await;
    let record = cli(redis, &["GET", "user:{concert:c}:42"]);
    assert!(
        record[0].starts_with(&format!("ENTERED {number} ")),
        "{record:?}"
    );
    for key in cli(redis, &["--scan"]) {
        let known = ["concerts", "concert:c"].contains(&key.as_str());
        assert!(
            known || key.contains("{concert:c}"),
            "{key} is of another slot"
        );
    }
}

#[tokio::test]
async fn a_feed_that_nobody_sweeps_is_collected_long_after_its_last_token() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world
        .put(1, json!({"sessionMinutes": 1, "holdDurationMinutes": 1}))
        .await;
    let ended = world.visits("a").await;
    world.pass(7.0).await;
    assert!(world.store.drop_concert(&id(), 2).await.unwrap());
    // An hour and a week after its end.
    world.pass_unheard(113.0 + 3_600.0 + 7.0 * 86_400.0 - 1.0);
    assert_eq!(world.revoked().await, [ended]);
    world.pass_unheard(2.0);
    assert!(world.revoked().await.is_empty());
    assert!(cli(redis, &["--scan", "--pattern", "*revoked"]).is_empty());
}

#[tokio::test]
async fn a_list_of_revoked_tokens_of_an_earlier_release_does_no_harm() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world.put(1, json!({})).await;
    cli(
        redis,
        &[
            "ZADD",
            "{concert:c}:revoked",
            "1795159033",
            "c:1795157833354215",
        ],
    );
    assert!(world.revoked().await.is_empty());
    let ended = world.visits("a").await;
    let feed = world.feed(None).await;
    assert_eq!(feed.oldest, Some(feed.revoked[0].place.order));
    world.sweep().await;
    assert_eq!(world.revoked().await, [ended]);
    assert_eq!(cli(redis, &["ZCARD", "{concert:c}:revoked"]), ["1"]);
}

#[tokio::test]
async fn sweeping_leaves_no_trace_of_what_is_over() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    let fields = json!({"waitingTtlSeconds": 30, "keepPlaceMinutes": 0, "readyTtlSeconds": 10,
        "sessionMinutes": 1});
    world.put(1, fields).await;
    for name in ["entered", "ready", "waiting"] {
        world.join(name).await;
    }
    world.let_in(2).await;
    world.claimed("entered").await;
    for pass in [70.0, 1.0] {
        world.pass(pass).await;
        world.sweep().await;
    }
    let mut keys = cli(redis, &["--scan"]);
    keys.sort();
    assert_eq!(
        keys,
        ["concerts", "{concert:c}:policy", "{concert:c}:state"]
    );
}

#[tokio::test]
async fn a_policy_that_was_packed_otherwise_is_put_again_at_the_same_version() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    let fields = json!({"identity": "guest"});
    world.put(1, fields.clone()).await;
    // How long a hold lasts, and whether guests may enter.
    let spoil = ["SETRANGE", "{concert:c}:policy", "129", "AAAAAAAAAAAAAAAA"];
    cli(redis, &spoil);
    assert_eq!(world.enter("guest:1").await, Entering::MembersOnly);
    world.put(1, fields).await;
    world.join("guest:1").await;
    world.let_in(1).await;
    let facts = world.claimed("guest:1").await;
    world.pass(1.0).await;
    assert!(
        world
            .extend("guest:1", facts.number)
            .await
            .unwrap()
            .extended
    );
}

#[tokio::test]
async fn members_whom_an_earlier_release_left_are_refused_and_an_empty_line_is_taken_over() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    let fields = json!({"entryIntervalSeconds": 1});
    world.put(1, fields.clone()).await;
    // As the release before the layout had a number wrote it: a moment of the clock for a deadline.
    cli(redis, &["DEL", "{concert:c}:policy"]);
    cli(
        redis,
        &["HSET", "{concert:c}:policy", "json", "{}", "version", "1"],
    );
    let state = ["HSET", "{concert:c}:state", "last", "1795157833354215"];
    cli(redis, &[&state[..], &["taken", "1795157833354"]].concat());
    cli(redis, &["ZADD", "concert:c", "1795157833354215", "42"]);
    let store = &world.store;
    let refused = |error: StoreError| {
        assert!(matches!(error, StoreError::OtherRelease(_)), "{error:?}");
    };
    let (member, new) = (member("42"), member("new"));
    refused(store.enter(&id(), &new, "").await.unwrap_err());
    refused(store.status(&id(), &member, true).await.unwrap_err());
    refused(store.tick(&id(), true).await.unwrap_err());
    refused(store.clear(&id()).await.unwrap_err());
    refused(store.drop_concert(&id(), 9).await.unwrap_err());
    for version in [1, 2] {
        let concert = Concert {
            concert_id: id(),
            version,
            closed: false,
            policy: policy(fields.clone()),
        };
        refused(store.put_concert(&concert).await.unwrap_err());
    }
    let line = ["ZRANGE", "concert:c", "0", "-1", "WITHSCORES"];
    assert_eq!(cli(redis, &line), ["42", "1795157833354215"]);

    cli(redis, &["DEL", "concert:c"]);
    world.put(1, fields).await;
    assert!(world.join("a").await.0 > 1_795_157_833_354_215);
    assert_eq!(world::names(&world.schedule().await), ["a"]);
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_sent_again() {
    let world = World::redis().await;
    world.put(1, json!({})).await;
    world.join("a").await;
    assert_eq!(
        cli(world.redis.as_ref().unwrap(), &["SCRIPT", "FLUSH"]),
        ["OK"]
    );
    world.join("b").await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_its_member_alone() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world
        .put(1, json!({"mode": "threshold", "maxActive": 2}))
        .await;
    world.join("bad").await;
    for record in [
        "SET user:{concert:c}:bad READY",
        "LPUSH user:{concert:c}:bad x",
    ] {
        cli(redis, &["DEL", "user:{concert:c}:bad"]);
        cli(redis, &record.split(' ').collect::<Vec<_>>());
        let entrants = ["a", "bad", "b"].map(|name| Entrant {
            member: member(name),
            name: String::new(),
        });
        let entered = world.store.enter_all(&id(), &entrants, u64::MAX).await;
        let entered = entered.unwrap();
        assert!(entered[0].is_ok() && entered[2].is_ok(), "{entered:?}");
        assert!(matches!(entered[1], Err(StoreError::Bug(_))), "{entered:?}");
        let asked = ["b", "bad"].map(|name| Asker {
            member: member(name),
            sign_of_life: true,
        });
        let found = world.store.status_all(&id(), &asked).await.unwrap();
        assert!(
            found[0].is_ok() && matches!(found[1], Err(StoreError::Bug(_))),
            "{found:?}"
        );
        let claimed = world.store.claim(&id(), &member("bad"), "kid").await;
        assert!(matches!(claimed, Err(StoreError::Bug(_))), "{claimed:?}");
    }
    // Its slot is free when its time is up.
    assert_eq!(world.snapshot().await.counts.ready, 2);
    world.pass(301.0).await;
    world.sweep().await;
    assert_eq!(world.snapshot().await.counts.ready, 0);
    assert_eq!(world.state("bad").await, "none");
}

async fn put(store: &RedisStore) -> sunbeon_store::Result<u64> {
    let policy = policy(json!({}));
    store
        .put_concert(&Concert {
            concert_id: id(),
            version: 1,
            closed: false,
            policy,
        })
        .await
}

#[tokio::test]
async fn a_redis_that_is_away_or_silent_is_down_in_time_and_is_found_again() {
    let server = RedisServer::start().await;
    let proxy = TcpProxy::start(format!("127.0.0.1:{}", server.port())).await;
    let url = format!("redis://{}", proxy.address()).into();
    let store = RedisStore::open(&Settings {
        url,
        wait_replicas: 0,
        timeout_ms: 1_500,
    })
    .unwrap();
    put(&store).await.unwrap();
    let down = async || {
        let answer = timeout(SOON, store.enter(&id(), &member("a"), "")).await;
        assert!(matches!(answer.expect("no hang"), Err(StoreError::Down(_))));
    };
    let back = async || store.is_up().await;

    proxy.stall();
    down().await;
    proxy.resume();
    eventually(SOON, "the silent Redis", back).await;

    server.kill();
    down().await;
    down().await;
    server.start_again().await;
    eventually(SOON, "the Redis that was away", back).await;

    // Carried out, and the answer lost: the repeat finds the entry.
    store
        .enter(&id(), &member("b"), "")
        .await
        .expect("Redis knows the script");
    proxy.hold_replies(true);
    down().await;
    proxy.hold_replies(false);
    proxy.cut();
    eventually(SOON, "the Redis that lost an answer", back).await;
    let again = store.enter(&id(), &member("a"), "").await.unwrap();
    assert!(matches!(again, Entering::Already(_)), "{again:?}");
}

/// Two servers, the second a replica of the first and in step with it.
async fn primary_and_replica() -> (RedisServer, RedisServer) {
    let (primary, replica) = (RedisServer::start().await, RedisServer::start().await);
    let port = primary.port().to_string();
    cli(&replica, &["REPLICAOF", "127.0.0.1", &port]);
    let in_step = async || {
        let info = cli(&replica, &["INFO", "replication"]);
        info.iter()
            .any(|line| line.trim() == "master_link_status:up")
    };
    eventually(SOON, "the replica", in_step).await;
    (primary, replica)
}

async fn has_entry(server: &RedisServer, name: &str) -> bool {
    cli(server, &["ZSCORE", "concert:c", name]).len() == 1
}

fn store_at(url: String, wait_replicas: u32) -> RedisStore {
    RedisStore::open(&Settings {
        url: url.into(),
        wait_replicas,
        timeout_ms: 1_500,
    })
    .unwrap()
}

/// Makes the replica the primary and the primary its replica.
fn fail_over(primary: &RedisServer, replica: &RedisServer) {
    let port = replica.port().to_string();
    cli(replica, &["REPLICAOF", "NO", "ONE"]);
    cli(primary, &["REPLICAOF", "127.0.0.1", &port]);
}

#[tokio::test]
async fn a_failover_behind_one_address_is_followed_and_keeps_every_place() {
    let (primary, replica) = primary_and_replica().await;
    let proxy = TcpProxy::start(format!("127.0.0.1:{}", primary.port())).await;
    let store = store_at(format!("redis://{}", proxy.address()), 0);
    put(&store).await.unwrap();
    let place = async |name: &str| match store.enter(&id(), &member(name), "").await {
        Ok(Entering::New(found) | Entering::Already(found)) => world::number(found.state),
        Ok(other) => panic!("{other:?}"),
        Err(StoreError::Down(_)) => None,
        Err(other) => panic!("{other:?}"),
    };
    let first = place("a").await.expect("the primary is up");
    eventually(SOON, "the entry at the replica", async || {
        has_entry(&replica, "a").await
    })
    .await;

    fail_over(&primary, &replica);
    proxy.redirect(format!("127.0.0.1:{}", replica.port()));

    let within = Duration::from_secs(10);
    eventually(within, "the new primary", async || {
        place("a").await.is_some()
    })
    .await;
    assert_eq!(place("a").await, Some(first));
    assert!(place("b").await.unwrap() > first);
    assert!(store.is_up().await);
}

#[tokio::test]
async fn what_a_former_primary_remembers_is_not_told() {
    let (primary, replica) = primary_and_replica().await;
    let proxy = TcpProxy::start(format!("127.0.0.1:{}", primary.port())).await;
    let store = store_at(format!("redis://{}", proxy.address()), 0);
    put(&store).await.unwrap();
    eventually(SOON, "the concert at the replica", async || {
        cli(&replica, &["EXISTS", "{concert:c}:policy"]) == ["1"]
    })
    .await;
    // Cut off from each other, each takes itself for right.
    let nowhere = ["REPLICAOF", "127.0.0.1", "1"];
    cli(&replica, &["REPLICAOF", "NO", "ONE"]);
    cli(&primary, &nowhere);
    proxy.redirect(format!("127.0.0.1:{}", replica.port()));
    let promoted = store_at(replica.url(), 0);
    promoted.enter(&id(), &member("a"), "").await.unwrap();

    let told = async || match store.members(&id(), None, 10).await {
        Ok(members) => {
            assert_eq!(members.len(), 1, "an old line was told");
            true
        }
        Err(StoreError::Down(_)) => false,
        Err(other) => panic!("{other:?}"),
    };
    eventually(Duration::from_secs(10), "the new primary", told).await;
}

#[tokio::test]
async fn a_write_is_answered_once_a_replica_has_it() {
    let (primary, replica) = primary_and_replica().await;
    let store = store_at(primary.url(), 1);
    put(&store).await.unwrap();
    store.enter(&id(), &member("a"), "").await.unwrap();
    assert!(has_entry(&replica, "a").await);
    assert!(store.is_up().await);

    replica.kill();
    let answer = store.enter(&id(), &member("b"), "").await;
    assert!(matches!(answer, Err(StoreError::Down(_))), "{answer:?}");
    assert!(!store.is_up().await);
    assert!(store.status(&id(), &member("a"), true).await.is_ok());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_up() {
    let (primary, replica) = primary_and_replica().await;
    let store = store_at(primary.url(), 0);
    assert!(store.is_up().await);
    assert!(!store_at(replica.url(), 0).is_up().await, "a replica");

    cli(&primary, &["CONFIG", "SET", "maxmemory", "1"]);
    assert!(!store.is_up().await, "a full Redis");
    cli(&primary, &["CONFIG", "SET", "maxmemory", "0"]);
    assert!(store.is_up().await);
}

#[tokio::test]
async fn a_full_redis_takes_nobody_new_and_does_everything_else() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    let fields = json!({"waitingTtlSeconds": 30, "keepPlaceMinutes": 0, "readyTtlSeconds": 30});
    world.put(1, fields.clone()).await;
    for name in ["exits", "completes", "extends", "ready", "a", "b"] {
        world.join(name).await;
    }
    world.let_in(4).await;
    for name in ["exits", "completes"] {
        world.claimed(name).await;
    }
    cli(redis, &["CONFIG", "SET", "maxmemory", "1"]);
    let store = &world.store;
    let full = |error: StoreError| assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    full(store.enter(&id(), &member("new"), "").await.unwrap_err());
    full(store.takes_more().await.unwrap_err());
    assert!(!store.is_up().await);
    let other = Concert {
        concert_id: ConcertId::parse("other").unwrap(),
        version: 1,
        closed: false,
        policy: policy(json!({})),
    };
    full(store.put_concert(&other).await.unwrap_err());
    // The services still find the lines that need them.
    assert_eq!(store.live().await.unwrap(), [id()]);
    let number = world.claimed("extends").await.number;
    // A minute passes; those who are there are seen.
    for _ in 0..6 {
        world.pass(10.0).await;
        for name in ["a", "b"] {
            store.status(&id(), &member(name), true).await.unwrap();
        }
        assert!(world.extend("extends", number).await.is_some());
        world.sweep().await;
    }
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.totals.lapsed, snapshot.counts.waiting), (0, 2));
    assert_eq!(snapshot.totals.unclaimed, 1);
    assert_eq!(world.let_in(1).await, ["a"]);
    assert!(world.due_again().await.is_empty());
    world.exits("exits").await;
    let number = world::number(world.place("completes").await).unwrap();
    assert!(world.complete("completes", number).await);
    assert_eq!(world.revoked().await.len(), 2);
    store.refuse_guest(&id()).await.unwrap();
    world.put(2, json!({"groupSize": 3})).await;
    assert_eq!(store.clear(&id()).await.unwrap(), 1);
    world.put_closed(3, json!({}), true).await;
    assert_eq!(world.snapshot().await.concert.version, 3);
    for name in ["a", "extends"] {
        world.exit(name).await;
    }
    world.pass(7.0).await;
    world.sweep().await;
    assert!(store.drop_concert(&id(), 4).await.unwrap());
    cli(redis, &["CONFIG", "SET", "maxmemory", "0"]);
    world.put(5, fields).await;
    world.join("new").await;
}

/// Forwards every connection to a server but the first, which it holds without a word for ever.
async fn mute_at_first(port: u16) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let _held = listener.accept().await;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}

#[tokio::test]
async fn a_connection_whose_peer_vanished_without_a_word_is_given_up() {
    let server = RedisServer::start().await;
    let url = format!("redis://{}", mute_at_first(server.port()).await).into();
    let settings = Settings {
        url,
        wait_replicas: 0,
        timeout_ms: 300,
    };
    let store = RedisStore::open(&settings).unwrap();
    assert!(matches!(put(&store).await, Err(StoreError::Down(_))));
    let back = async || put(&store).await.is_ok();
    eventually(SOON, "another connection", back).await;
}
