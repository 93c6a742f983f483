//! Outages of Redis: killed under load, silent for longer than every TTL, and lagging behind a
//! replica.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack, joined};
use sunbeon_test_support::{Api, RedisServer, eventually};

/// What the fans of a load have seen so far.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    joined: AtomicUsize,
    refused: AtomicUsize,
}

/// Lines members up one after another, checks each status at once, and returns everybody's number.
async fn load(room: Api, name: usize, seen: Arc<Seen>) -> HashMap<String, u64> {
    let mut numbers = HashMap::new();
    while !seen.stop.load(Ordering::Relaxed) {
        let member = format!("fan-{name}-{}", numbers.len());
        // A refused entry may have been created; repeating it tells.
        let entered = room.enter("sale", &member).await;
        if entered.status == 503 {
            entered.says_down("STORE_DOWN");
            seen.refused.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        assert!([201, 409].contains(&entered.status), "{entered:?}");
        let status = room.status("sale", &member).await;
        match status.status {
            200 => assert_eq!(status.number(), entered.number()),
            _ => status.says_down("STORE_DOWN"),
        }
        numbers.insert(member, entered.number());
        seen.joined.fetch_add(1, Ordering::Relaxed);
    }
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_killed_under_load_forgets_nobody_with_a_confirmed_place() {
    let stack = Stack::start().await;
    let (first, second, open, consumer, token) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
        stack.run(Service::Token),
    );
    let (room, control) = (first.api(), open.api());
    control.create("sale", json!({ "autoOpen": false })).await;
    let seen = Arc::<Seen>::default();
    let fans = (0..8).map(|i| {
        let room = if i % 2 == 0 {
            first.api()
        } else {
            second.api()
        };
        tokio::spawn(load(room, i, seen.clone()))
    });
    let fans: Vec<_> = fans.collect();
    for _ in 0..3 {
        let (joined, refused) = (
            seen.joined.load(Ordering::Relaxed),
            seen.refused.load(Ordering::Relaxed),
        );
        eventually(SOON, "the crowd lines up", async || {
            seen.joined.load(Ordering::Relaxed) >= joined + 150
        })
        .await;
        stack.redis.kill();
        eventually(SOON, "the crowd is refused", async || {
            seen.refused.load(Ordering::Relaxed) >= refused + 8
        })
        .await;
        let tokens = token.api();
        let (exit, line, token, opened, cleared, health) = tokio::join!(
            room.exit("sale", "fan-0-0"),
            room.ask_line("sale"),
            tokens.token("sale", "fan-0-0"),
            control.open("sale", 10),
            control.act("sale", "clear"),
            room.get("/health", ""),
        );
        for answer in [exit, line, token, opened, cleared] {
            answer.says_down("STORE_DOWN");
        }
        assert_eq!(health.body["dependencies"]["store"], "down");
        stack.redis.start_again().await;
    }
    let joined_before = seen.joined.load(Ordering::Relaxed);
    eventually(SOON, "the crowd lines up again", async || {
        seen.joined.load(Ordering::Relaxed) >= joined_before + 50
    })
    .await;
    seen.stop.store(true, Ordering::Relaxed);
    let mut numbers = HashMap::new();
    for fan in fans {
        numbers.extend(joined(fan).await);
    }
    let in_line = room.members("sale").await;
    let in_line: HashMap<_, _> = in_line.into_iter().map(|m| (m.member, m.number)).collect();
    for (member, number) in &numbers {
        assert_eq!(in_line.get(member), Some(number), "{member}");
    }
    for replica in [&first, &second, &open, &consumer, &token] {
        replica.lives();
        replica.is_healthy().await;
    }
    assert_eq!(control.open("sale", 100).await.data(200)["admitted"], 100);
    eventually(SOON, "the sale continues", async || {
        room.line("sale").await.count("ready") == 100
    })
    .await;
    stack.ends_well(&room, &["sale"], &[&consumer]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_lapses_during_an_outage_of_redis_longer_than_the_waiting_ttl() {
    let stack = Stack::start().await;
    let (room, open, token) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::Token),
    );
    let (api, control) = (room.api(), open.api());
    let policy = json!({
        "mode": "threshold", "maxActive": 5, "autoOpen": false, "waitingTtlSeconds": 30, "readyTtlSeconds": 20,
    });
    control.create("sale", policy).await;
    for i in 0..15 {
        let entered = api.enter("sale", &format!("fan-{i}")).await.of(201);
        assert_eq!(entered.stands(), if i < 5 { "READY" } else { "WAITING" });
    }

    // First it is silent, then it is gone.
    let gone = Instant::now();
    stack.redis.pause();
    let tokens = token.api();
    for _ in 0..2 {
        let (status, entered, issued, opened) = tokio::join!(
            api.status("sale", "fan-9"),
            api.enter("sale", "somebody"),
            tokens.token("sale", "fan-0"),
            control.open("sale", 1),
        );
        for answer in [status, entered, issued, opened] {
            answer.says_down("STORE_DOWN");
        }
    }
    stack.redis.kill();
    eventually(
        Duration::from_secs(60),
        "every TTL has passed",
        async || {
            api.status("sale", "fan-9").await.says_down("STORE_DOWN");
            gone.elapsed() > Duration::from_secs(33)
        },
    )
    .await;
    stack.redis.start_again().await;

    // No polls have arrived since.
    for replica in [&room, &open, &token] {
        replica.lives();
        replica.is_healthy().await;
    }
    let line = api.line("sale").await;
    let counts = ["ready", "waiting", "away"].map(|name| line.count(name));
    // It is unknown whether the silent server received somebody's entry before it was gone.
    assert!(counts == [5, 10, 0] || counts == [5, 11, 0], "{line:?}");
    let totals = ["lapsed", "unclaimed"].map(|name| line.total(name));
    assert_eq!(totals, [0, 0], "{line:?}");
    for i in 0..15 {
        let standing = api.status("sale", &format!("fan-{i}")).await.of(200);
        assert_eq!(standing.stands(), if i < 5 { "READY" } else { "WAITING" });
    }
    assert_eq!(
        tokens.token("sale", "fan-0").await.of(200).stands(),
        "ENTERED"
    );

    // Time continues from there for members who do not fetch their token.
    eventually(SOON * 2, "the others' turn has passed", async || {
        api.line("sale").await.total("unclaimed") == 4
    })
    .await;
    stack.ends_well(&api, &["sale"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_held_by_no_replica_is_neither_confirmed_nor_forgotten() {
    let stack = Stack::start().await;
    let replica = RedisServer::start().await;
    let primary = &stack.redis;
    replica.follow(primary).await;
    let plan = stack.plan(Service::WaitingRoom);
    let (room, open) = tokio::join!(
        plan.with("SUNBEON__STORE__REDIS__WAIT_REPLICAS", "1")
            .start(),
        stack.run(Service::ReservationOpen),
    );
    let (api, control) = (room.api(), open.api());
    control.create("sale", json!({ "autoOpen": false })).await;
    let first = api.enter("sale", "first").await.of(201).number();

    replica.kill();
    for _ in 0..2 {
        api.enter("sale", "second").await.says_down("STORE_DOWN");
    }
    let place = control.look_up("sale", "second").await;
    assert_eq!(
        (place.stands(), &place.data(200)["queueNumber"]),
        ("WAITING", &json!(2))
    );

    replica.start_again().await;
    replica.follow(primary).await;
    let again = api.enter("sale", "second").await;
    again.fails("ALREADY_IN_QUEUE");
    assert_eq!(again.number(), place.number());
    assert!(again.number() > first);
    let _ = api.enter("sale", "third").await.of(201);
    let in_line: Vec<_> = api
        .members("sale")
        .await
        .into_iter()
        .map(|m| m.member)
        .collect();
    assert_eq!(in_line, ["first", "second", "third"]);
    room.lives();
    stack.ends_well(&api, &["sale"], &[]).await;
}
