//! What only a real Redis shows: its keys, and what its faults do to a verb.

use std::{process::Command, time::Duration};

use crate::world::{World, id, member, policy};
use serde_json::json;
use sunbeon_domain::Concert;
use sunbeon_store::{RedisStore, Store, StoreError, redis::Settings};
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
async fn a_token_whose_session_ends_early_is_on_the_revoked_list_until_it_expires() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    world
        .put(1, json!({"sessionMinutes": 1, "holdDurationMinutes": 1}))
        .await;
    for name in ["exits", "completes", "stays", "unclaimed"] {
        world.join(name).await;
    }
    world.let_in(4).await;
    for name in ["exits", "completes", "stays"] {
        world.claimed(name).await;
    }
    let exits = world.exits("exits").await;
    world.exit("unclaimed").await;
    let number = crate::world::number(world.place("completes").await).unwrap();
    assert!(world.complete("completes", number).await);
    let revoked = || cli(redis, &["ZRANGE", "{concert:c}:revoked", "0", "-1"]);
    let mut ids = [exits, number.token_id(&id())];
    ids.sort();
    assert_eq!(revoked(), ids);
    world.pass(119.0).await;
    world.sweep().await;
    assert_eq!(revoked().len(), 2);
    world.pass(1.0).await;
    world.sweep().await;
    assert!(revoked().is_empty());
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
    world.pass(70.0).await;
    world.sweep().await;
    let mut keys = cli(redis, &["--scan"]);
    keys.sort();
    assert_eq!(
        keys,
        ["concerts", "{concert:c}:policy", "{concert:c}:state"]
    );
}

#[tokio::test]
async fn a_policy_that_an_earlier_release_put_gets_the_fields_that_it_lacks() {
    let world = World::redis().await;
    let redis = world.redis.as_ref().unwrap();
    let fields = json!({"identity": "guest"});
    world.put(1, fields.clone()).await;
    let lose = ["HDEL", "{concert:c}:policy", "holdMs", "identity"];
    assert_eq!(cli(redis, &lose), ["2"]);
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
    assert!(
        matches!(again, sunbeon_store::Entering::Already(_)),
        "{again:?}"
    );
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
