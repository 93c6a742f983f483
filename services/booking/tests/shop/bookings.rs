//! Bookings: created once per key, paged, cancelled, expired.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Fan, World, on_both_databases, send};

on_both_databases! {
    the_same_idempotency_key_makes_one_booking
    an_impossible_booking_is_refused_with_its_reason
    bookings_are_paged_newest_first
    a_cancelled_booking_frees_what_it_held_and_ends_the_session_once
    a_cancelled_booking_can_no_longer_be_paid
    a_booking_not_confirmed_in_time_expires
}

async fn book_by_key(fan: &Fan, key: &str, body: &Value) -> crate::world::Answer {
    let request = fan.request(Method::POST, "/v2/bookings").json(body);
    send(request.header("Idempotency-Key", key)).await
}

fn tickets(quantity: u32) -> Value {
    json!({"tickets": [{"ticketId": "standing", "quantity": quantity}]})
}

async fn the_same_idempotency_key_makes_one_booking(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let first = book_by_key(&fan, "k", &tickets(1)).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = book_by_key(&fan, "k", &tickets(1)).await;
    assert_eq!(again.data(201), first.data(201));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let reused = book_by_key(&fan, "k", &tickets(2)).await;
    assert_eq!(reused.status, 409);
    reused.fails("IDEMPOTENCY_KEY_REUSED");
    let others = book_by_key(&other, "k", &tickets(2)).await;
    assert_ne!(others.data(201)["bookingId"], first.data(201)["bookingId"]);
    let different = book_by_key(&fan, "k2", &tickets(1)).await;
    assert_ne!(
        different.data(201)["bookingId"],
        first.data(201)["bookingId"]
    );
    assert_eq!(world.remaining("a").await, 16);
    for bad in ["", "a b", "ключ", &"x".repeat(129)] {
        let request = fan.request(Method::POST, "/v2/bookings").json(&tickets(1));
        let bad = reqwest::header::HeaderValue::from_bytes(bad.as_bytes()).expect("a value");
        let refused = send(request.header("Idempotency-Key", bad)).await;
        refused.fails("INVALID_IDEMPOTENCY_KEY");
    }
    let twice = fan.request(Method::POST, "/v2/bookings").json(&tickets(1));
    let twice = twice
        .header("Idempotency-Key", "x")
        .header("Idempotency-Key", "x");
    send(twice).await.fails("INVALID_IDEMPOTENCY_KEY");
    assert_eq!(world.remaining("a").await, 16);
}

async fn an_impossible_booking_is_refused_with_its_reason(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    other.lock(&["a.R.1.1"]).await.data(200);
    let not_mine = fan.book(&json!({"seatIds": ["a.R.1.1"]})).await;
    assert_eq!(
        not_mine.fails("SEAT_NOT_HELD")["seatIds"],
        json!(["a.R.1.1"])
    );
    fan.book(&json!({"seatIds": ["a.R.9.9"]}))
        .await
        .fails("SEAT_NOT_FOUND");
    let unknown = json!({"tickets": [{"ticketId": "vip", "quantity": 1}]});
    fan.book(&unknown).await.fails("TICKET_NOT_FOUND");
    fan.book(&json!({})).await.fails("INVALID_SEAT_IDS");
    for n in 0..3 {
        world
            .fan("a", &format!("m{n}"))
            .book(&tickets(3))
            .await
            .data(201);
    }
    let sold_out = fan.book(&tickets(2)).await;
    assert_eq!(sold_out.fails("SOLD_OUT")["ticketIds"], json!(["standing"]));
    fan.book(&tickets(1)).await.data(201);
    world.sunbeon.put("bare", json!({}));
    let visitor = world.fan("bare", "42");
    visitor.book(&tickets(1)).await.fails("STOCK_NOT_FOUND");
    visitor.lock(&["bare.R.1.1"]).await.fails("STOCK_NOT_FOUND");
    for path in ["", "/seats", "/tickets"] {
        let path = format!("/v2/concerts/bare{path}");
        visitor.get(&path).await.fails("STOCK_NOT_FOUND");
    }
}

async fn bookings_are_paged_newest_first(world: World) {
    let (fan, mut made) = (world.fan("a", "42"), Vec::new());
    for _ in 0..4 {
        made.push(fan.booked_tickets(1).await);
    }
    made.reverse();
    let (mut seen, mut path) = (Vec::new(), "/v2/bookings?limit=3".to_owned());
    loop {
        let page = fan.get(&path).await;
        let page = page.data(200);
        for booking in page["bookings"].as_array().expect("bookings") {
            seen.push(booking["bookingId"].as_str().expect("an id").to_owned());
        }
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/v2/bookings?limit=3&cursor={next}");
    }
    assert_eq!(seen, made);
    for (query, code) in [
        ("limit=0", "INVALID_LIMIT"),
        ("limit=1001", "INVALID_LIMIT"),
        ("cursor=x", "INVALID_CURSOR"),
        ("cursor=", "INVALID_CURSOR"),
    ] {
        fan.get(&format!("/v2/bookings?{query}")).await.fails(code);
    }
}

async fn a_cancelled_booking_frees_what_it_held_and_ends_the_session_once(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let id = fan.booked(&["a.R.1.1"]).await;
    let cancelled = fan.cancel(&id).await;
    assert_eq!(cancelled.data(200)["state"], "CANCELLED");
    world.sessions_over(1).await;
    other.lock(&["a.R.1.1"]).await.data(200);
    assert_eq!(fan.cancel(&id).await.data(200), cancelled.data(200));
    other.sees("a.R.1.1", "HELD", true).await;
    assert_eq!(world.payments.refunds(), 0);
    // A second end of the first session would be reported before the end of a later one.
    let last = other.booked_tickets(1).await;
    other.cancel(&last).await.data(200);
    world.sessions_over(2).await;
    assert_eq!(world.sunbeon.completes()[1]["memberId"], "43");
}

async fn a_cancelled_booking_can_no_longer_be_paid(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    fan.cancel(&id).await.data(200);
    fan.confirm(&id, "card").await.fails("BOOKING_CANCELLED");
    assert_eq!(world.payments.paid(), 0);
}

async fn a_booking_not_confirmed_in_time_expires(world: World) {
    world.with_short_holds("short").await;
    let fan = world.fan("short", "42");
    let id = fan.booked_tickets(1).await;
    fan.confirm(&id, "card").await.fails("BOOKING_EXPIRED");
    assert_eq!(fan.booking(&id).await["state"], "EXPIRED");
    assert_eq!(
        (world.payments.paid(), world.remaining("short").await),
        (0, 20)
    );
}
