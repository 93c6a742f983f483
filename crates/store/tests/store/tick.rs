//! What is due on a line, when a process looks at it, and the snapshot that all share, on both stores.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::json;
use sunbeon_domain::{Concert, ConcertId, StockReport};
use sunbeon_store::{Beat, Looks, MemoryStore, Role, Store};

use crate::world::{World, at, id, member, names, policy};

behaviours!(
    a_tick_says_in_how_long_the_next_take_is_due,
    a_tick_that_cannot_send_takes_nobody_and_names_nobody_again,
    a_take_a_message_and_the_end_of_a_session_are_one_tick,
    the_shared_snapshot_is_made_anew_once_it_is_a_second_old,
    the_shared_snapshot_knows_of_takes_policies_and_reports,
    a_beat_for_the_shared_snapshot_is_a_beat,
);

async fn next_take(world: &World) -> Option<u64> {
    world.store.tick(&id(), true).await.unwrap().next_take_ms
}

async fn a_tick_says_in_how_long_the_next_take_is_due(world: World) {
    let fields = |paused| {
        json!({"bookingStartAt": at(60), "entryIntervalSeconds": 10, "groupSize": 1,
            "maxActive": 2, "paused": paused})
    };
    world.put(1, fields(false)).await;
    assert_eq!(next_take(&world).await, None, "nobody waits");
    for name in ["a", "b", "c", "d"] {
        world.join(name).await;
    }
    world.pass(1.5).await;
    assert_eq!(next_take(&world).await, Some(58_500), "the start");
    world.pass(58.5).await;
    let taken = world.schedule().await;
    assert_eq!(
        (names(&taken), taken.next_take_ms, taken.still_waiting),
        (vec!["a".to_owned()], Some(10_000), 3)
    );
    world.call(&taken.entries).await;
    world.pass(3.25).await;
    assert_eq!(next_take(&world).await, Some(6_750));
    world.pass(6.75).await;
    let taken = world.schedule().await;
    assert_eq!(names(&taken), ["b"]);
    world.call(&taken.entries).await;
    world.pass(10.0).await;
    assert_eq!(next_take(&world).await, Some(0), "no slot is free");
    world.put(2, fields(true)).await;
    assert_eq!(next_take(&world).await, Some(0), "paused");
    world.put(3, json!({"autoOpen": false})).await;
    assert_eq!(next_take(&world).await, None, "only open takes");
    world.put_closed(4, json!({}), true).await;
    assert_eq!(next_take(&world).await, None, "closed");
}

async fn a_tick_that_cannot_send_takes_nobody_and_names_nobody_again(world: World) {
    world
        .put(
            1,
            json!({"waitingTtlSeconds": 30, "entryIntervalSeconds": 1}),
        )
        .await;
    world.join("taken").await;
    let taken = world.schedule().await.entries;
    world.join("unseen").await;
    world.pass(31.0).await;
    world.join("waits").await;
    let ticked = world.store.tick(&id(), false).await.unwrap();
    assert!(ticked.entries.is_empty() && ticked.due_again.is_empty());
    assert_eq!((ticked.swept.away, ticked.still_waiting), (1, 1));
    let ticked = world.schedule().await;
    assert_eq!(names(&ticked), ["waits"]);
    assert_eq!(ticked.due_again, taken);
}

async fn a_take_a_message_and_the_end_of_a_session_are_one_tick(world: World) {
    let fields = json!({"entryIntervalSeconds": 1, "groupSize": 2, "readyTtlSeconds": 30,
        "waitingTtlSeconds": 60});
    world.put(1, fields).await;
    world.join("called").await;
    let called = world.schedule().await.entries;
    world.call(&called).await;
    world.pass(25.0).await;
    world.join("taken").await;
    let taken = world.schedule().await.entries;
    world.pass(5.0).await;
    world.join("next").await;
    let ticked = world.schedule().await;
    assert_eq!(names(&ticked), ["next"]);
    assert_eq!(ticked.due_again, taken);
    assert_eq!((ticked.swept.unclaimed, ticked.swept.more), (1, false));
    assert_eq!(world.state("called").await, "none");
}

/// How many wait by the shared snapshot, and how old that is (ms).
async fn recent(world: &World) -> (u64, i64) {
    let recent = world.store.recent(&id(), None).await.unwrap();
    let age = recent.now.0 - recent.snapshot.at.0;
    (recent.snapshot.counts.waiting, age)
}

async fn the_shared_snapshot_is_made_anew_once_it_is_a_second_old(world: World) {
    world.put(1, json!({})).await;
    assert_eq!(recent(&world).await, (0, 0));
    world.join("a").await;
    assert_eq!(recent(&world).await, (0, 0));
    world.pass_unheard(0.9);
    assert_eq!(recent(&world).await, (0, 900));
    world.pass_unheard(0.1);
    assert_eq!(recent(&world).await, (1, 0));
    world.join("b").await;
    world.pass_unheard(-0.001);
    assert_eq!(recent(&world).await, (2, 0), "the other is ahead of now");
    assert_eq!(world.snapshot().await.counts.waiting, 2);
}

async fn the_shared_snapshot_knows_of_takes_policies_and_reports(world: World) {
    let snapshot = async || world.store.recent(&id(), None).await.unwrap().snapshot;
    world.put(1, json!({"groupSize": 1})).await;
    for name in ["a", "b"] {
        world.join(name).await;
    }
    assert_eq!(snapshot().await.progress.taken, 0);
    world.schedule().await;
    assert_eq!(snapshot().await.progress.taken, 1);
    world.open(1).await;
    assert_eq!(snapshot().await.progress.taken, 2);
    world.put(2, json!({"groupSize": 7})).await;
    assert_eq!(snapshot().await.concert.policy.group_size, 7);
    let nothing = StockReport {
        tiers: vec![],
        held: 0,
    };
    world.store.put_stock(&id(), &nothing).await.unwrap();
    assert!(snapshot().await.line_facts.sold_out);
}

async fn a_beat_for_the_shared_snapshot_is_a_beat(world: World) {
    world
        .put(
            1,
            json!({"waitingTtlSeconds": 30, "entryIntervalSeconds": 1}),
        )
        .await;
    world.join("a").await;
    for _ in 0..31 {
        world.pass_unheard(1.0);
        for role in [Role::WaitingRoom, Role::Token] {
            let beat = Beat { role, heard: true };
            world.store.recent(&id(), Some(beat)).await.unwrap();
        }
    }
    assert_eq!(world.snapshot().await.counts.away, 1);
    world.join("b").await;
    assert_eq!(names(&world.schedule().await), ["b"], "nobody is away");
}

/// Puts a concert that starts so many milliseconds from now, with one in line; the moment of the start.
async fn starting_in(store: &MemoryStore, ms: u32) -> (ConcertId, Instant) {
    let concert_id = ConcertId::parse(format!("in-{ms}")).unwrap();
    let put = async |version, fields| {
        let concert = Concert {
            concert_id: concert_id.clone(),
            version,
            closed: false,
            policy: policy(fields),
        };
        store.put_concert(&concert).await.unwrap();
    };
    put(1, json!({})).await;
    let now = store.snapshot(&concert_id).await.unwrap().at;
    let start = Instant::now() + Duration::from_millis(ms.into());
    put(
        2,
        json!({"bookingStartAt": (now + i64::from(ms)).to_string()}),
    )
    .await;
    store.enter(&concert_id, &member("a"), "").await.unwrap();
    (concert_id, start)
}

#[tokio::test]
async fn a_process_looks_again_exactly_when_a_take_is_due() {
    let store = MemoryStore::new();
    let mut starts = HashMap::new();
    for i in 0..5 {
        starts.extend([starting_in(&store, 1_030 + 50 * i).await]);
    }
    let (looks, late) = (Looks::default(), Mutex::new(Vec::new()));
    while late.lock().len() < starts.len() {
        let tick = async |id| {
            let ticked = store.tick(&id, true).await?;
            if !ticked.entries.is_empty() {
                late.lock().push(starts[&id].elapsed());
            }
            Ok(ticked.next_take_ms)
        };
        looks.round(&store, tick).await.unwrap();
        tokio::select! {
            () = looks.wake().notified() => {}
            () = tokio::time::sleep(Looks::ROUND) => {}
        }
    }
    let mut late = late.into_inner();
    late.sort_unstable();
    // Rounds alone would find them 20 to 220 ms late.
    assert!(late[2] < Duration::from_millis(60), "{late:?}");
}
