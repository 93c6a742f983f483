//! Concerts without a line, and the cost of asking about them.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Fault, LIMIT, NUMBER, World, code, eventually, number, turns};

const REQUIRED: &str = "QUEUE_TOKEN_REQUIRED";
/// The pause between a stranger's requests, which should flood Sunbeon in this same process but not
/// the machine.
const PACE: Duration = Duration::from_millis(100);

#[tokio::test]
async fn in_mode_off_members_pass_without_a_token_and_without_a_number() {
    let world = World::closed().await;
    world.sunbeon.mode("free", "off");
    world.sunbeon.mode("threshold", "threshold");
    let answer = world.get("42", "/concerts/free").send().await.unwrap();
    let shown: Value = answer.json().await.unwrap();
    assert_eq!(shown["concert"], "free");
    assert_eq!(shown["member"], "42");
    assert_eq!(
        (&shown["number"], &shown["until"]),
        (&Value::Null, &Value::Null)
    );

    let bad = world.visit("42", "/concerts/free", "garbage").await;
    assert_eq!(code(bad).await, "200");
    let good = world
        .visit("42", "/concerts/free", &world.token("free", "42"))
        .await;
    assert_eq!(number(good).await, Some(NUMBER));

    let nobody = world.request("GET", "/concerts/free").send().await.unwrap();
    assert_eq!(code(nobody).await, REQUIRED);
    for path in [
        "/concerts/threshold",
        "/concerts/demo",
        "/concerts/unknown",
        "/seats",
    ] {
        assert_eq!(world.without_token(path).await, REQUIRED, "{path}");
    }
}

#[tokio::test]
async fn in_mode_off_nobody_passes_without_a_token_while_the_sale_is_not_open() {
    let world = World::closed().await;
    for state in ["early", "before", "paused", "ended", "closed"] {
        world
            .sunbeon
            .show(state, json!({"mode": "off", "state": state}));
        let path = format!("/concerts/{state}");
        assert_eq!(world.without_token(&path).await, REQUIRED, "{state}");
        let answer = world.visit("42", &path, &world.token(state, "42")).await;
        assert_eq!(number(answer).await, Some(NUMBER), "{state}");
    }
    for (state, old, new) in [
        ("open", "unknown", "200"),
        ("paused", "200", REQUIRED),
        ("open", REQUIRED, "200"),
    ] {
        world
            .sunbeon
            .show("sale", json!({"mode": "off", "state": state}));
        turns(state, old, new, async || {
            world.without_token("/concerts/sale").await
        })
        .await;
    }
}

#[tokio::test]
async fn in_mode_off_guests_pass_only_where_guests_may_line_up() {
    let world = World::closed().await;
    let off = |identity: &str| json!({"mode": "off", "state": "open", "identity": identity});
    world.sunbeon.show("guests", off("guest"));
    world.sunbeon.show("members", off("member"));
    world.sunbeon.mode("untold", "off");
    world.sunbeon.show(
        "line",
        json!({"mode": "queue", "state": "open", "identity": "guest"}),
    );
    let guest = "guest:6f0c2f1e-5d0f-4b8e-9a52-3f6b1c9d7e10";
    for (concert, expected, member_expected) in [
        ("guests", "200", "200"),
        ("members", REQUIRED, "200"),
        ("untold", REQUIRED, "200"),
        ("line", REQUIRED, REQUIRED),
    ] {
        let path = format!("/concerts/{concert}");
        let answer = world.get(guest, &path).send().await.unwrap();
        assert_eq!(code(answer).await, expected, "{concert}");
        assert_eq!(
            world.without_token(&path).await,
            member_expected,
            "{concert}"
        );
    }
    let token = world.token("members", guest);
    let answer = world.visit(guest, "/concerts/members", &token).await;
    assert_eq!(number(answer).await, Some(NUMBER));
}

#[tokio::test]
async fn a_gate_follows_a_line_switched_on_or_off_within_five_seconds() {
    let world = World::closed().await;
    world.sunbeon.mode("sale", "off");
    assert_eq!(world.without_token("/concerts/sale").await, "200");
    for (mode, old, new) in [("queue", "200", REQUIRED), ("off", REQUIRED, "200")] {
        world.sunbeon.mode("sale", mode);
        turns(mode, old, new, async || {
            world.without_token("/concerts/sale").await
        })
        .await;
    }
}

#[tokio::test]
async fn with_a_good_token_no_snapshot_is_fetched() {
    let world = World::closed().await;
    world.sunbeon.facts().snapshots.clear();
    world.sunbeon.facts().snapshot_fault = Some(Fault::Hangs);
    for path in ["/concerts/demo", "/seats"] {
        let answer = world.visit("42", path, &world.token("demo", "42")).await;
        assert_eq!(code(answer).await, "200");
    }
    assert!(world.sunbeon.facts().snapshots.is_empty());
}

#[tokio::test]
async fn many_visits_at_once_cause_one_fetch_of_their_concert() {
    let world = World::closed().await;
    world.sunbeon.mode("free", "off");
    world.sunbeon.facts().delay = Duration::from_millis(300);
    let began = Instant::now();
    let visits = join_all((0..50).map(|_| world.without_token("/concerts/free"))).await;
    assert!(visits.iter().all(|code| code == "200"));
    // A visitor who comes more than a second after the fetch began causes another one.
    let allowed = 1 + began.elapsed().as_secs();
    let fetches = world.sunbeon.facts().snapshots["free"];
    assert!(fetches as u64 <= allowed, "{fetches} fetches");
}

#[tokio::test]
async fn a_failing_snapshot_is_fetched_once_a_second_at_most() {
    let world = World::closed().await;
    world.sunbeon.facts().snapshot_fault = Some(Fault::Fails);
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(
            world.without_token("/concerts/free").await,
            "WAITING_ROOM_DOWN"
        );
    }
    let fetches = world.sunbeon.facts().snapshots["free"];
    let allowed = 1 + began.elapsed().as_secs();
    assert!(fetches as u64 <= allowed, "{fetches} fetches");
}

#[tokio::test]
async fn an_unknown_concert_is_not_fetched_again() {
    let world = World::closed().await;
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(world.without_token("/concerts/unknown").await, REQUIRED);
    }
    let fetches = world.sunbeon.facts().snapshots["unknown"];
    let allowed = 1 + began.elapsed().as_secs() / 10;
    assert!(fetches as u64 <= allowed, "{fetches} fetches");
}

#[tokio::test]
async fn invented_concerts_neither_flood_sunbeon_nor_keep_members_out() {
    let world = World::closed().await;
    world.sunbeon.mode("free", "off");
    assert_eq!(world.without_token("/concerts/free").await, "200");
    world.sunbeon.facts().delay = Duration::from_millis(200);
    // Longer than a snapshot is trusted, with more visitors than can get a turn in time.
    let end = Instant::now() + Duration::from_secs(7);
    let invented = join_all((0..80).map(async |stranger| {
        for n in 0.. {
            let path = format!("/concerts/invented-{stranger}-{n}");
            assert_ne!(world.without_token(&path).await, "200");
            if Instant::now() > end {
                break;
            }
            tokio::time::sleep(PACE).await;
        }
    }));
    let honest = async {
        while Instant::now() < end {
            assert_eq!(world.without_token("/concerts/free").await, "200");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::join!(invented, honest);
    assert!(world.sunbeon.facts().most_at_once <= 8);
    assert!(world.sunbeon.facts().most_at_once > 1);
}

#[tokio::test]
async fn an_unavailable_snapshot_is_trusted_for_five_seconds_and_then_nobody_passes() {
    let world = World::closed().await;
    world.sunbeon.mode("free", "off");
    assert_eq!(world.without_token("/concerts/free").await, "200");
    for fault in [Fault::Page, Fault::OtherJson, Fault::Huge, Fault::Hangs] {
        world.sunbeon.facts().snapshot_fault = Some(fault);
        assert_eq!(
            world.without_token("/concerts/free").await,
            "200",
            "{fault:?}"
        );
        let fresh = format!("/concerts/{fault:?}");
        assert_eq!(
            world.without_token(&fresh).await,
            "WAITING_ROOM_DOWN",
            "{fault:?}"
        );
        world.sunbeon.facts().snapshot_fault = None;
        let before = world.sunbeon.facts().snapshots["free"];
        eventually(LIMIT, "it is fetched again", async || {
            world.without_token("/concerts/free").await == "200"
                && world.sunbeon.facts().snapshots["free"] > before
        })
        .await;
    }
    world.sunbeon.facts().snapshot_fault = Some(Fault::Hangs);
    turns(
        "it is no longer trusted",
        "200",
        "WAITING_ROOM_DOWN",
        async || world.without_token("/concerts/free").await,
    )
    .await;
    // The gate itself is not blind at any time.
    let answer = world
        .visit("42", "/concerts/demo", &world.token("demo", "42"))
        .await;
    assert_eq!(code(answer).await, "200");
}
