//! What a line leaves in Redis, pinned key by key, and what other releases do with it.

use std::{fmt::Write, fs};

use ::redis::{Client, Cmd, aio::MultiplexedConnection, cmd};
use serde_json::{Value, json};
use sunbeon_domain::{Concert, EntryNumber, StockReport, Tier};
use sunbeon_store::{Opening, Role, StoreError};
use sunbeon_test_support::{RedisServer, pinned};

use crate::world::{START, World, id, member, names, policy};

/// Commands that make the line of [`a_line_with_every_key`], as the release that had this layout left it.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/layout/5.redis");
/// When it was left.
const LEFT_AT: u64 = START + 33_000_000;

const REOPENED: Opening<'static> = Opening {
    batch_size: 1,
    taken: 0,
    key: Some("again"),
};

fn fields() -> Value {
    json!({"identity": "guest", "waitingTtlSeconds": 30, "autoOpen": false, "maxActive": 100,
        "idleShopSeconds": 20})
}

/// A line in which every key exists that a concert can have.
async fn a_line_with_every_key() -> World {
    let world = World::redis().await;
    world.put(1, fields()).await;
    world.join("away").await;
    world.pass(32.0).await;
    world.sweep().await;
    world.visits("left").await;
    world.visits("cools").await;
    world.join("inside").await;
    world.let_in(1).await;
    world.claimed("inside").await;
    world.join("ready").await;
    world.let_in(1).await;
    // Taken before the slot of the session before has cooled down.
    world.join("left").await;
    assert_eq!(names(&world.admit(REOPENED).await), ["left"]);
    world.join("named").await;
    let store = &world.store;
    store.enter(&id(), &member("guest:g"), "").await.unwrap();
    let pages = [member("inside")];
    store.note_pages(&id(), &pages).await.unwrap();
    let tiers = vec![Tier {
        name: "스탠딩".to_owned(),
        price: Some(99_000),
        left: 12,
    }];
    let report = StockReport { tiers, held: 1 };
    store.put_stock(&id(), &report).await.unwrap();
    store.refuse_guest(&id()).await.unwrap();
    world.pass_unheard(1.0);
    world.beat(Role::WaitingRoom, true).await;
    world.beat(Role::Token, true).await;
    store.recent(&id(), None).await.unwrap();
    assert_eq!(store.live().await.unwrap(), [id()]);
    assert!(store.is_up().await);
    world
}

/// The same line, made by the pinned commands.
async fn as_it_was_left() -> World {
    let world = World::redis().await;
    world.set_clock(LEFT_AT);
    let server = world.redis.as_ref().unwrap();
    let commands = fs::read_to_string(FILE).unwrap();
    let answers = server.send(commands.trim_end()).await;
    assert!(!answers.contains("\r\n-"), "{answers}");
    world
}

/// Every key as the command that makes it, in order.
async fn dump(server: &RedisServer) -> String {
    let client = Client::open(server.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let mut keys: Vec<Vec<u8>> = ask(&mut redis, "KEYS", b"*").await;
    keys.sort();
    let mut dump = String::new();
    for key in &keys {
        let kind: String = ask(&mut redis, "TYPE", key).await;
        let (makes, mut value) = match kind.as_str() {
            "string" => ("SET", vec![ask(&mut redis, "GET", key).await]),
            "set" => ("SADD", ask(&mut redis, "SMEMBERS", key).await),
            "hash" => ("HSET", ask(&mut redis, "HGETALL", key).await),
            "zset" => ("ZADD", scored(&mut redis, key).await),
            other => panic!("{other}"),
        };
        if makes == "HSET" {
            let mut fields: Vec<_> = value.chunks(2).map(<[_]>::to_vec).collect();
            fields.sort();
            value = fields.concat();
        }
        write!(dump, "{makes} {}", quoted(key)).unwrap();
        for part in &value {
            write!(dump, " {}", quoted(part)).unwrap();
        }
        dump.push('\n');
        let left: i64 = ask(&mut redis, "PTTL", key).await;
        if left >= 0 {
            writeln!(dump, "PEXPIRE {} {left}", quoted(key)).unwrap();
        }
    }
    dump
}

async fn ask<T: ::redis::FromRedisValue>(
    redis: &mut MultiplexedConnection,
    verb: &str,
    key: &[u8],
) -> T {
    answer(redis, cmd(verb).arg(key)).await
}

async fn answer<T: ::redis::FromRedisValue>(redis: &mut MultiplexedConnection, asked: &Cmd) -> T {
    asked.query_async(redis).await.unwrap()
}

/// Scores and members by turns, as ZADD takes them.
async fn scored(redis: &mut MultiplexedConnection, key: &[u8]) -> Vec<Vec<u8>> {
    let mut range = cmd("ZRANGE");
    range.arg(key).arg(0).arg(-1).arg("WITHSCORES");
    let pairs: Vec<Vec<u8>> = answer(redis, &range).await;
    let turned = pairs
        .chunks(2)
        .map(|pair| [pair[1].clone(), pair[0].clone()]);
    turned.flatten().collect()
}

/// Bytes as redis-cli and inline commands read them.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => write!(text, "\\{}", char::from(*byte)),
            b' '..=b'~' => write!(text, "{}", char::from(*byte)),
            _ => write!(text, "\\x{byte:02x}"),
        }
        .unwrap();
    }
    text.push('"');
    text
}

#[tokio::test]
async fn every_key_of_a_line_is_as_pinned() {
    let world = a_line_with_every_key().await;
    assert_eq!(world.now().0, (LEFT_AT / 1_000) as i64);
    let left = dump(world.redis.as_ref().unwrap()).await;
    let why = "a line in Redis is read by the releases before and after: if one of them would read it \
        otherwise, count up LAYOUT and pin the new layout in a file of its own";
    pinned(FILE, &left, why);
}

#[tokio::test]
async fn a_line_that_was_left_with_this_layout_is_carried_on() {
    let world = as_it_was_left().await;
    let store = &world.store;
    for (name, state) in [
        ("away", "away"),
        ("left", "admitting"),
        ("ready", "ready"),
        ("inside", "entered"),
        ("named", "waiting"),
        ("guest:g", "waiting"),
    ] {
        assert_eq!(world.state(name).await, state, "{name}");
    }
    let line = world.snapshot().await;
    assert_eq!(
        (line.totals.joined, line.totals.exited, line.guests_refused),
        (8, 2, 1)
    );
    assert!(line.line_facts.stock.is_some());
    // The opening that was under way is known, and the token is signed again as it was.
    assert!(world.admit(REOPENED).await.replayed);
    let token = world.claimed("inside").await;
    assert_eq!(
        (token.kid.as_str(), token.iat),
        ("kid", (START / 1_000_000 + 32) as i64)
    );
    world.claimed("ready").await;
    assert_eq!(world.revoked().await.len(), 2);
    let line = store.members(&id(), None, 10).await.unwrap();
    let last = line.iter().map(|it| it.number).max().unwrap();
    assert!(world.join("new").await > last);
    // Those in line keep their order; who comes back from away is in front.
    store.status(&id(), &member("away"), true).await.unwrap();
    assert_eq!(world.let_in(3).await, ["away", "named", "guest:g"]);
    assert_eq!(store.clear(&id()).await.unwrap(), 2);
}

/// Both ways: an upgrade over a change of the layout, and the way back.
#[tokio::test]
async fn a_line_of_another_layout_is_refused_and_stays_as_it_is() {
    let world = as_it_was_left().await;
    let (redis, store) = (world.redis.as_ref().unwrap(), &world.store);
    for other in ["\\x04", "\\x06"] {
        let change = format!("SETRANGE {{concert:c}}:policy 0 \"{other}\"");
        assert!(redis.send(&change).await.starts_with(':'));
        let before = dump(redis).await;
        let refused = |error: StoreError| {
            assert!(matches!(error, StoreError::OtherRelease(_)), "{error:?}");
        };
        let (ready, number) = (member("left"), EntryNumber(1));
        let concert = Concert {
            concert_id: id(),
            version: 2,
            closed: false,
            policy: policy(fields()),
        };
        refused(store.put_concert(&concert).await.unwrap_err());
        refused(store.enter(&id(), &member("new"), "").await.unwrap_err());
        refused(
            store
                .status(&id(), &member("away"), true)
                .await
                .unwrap_err(),
        );
        refused(store.snapshot(&id()).await.unwrap_err());
        refused(store.tick(&id(), true).await.unwrap_err());
        refused(store.admit(&id(), REOPENED).await.unwrap_err());
        refused(store.ready(&id(), &[(ready, number)]).await.unwrap_err());
        refused(
            store
                .claim(&id(), &member("ready"), "kid")
                .await
                .unwrap_err(),
        );
        refused(store.clear(&id()).await.unwrap_err());
        refused(store.drop_concert(&id(), 9).await.unwrap_err());
        assert_eq!(dump(redis).await, before);
    }
}
