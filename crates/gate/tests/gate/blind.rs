//! While Sunbeon cannot be asked.

use std::time::Duration;

use serde_json::Value;
use sunbeon_domain::{ConcertId, EntryNumber};
use sunbeon_gate::{Gate, OnFailure};
use sunbeon_tokens::Claims;

use crate::world::{
    Fault, LIMIT, NUMBER, Shop, Sunbeon, World, claims, code, entry, eventually, now, number, turns,
};

const REQUIRED: &str = "QUEUE_TOKEN_REQUIRED";
const DOWN: &str = "WAITING_ROOM_DOWN";

async fn dead() -> Sunbeon {
    let sunbeon = Sunbeon::start().await;
    sunbeon.fault(Some(Fault::Hangs));
    sunbeon
}

#[tokio::test]
async fn a_closed_gate_lets_nobody_in_before_its_first_list() {
    let world = World::start_with(dead().await, OnFailure::Closed).await;
    let token = world.token("demo", "42");
    let answer = world.visit("42", "/concerts/demo", &token).await;
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(code(answer).await, DOWN);
    assert_eq!(world.without_token("/seats").await, DOWN);
    let nobody = world.request("GET", "/concerts/demo").send().await.unwrap();
    assert_eq!(code(nobody).await, REQUIRED, "a login is always needed");

    world.sunbeon.fault(None);
    eventually(LIMIT, "the gate sees", async || {
        number(world.visit("42", "/concerts/demo", &token).await).await == Some(NUMBER)
    })
    .await;
    assert_eq!(world.without_token("/concerts/demo").await, REQUIRED);
}

#[tokio::test]
async fn an_open_gate_without_a_first_list_lets_members_in_to_named_concerts() {
    let world = World::start_with(dead().await, OnFailure::Open).await;
    let token = world.token("demo", "42");
    let answer = world.visit("42", "/concerts/demo", &token).await;
    let shown: Value = answer.json().await.unwrap();
    assert_eq!(shown["concert"], "demo");
    assert_eq!(shown["number"], Value::Null, "nobody could check the token");
    assert_eq!(world.without_token("/concerts/demo").await, "200");
    assert_eq!(
        world.without_token("/seats").await,
        REQUIRED,
        "to which concert?"
    );
    let nobody = world.request("GET", "/concerts/demo").send().await.unwrap();
    assert_eq!(code(nobody).await, REQUIRED);

    world.sunbeon.fault(None);
    eventually(LIMIT, "the gate sees", async || {
        world.without_token("/concerts/demo").await == REQUIRED
    })
    .await;
}

#[tokio::test]
async fn a_closed_gate_goes_blind_within_seconds_and_recovers() {
    for fault in [Fault::Hangs, Fault::Fails] {
        let world = World::closed().await;
        let token = world.token("demo", "42");
        world.sunbeon.fault(Some(fault));
        assert_eq!(
            code(world.visit("42", "/concerts/demo", &token).await).await,
            "200"
        );
        turns("the gate is blind", "200", DOWN, async || {
            code(world.visit("42", "/concerts/demo", &token).await).await
        })
        .await;
        let says = async |meanwhile| world.gate.blind() == meanwhile;
        eventually(LIMIT, "the gate says it is blind", async || {
            says(Some(OnFailure::Closed)).await
        })
        .await;
        world.sunbeon.fault(None);
        eventually(LIMIT, "the gate sees again", async || {
            code(world.visit("42", "/concerts/demo", &token).await).await == "200"
        })
        .await;
        eventually(LIMIT, "and says so", async || says(None).await).await;
    }
}

#[tokio::test]
async fn a_blind_open_gate_still_tells_the_origin_what_a_valid_token_says() {
    let world = World::open().await;
    world.sunbeon.fault(Some(Fault::Hangs));
    turns("the gate is blind", REQUIRED, "200", async || {
        world.without_token("/concerts/demo").await
    })
    .await;
    let good = world.token("demo", "42");
    let ended = world.signed(&Claims {
        exp: now(),
        ..claims("demo", "42")
    });
    let shown = async |path: &str, token: &str| -> (String, Value, Value) {
        let answer = world.visit("42", path, token).await;
        let mut body: Value = answer.json().await.unwrap();
        let concert = body["concert"].as_str().unwrap_or_default().to_owned();
        (concert, body["number"].take(), body["member"].take())
    };
    let by = |concert: &str, number| (concert.to_owned(), number, Value::from("42"));
    assert_eq!(
        shown("/concerts/demo", &good).await,
        by("demo", NUMBER.into())
    );
    assert_eq!(shown("/seats", &good).await, by("demo", NUMBER.into()));
    let unnumbered = [
        ("/concerts/demo", world.token("demo", "43")),
        ("/concerts/demo", world.token("other", "42")),
        ("/concerts/demo", ended.clone()),
        ("/concerts/demo", "garbage".to_owned()),
        ("/seats", world.token("demo", "43")),
    ];
    for (path, token) in unnumbered {
        assert_eq!(shown(path, &token).await, by("demo", Value::Null), "{path}");
    }
    for bad in [&ended, "garbage"] {
        assert_eq!(code(world.visit("42", "/seats", bad).await).await, REQUIRED);
    }
}

#[tokio::test]
async fn an_open_gate_without_a_snapshot_passes_members_who_name_a_concert() {
    let world = World::open().await;
    world.sunbeon.facts().snapshot_fault = Some(Fault::Fails);
    assert_eq!(world.without_token("/concerts/fresh").await, "200");
    assert_eq!(world.without_token("/seats").await, REQUIRED);
    let token = world.token("fresh", "43");
    world.sunbeon.revoke("fresh", entry("43"));
    turns("the token says nothing", "a number", "200", async || {
        let answer = world.visit("43", "/concerts/fresh", &token).await;
        let status = answer.status().as_str().to_owned();
        match number(answer).await {
            Some(_) => "a number".to_owned(),
            None => status,
        }
    })
    .await;
}

#[tokio::test]
async fn a_garbled_answer_is_a_failure_and_keeps_the_previous_state() {
    for garbage in [Fault::Page, Fault::OtherJson, Fault::Huge] {
        let world = World::closed().await;
        let ended = world.token("demo", "43");
        world.sunbeon.revoke("demo", entry("43"));
        turns("the token stops", "200", REQUIRED, async || {
            code(world.visit("43", "/concerts/demo", &ended).await).await
        })
        .await;
        let token = world.token("demo", "42");
        world.sunbeon.fault(Some(garbage));
        let polls = world.sunbeon.facts().revoked_fetches;
        let refused = world.visit("43", "/seats", &ended).await;
        assert_eq!(code(refused).await, REQUIRED, "{garbage:?}");
        turns("the list is believed no longer", "200", DOWN, async || {
            code(world.visit("42", "/concerts/demo", &token).await).await
        })
        .await;
        assert!(world.sunbeon.facts().revoked_fetches > polls);
    }
}

#[tokio::test]
async fn a_gate_refused_by_sunbeon_lets_nobody_in_even_if_it_fails_open() {
    for on_failure in [OnFailure::Open, OnFailure::Closed] {
        let world = World::start(on_failure).await;
        let token = world.token("demo", "42");
        eventually(LIMIT, "the gate sees", async || {
            world.without_token("/concerts/demo").await == REQUIRED
        })
        .await;
        world.sunbeon.facts().revoked_fault = Some(Fault::Refuses);
        turns("the gate is blind", "200", DOWN, async || {
            code(world.visit("42", "/concerts/demo", &token).await).await
        })
        .await;
        assert_eq!(world.without_token("/concerts/demo").await, DOWN);
        world.sunbeon.facts().revoked_fault = None;
        eventually(LIMIT, "the gate sees again", async || {
            number(world.visit("42", "/concerts/demo", &token).await).await == Some(NUMBER)
        })
        .await;
    }
}

#[tokio::test]
async fn an_open_gate_that_is_refused_the_keys_lets_nobody_in() {
    let sunbeon = Sunbeon::start().await;
    sunbeon.facts().keys_fault = Some(Fault::Refuses);
    let world = World::start_with(sunbeon, OnFailure::Open).await;
    eventually(LIMIT, "it knows that it is refused", async || {
        world.without_token("/concerts/demo").await == DOWN
    })
    .await;
    let token = world.token("demo", "42");
    assert_eq!(
        code(world.visit("42", "/concerts/demo", &token).await).await,
        DOWN
    );
}

#[tokio::test]
async fn a_poll_that_brings_nothing_new_counts_as_fresh() {
    let world = World::closed().await;
    let token = world.token("demo", "42");
    world.sunbeon.revoke("demo", entry("43"));
    let passes = async || code(world.visit("42", "/concerts/demo", &token).await).await;
    eventually(LIMIT, "four polls", async || {
        assert_eq!(passes().await, "200");
        world.sunbeon.facts().unchanged >= 4
    })
    .await;
    // By now the one answer with something in it is older than five seconds.
    assert_eq!(passes().await, "200");
    world.sunbeon.revoke("demo", entry("42"));
    turns("a change is heard", "200", REQUIRED, passes).await;
}

#[tokio::test]
async fn a_gate_follows_the_concerts_whose_tokens_it_is_shown_and_no_others() {
    let world = World::closed().await;
    world.without_token("/concerts/invented").await;
    world.visit("42", "/concerts/garbage", "garbage").await;
    world
        .visit("42", "/concerts/other", &world.token("demo", "42"))
        .await;
    let (of, entry) = (ConcertId::parse("held").unwrap(), EntryNumber(7));
    assert!(!world.gate.has_ended(&of, entry), "nobody can say yet");
    world.sunbeon.revoke("held", entry.0);
    eventually(LIMIT, "the shop hears of it", async || {
        world.gate.has_ended(&of, entry)
    })
    .await;
    let mut followed: Vec<_> = world.sunbeon.facts().feeds.keys().cloned().collect();
    followed.sort();
    assert_eq!(followed, ["demo", "held"]);
}

#[tokio::test]
async fn the_first_visit_of_a_concert_waits_for_its_ended_sessions() {
    let world = World::open().await;
    world.sunbeon.facts().revoked_delay = Duration::from_millis(200);
    world.sunbeon.facts().page = Some(1);
    for member in ["43", "44", "45"] {
        world.sunbeon.revoke("fresh", entry(member));
    }
    let token = world.token("fresh", "45");
    let answer = world.visit("45", "/concerts/fresh", &token).await;
    assert_eq!(
        code(answer).await,
        REQUIRED,
        "it is the last of three pages"
    );
    let token = world.token("fresh", "42");
    assert_eq!(
        number(world.visit("42", "/seats", &token).await).await,
        Some(NUMBER)
    );
}

#[tokio::test]
async fn a_gate_that_is_blind_for_one_concert_sees_the_others() {
    let world = World::closed().await;
    let (mine, other) = (world.token("demo", "42"), world.token("slow", "42"));
    world.sunbeon.facts().slow = Some("slow".to_owned());
    turns("it is blind there", "200", DOWN, async || {
        code(world.visit("42", "/concerts/slow", &other).await).await
    })
    .await;
    for _ in 0..20 {
        let answer = world.visit("42", "/concerts/demo", &mine).await;
        assert_eq!(code(answer).await, "200");
    }
}

#[tokio::test]
async fn after_a_failover_a_gate_misses_no_session_and_forgets_none() {
    let world = World::closed().await;
    let refused = async |member: &str| {
        let token = world.token("demo", member);
        let answer = world.visit(member, "/concerts/demo", &token).await;
        code(answer).await == REQUIRED
    };
    world.sunbeon.revoke("demo", entry("43"));
    eventually(LIMIT, "the first is heard of", async || refused("43").await).await;
    world.sunbeon.lose_last("demo");
    world.sunbeon.revoke("demo", entry("44"));
    eventually(LIMIT, "the second is heard of", async || {
        refused("44").await
    })
    .await;
    assert!(refused("43").await, "what was heard stays known");
    assert!(!refused("42").await);
}

#[tokio::test]
async fn a_gate_without_the_origin_token_lets_nobody_in_even_if_it_fails_open() {
    let world = World::open().await;
    let settings = crate::world::settings(&world.sunbeon.url(), OnFailure::Open);
    let gate = Gate::new(&settings, "somebody else's token").unwrap();
    let shop = Shop::behind(&gate).await;
    let token = world.token("demo", "42");
    eventually(LIMIT, "it has the keys and is refused", async || {
        let request = shop
            .get("42", "/concerts/demo")
            .header("x-queue-token", &token);
        code(request.send().await.unwrap()).await == DOWN
    })
    .await;
}
