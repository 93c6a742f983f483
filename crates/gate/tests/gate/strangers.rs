//! What strangers can cause while Sunbeon is up: nothing that opens a gate.

use std::time::{Duration, Instant};

use futures::future::join_all;
use sunbeon_gate::OnFailure;
use tokio::time::timeout;

use crate::world::{Fault, LIMIT, Sunbeon, World, code, eventually, turns};

const REQUIRED: &str = "QUEUE_TOKEN_REQUIRED";
const DOWN: &str = "WAITING_ROOM_DOWN";
/// The pause between a stranger's requests, which should flood Sunbeon in this same process but not
/// the machine.
const PACE: Duration = Duration::from_millis(100);

/// Asks for many unknown concerts until `end`, and returns the answers.
async fn flood(world: &World, end: Instant) -> Vec<String> {
    let answers = join_all((0..60).map(async |stranger| {
        let mut answers = Vec::new();
        for n in 0.. {
            let path = format!("/concerts/invented-{stranger}-{n}");
            answers.push(world.without_token(&path).await);
            if Instant::now() > end {
                break;
            }
            tokio::time::sleep(PACE).await;
        }
        answers
    }));
    answers.await.concat()
}

fn invented(world: &World) -> usize {
    let facts = world.sunbeon.facts();
    let asked = facts.snapshots.iter();
    let invented = asked.filter(|(id, _)| id.starts_with("invented"));
    invented.map(|(_, times)| times).sum()
}

#[tokio::test]
async fn invented_concerts_open_no_gate_and_cost_at_most_twenty_requests_a_second() {
    let world = World::open().await;
    let began = Instant::now();
    // Longer than a snapshot is trusted.
    let end = began + Duration::from_secs(7);
    let honest = async {
        while Instant::now() < end {
            assert_eq!(world.without_token("/concerts/demo").await, REQUIRED);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (answers, ()) = tokio::join!(flood(&world, end), honest);
    let allowed = 20 * (began.elapsed().as_secs() + 2);
    assert!(invented(&world) as u64 <= allowed, "{}", invented(&world));
    let told = |what: &str| answers.iter().filter(|answer| *answer == what).count();
    assert!(told(REQUIRED) > 0 && told(DOWN) > 0);
    assert_eq!(told(REQUIRED) + told(DOWN), answers.len());
}

#[tokio::test]
async fn slow_answers_to_invented_concerts_open_no_gate() {
    let world = World::open().await;
    world.sunbeon.facts().delay = Duration::from_millis(400);
    let answers = flood(&world, Instant::now() + Duration::from_secs(3)).await;
    assert!(answers.iter().any(|answer| answer == DOWN));
    assert!(answers.iter().all(|answer| answer != "200"));
}

#[tokio::test]
async fn a_refusing_sunbeon_opens_no_gate() {
    let world = World::open().await;
    world.sunbeon.mode("free", "off");
    assert_eq!(world.without_token("/concerts/free").await, "200");
    world.sunbeon.facts().snapshot_fault = Some(Fault::Refuses);
    for _ in 0..20 {
        assert_eq!(world.without_token("/concerts/fresh").await, DOWN);
    }
    for (path, old) in [("/concerts/demo", REQUIRED), ("/concerts/free", "200")] {
        turns("it is no longer trusted", old, DOWN, async || {
            let told = world.without_token(path).await;
            assert!(told != "200" || path.ends_with("free"));
            told
        })
        .await;
        for _ in 0..20 {
            assert_eq!(world.without_token(path).await, DOWN);
        }
    }

    // An unreachable Sunbeon is another matter; and that is forgotten as quickly.
    world.sunbeon.facts().snapshot_fault = Some(Fault::Fails);
    eventually(LIMIT, "the gate opens", async || {
        world.without_token("/concerts/demo").await == "200"
    })
    .await;
    world.sunbeon.facts().snapshot_fault = Some(Fault::Refuses);
    turns("the gate closes", "200", DOWN, async || {
        world.without_token("/concerts/demo").await
    })
    .await;
}

#[tokio::test]
async fn nobody_waits_for_a_second_fetch_after_a_failed_one() {
    let world = World::open().await;
    world.sunbeon.facts().snapshot_fault = Some(Fault::Hangs);
    let visits = join_all((0..40).map(|_| world.without_token("/concerts/fresh")));
    let visits = timeout(LIMIT, visits).await.expect("not one after another");
    assert!(visits.iter().all(|code| code == "200"));
}

#[tokio::test]
async fn the_revoked_list_may_take_longer_than_a_second_and_a_snapshot_may_not() {
    let sunbeon = Sunbeon::start().await;
    sunbeon.facts().revoked_delay = Duration::from_millis(1_400);
    let world = World::start_with(sunbeon, OnFailure::Closed).await;
    let token = world.token("demo", "42");
    eventually(LIMIT, "the gate sees", async || {
        code(world.visit("42", "/concerts/demo", &token).await).await == "200"
    })
    .await;
    world.sunbeon.facts().delay = Duration::from_millis(1_400);
    assert_eq!(world.without_token("/concerts/demo").await, DOWN);
}
