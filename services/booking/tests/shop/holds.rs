//! Held seats: all or none, for a limited time, and for nobody else.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sunbeon_domain::{ConcertId, UnixMs};
use sunbeon_proto_messages::Event;
use sunbeon_test_support::eventually;

use crate::{
    sunbeon::now,
    world::{World, hear, on_both_databases},
};

on_both_databases! {
    seats_are_held_all_or_none
    one_member_holds_no_more_than_the_limit
    one_of_twenty_at_once_holds_the_seat
    whoever_loses_a_seat_holds_the_nearest_equal_ones
    only_the_holder_can_release_seats
    a_hold_that_outlives_the_token_extends_it
    where_idle_pages_end_sessions_every_hold_is_told
    a_hold_ends_with_the_token_where_the_session_cannot_be_extended
    each_hold_extends_the_session_up_to_its_limit
    expired_holds_are_announced
}

async fn seats_are_held_all_or_none(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    fan.lock(&["a.R.1.1"]).await.data(200);
    let taken = other.lock(&["a.R.1.2", "a.R.1.1"]).await;
    assert_eq!(taken.fails("SEAT_TAKEN")["seatIds"], json!(["a.R.1.1"]));
    let unknown = other.lock(&["a.R.1.2", "a.R.9.9"]).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.fails("SEAT_NOT_FOUND")["seatIds"],
        json!(["a.R.9.9"])
    );
    other.sees("a.R.1.2", "AVAILABLE", false).await;
    // Repeated by the holder: the same hold.
    let again = fan.lock(&["a.R.1.1", "a.R.1.3"]).await;
    assert_eq!(again.data(200)["seatIds"], json!(["a.R.1.1", "a.R.1.3"]));
}

async fn one_member_holds_no_more_than_the_limit(world: World) {
    let fan = world.fan("a", "42");
    fan.lock(&["a.R.1.1", "a.R.1.2", "a.R.1.3"]).await.data(200);
    fan.lock(&["a.R.1.4", "a.R.1.5"])
        .await
        .fails("LIMIT_REACHED");
    fan.sees("a.R.1.4", "AVAILABLE", false).await;
    fan.lock(&["a.R.1.4"]).await.data(200);
    let tickets = |n: u32| json!({"tickets": [{"ticketId": "standing", "quantity": n}]});
    fan.book(&tickets(1)).await.fails("LIMIT_REACHED");
    // Another session of the same member does not allow more.
    let mut later = world.fan("a", "42");
    later.token = world.sunbeon.token("a", "42", 8, 600);
    later.lock(&["a.R.1.5"]).await.fails("LIMIT_REACHED");
    world
        .fan("a", "44")
        .book(&tickets(5))
        .await
        .fails("LIMIT_REACHED");
    world
        .fan("a", "44")
        .book(&tickets(u32::MAX))
        .await
        .fails("SOLD_OUT");
}

async fn one_of_twenty_at_once_holds_the_seat(world: World) {
    let fans: Vec<_> = (0..20).map(|n| world.fan("a", &format!("m{n}"))).collect();
    let locks = fans.iter().map(|fan| fan.lock(&["a.R.1.1"]));
    let answers = futures::future::join_all(locks).await;
    let held = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(held, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.fails("SEAT_TAKEN");
    }
}

async fn whoever_loses_a_seat_holds_the_nearest_equal_ones(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let mut events = world.events();
    fan.lock(&["a.R.1.3"]).await.data(200);
    let lost = other.lock(&["a.R.1.3", "a.R.1.4"]).await;
    assert_eq!(lost.fails("SEAT_TAKEN")["seatIds"], json!(["a.R.1.3"]));
    let held = other.lock_like("a.R.1.3", 2).await;
    assert_eq!(held.data(200)["seatIds"], json!(["a.R.1.1", "a.R.1.2"]));
    let selected = Event::SeatSelected {
        concert_id: ConcertId::parse("a").expect("a valid id"),
        seat_ids: vec!["a.R.1.1".into(), "a.R.1.2".into()],
    };
    hear(&mut events, &selected).await;
    other.lock_like("a.R.1.3", 3).await.fails("LIMIT_REACHED");
    let nowhere = other.lock_like("a.R.9.9", 1).await;
    assert_eq!(
        nowhere.fails("SEAT_NOT_FOUND")["seatIds"],
        json!(["a.R.9.9"])
    );
    other
        .lock_like("b.R.1.1", 1)
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    other.lock_like("a.R.1.3", 8).await.fails("SOLD_OUT");
    for (body, code) in [
        (json!({}), "INVALID_SEAT_IDS"),
        (json!({"seatIds": null}), "INVALID_SEAT_IDS"),
        (
            json!({"seatIds": ["a.R.1.5"], "count": 1}),
            "INVALID_SEAT_IDS",
        ),
        (
            json!({"seatIds": ["a.R.1.5"], "like": "a.R.1.3", "count": 1}),
            "INVALID_SEAT_IDS",
        ),
        (json!({"like": "a.R.1.3"}), "INVALID_COUNT"),
        (json!({"like": "a.R.1.3", "count": 0}), "INVALID_COUNT"),
        (json!({"like": "a.R.1.3", "count": 101}), "INVALID_COUNT"),
        (json!({"like": "a.R.1.3", "count": null}), "INVALID_COUNT"),
        (json!({"like": "a.R.1.3", "count": -1}), "INVALID_COUNT"),
        (json!({"count": 1}), "INVALID_LIKE"),
        (json!({"like": "a seat", "count": 1}), "INVALID_LIKE"),
        (json!({"like": null, "count": 1}), "INVALID_LIKE"),
    ] {
        let refused = other.post("/v2/seats/lock", &body).await;
        assert_eq!(refused.code(), code, "{body}");
    }
}

async fn only_the_holder_can_release_seats(world: World) {
    let mut events = world.events();
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    fan.lock(&["a.R.1.1", "a.R.1.2"]).await.data(200);
    let refused = other.unlock(&["a.R.1.1"]).await;
    assert_eq!(
        refused.fails("SEAT_NOT_HELD")["seatIds"],
        json!(["a.R.1.1"])
    );
    fan.unlock(&["a.R.1.1", "a.R.1.3"])
        .await
        .fails("SEAT_NOT_HELD");
    fan.sees("a.R.1.1", "HELD", true).await;
    fan.unlock(&["a.R.1.1"]).await.data(200);
    let released = Event::SeatReleased {
        concert_id: ConcertId::parse("a").expect("a valid id"),
        seat_ids: vec!["a.R.1.1".into()],
    };
    hear(&mut events, &released).await;
    other.lock(&["a.R.1.1"]).await.data(200);
    // A booked seat is only freed by cancelling.
    other.book(&json!({"seatIds": ["a.R.1.1"]})).await.data(201);
    other.unlock(&["a.R.1.1"]).await.fails("SEAT_NOT_HELD");
}

async fn a_hold_that_outlives_the_token_extends_it(world: World) {
    world.sunbeon.extend_to(400);
    let mut fan = world.fan_until("a", "42", 60);
    let held = fan.lock(&["a.R.1.1"]).await;
    let data = held.data(200);
    let token = data["queueToken"].as_str().expect("a token");
    assert_eq!(held.header("x-queue-token"), token);
    assert_eq!(held.header("cache-control"), "no-store");
    let ends: i64 = held
        .header("x-queue-token-expires")
        .parse()
        .expect("seconds");
    assert!((now() + 300..=now() + 400).contains(&ends), "{ends}");
    let at = UnixMs(ends * 1_000).to_string();
    assert_eq!(data["queueTokenExpiresAt"], at);
    let asked = world
        .sunbeon
        .calls("POST /v2/reservation/sessions/a/extend");
    assert_eq!(
        (&asked[0]["memberId"], &asked[0]["entryNumber"]),
        (&json!("42"), &json!(7))
    );
    fan.token = token.to_owned();
    fan.get("/v2/concerts/a").await.data(200);
    // A token that lives longer than the hold is not extended.
    let long = world.fan("a", "43").lock(&["a.R.1.2"]).await;
    assert!(long.data(200).get("queueToken").is_none(), "{long:?}");
    assert_eq!(
        world
            .sunbeon
            .calls("POST /v2/reservation/sessions/a/extend")
            .len(),
        1
    );
}

async fn where_idle_pages_end_sessions_every_hold_is_told(world: World) {
    let extended = || {
        let calls = world
            .sunbeon
            .calls("POST /v2/reservation/sessions/a/extend");
        calls.len()
    };
    world.sunbeon.put("a", json!({"idleShopSeconds": 30}));
    world.sunbeon.extend_to(3_600);
    // The token lives longer than the hold.
    let fan = world.fan_until("a", "42", 3_600);
    let held = async || {
        fan.lock(&["a.R.1.1"]).await.data(200);
        extended() > 0
    };
    // The policy may be a few seconds old.
    eventually(Duration::from_secs(20), "the session is extended", held).await;
    world.sunbeon.down(true);
    fan.lock(&["a.R.1.2"]).await.fails("WAITING_ROOM_DOWN");
    assert_eq!(world.remaining("a").await, 19, "what is held is known");
}

async fn a_hold_ends_with_the_token_where_the_session_cannot_be_extended(world: World) {
    let fan = world.fan_until("a", "42", 60);
    let token_ends = now() + 60;
    let without = async |seat: &str| {
        let held = fan.lock(&[seat]).await;
        let data = held.data(200);
        assert!(data.get("queueToken").is_none(), "{held:?}");
        assert_eq!(held.header("x-queue-token"), "");
        let until = UnixMs::parse(data["holdEndsAt"].as_str().expect("a time")).expect("a time");
        assert!(until.seconds() <= token_ends, "{until}");
    };
    // The hold ends with the old token.
    world.sunbeon.extend_to(30);
    without("a.R.1.1").await;
    world.sunbeon.end_sessions();
    without("a.R.1.2").await;
    world.sunbeon.down(true);
    without("a.R.1.3").await;
    assert_eq!(world.remaining("a").await, 17);
}

/// A session of 10 minutes with holds of 5: each hold is limited by the token that comes with it.
async fn each_hold_extends_the_session_up_to_its_limit(world: World) {
    let mut fan = world.fan_until("a", "42", 240);
    let mut ends = Vec::new();
    for (seat, end) in [("a.R.1.1", 303), ("a.R.1.2", 320), ("a.R.1.3", 320)] {
        world.sunbeon.extend_to(end);
        let held = fan.lock(&[seat]).await;
        let data = held.data(200);
        if let Some(token) = data["queueToken"].as_str() {
            fan.token = token.to_owned();
        }
        let until = UnixMs::parse(data["holdEndsAt"].as_str().expect("a time")).expect("a time");
        ends.push(until.seconds() - now());
        fan.unlock(&[seat]).await.data(200);
    }
    assert!(ends.iter().all(|end| (290..=300).contains(end)), "{ends:?}");
    let extended = world
        .sunbeon
        .calls("POST /v2/reservation/sessions/a/extend");
    assert!(!extended.is_empty());
    // The last held seat can still be paid for.
    let id = fan.booked(&["a.R.2.1"]).await;
    fan.confirm(&id, "card").await.data(200);
}

async fn expired_holds_are_announced(world: World) {
    // A hold of zero length has already expired when it is taken.
    world.with_short_holds("short").await;
    let mut events = world.events();
    let (fan, other) = (world.fan("short", "42"), world.fan("short", "43"));
    fan.lock(&["short.R.1.1"]).await.data(200);
    let free = async || other.seat("short.R.1.1").await.0 == "AVAILABLE";
    eventually(Duration::from_secs(20), "the seat is free", free).await;
    let released = Event::SeatReleased {
        concert_id: ConcertId::parse("short").expect("a valid id"),
        seat_ids: vec!["short.R.1.1".into()],
    };
    hear(&mut events, &released).await;
    let book = json!({"seatIds": ["short.R.1.1"]});
    fan.book(&book).await.fails("SEAT_NOT_HELD");
    let unlocked = fan.call(Method::DELETE, "/v2/seats/lock", &book).await;
    unlocked.fails("SEAT_NOT_HELD");
}
