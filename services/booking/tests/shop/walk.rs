//! A whole visit: look, hold, book, pay, and the session ends.

use serde_json::json;
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::Event;

use crate::world::{World, hear, on_both_databases, tickets_left};

on_both_databases! {
    from_the_seat_map_to_a_confirmed_booking_and_the_next_member
    seats_and_tickets_share_one_booking
}

const SOON: std::time::Duration = std::time::Duration::from_secs(10);

fn a() -> ConcertId {
    ConcertId::parse("a").expect("a valid id")
}

async fn from_the_seat_map_to_a_confirmed_booking_and_the_next_member(world: World) {
    let mut events = world.events();
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let shown = fan.get("/v2/concerts/a").await;
    let shown = shown.data(200);
    assert_eq!(shown["title"], "Title of a");
    assert_eq!(shown["perMemberLimit"], 4);
    assert_eq!(shown["holdDurationMinutes"], 5);
    let left = json!([{"section": "R", "price": 1000, "remaining": 10}]);
    assert_eq!(shown["sections"], left);
    assert_eq!(shown["tickets"][0]["remaining"], 10);

    fan.sees("a.R.1.1", "AVAILABLE", false).await;
    let held = fan.lock(&["a.R.1.2", "a.R.1.1"]).await;
    let held = held.data(200);
    assert_eq!(held["seatIds"], json!(["a.R.1.1", "a.R.1.2"]));
    assert!(
        held["holdEndsAt"].is_string() && held.get("queueToken").is_none(),
        "{held}"
    );
    let seat_ids = vec!["a.R.1.1".to_owned(), "a.R.1.2".to_owned()];
    let concert_id = a();
    hear(
        &mut events,
        &Event::SeatSelected {
            concert_id,
            seat_ids,
        },
    )
    .await;
    fan.sees("a.R.1.1", "HELD", true).await;
    other.sees("a.R.1.1", "HELD", false).await;

    let made = fan.book(&json!({"seatIds": ["a.R.1.1", "a.R.1.2"]})).await;
    let made = made.data(201);
    assert_eq!(
        (&made["state"], &made["amount"]),
        (&json!("PENDING"), &json!(2000))
    );
    assert!(made["expiresAt"].is_string(), "{made}");
    let id = made["bookingId"].as_str().expect("an id");
    assert!(
        world.sunbeon.completes().is_empty(),
        "the session continues"
    );

    let confirmed = fan.confirm(id, "card").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    world.sessions_over(1).await;
    let over = &world.sunbeon.completes()[0];
    assert_eq!(over["concertId"], "a");
    assert_eq!(
        (&over["memberId"], &over["entryNumber"]),
        (&json!("42"), &json!(7))
    );
    other.sees("a.R.1.1", "SOLD", false).await;
    assert_eq!(fan.booking(id).await["state"], "CONFIRMED");
    let mine = fan.get("/v2/bookings").await;
    assert_eq!(mine.data(200)["bookings"].as_array().map(Vec::len), Some(1));
    assert_eq!((world.payments.paid(), world.remaining("a").await), (1, 18));

    // Repeating it has no further effect.
    assert_eq!(
        fan.confirm(id, "card").await.data(200)["state"],
        "CONFIRMED"
    );
    assert_eq!(world.payments.paid(), 1);

    let cancelled = fan.cancel(id).await;
    assert_eq!(cancelled.data(200)["state"], "CANCELLED");
    let seat_ids = vec!["a.R.1.1".to_owned(), "a.R.1.2".to_owned()];
    let concert_id = a();
    hear(
        &mut events,
        &Event::SeatReleased {
            concert_id,
            seat_ids,
        },
    )
    .await;
    other.sees("a.R.1.1", "AVAILABLE", false).await;
    let refunded = async || world.payments.refunds() == 2000;
    sunbeon_test_support::eventually(SOON, "the charge is refunded", refunded).await;
}

async fn seats_and_tickets_share_one_booking(world: World) {
    let mut events = world.events();
    let fan = world.fan("a", "42");
    fan.lock(&["a.R.2.5"]).await.data(200);
    let tickets = json!([{"ticketId": "standing", "quantity": 2}]);
    let made = fan
        .book(&json!({"seatIds": ["a.R.2.5"], "tickets": tickets}))
        .await;
    let made = made.data(201);
    assert_eq!(made["amount"], 2000);
    let left = async || {
        let left = fan.get("/v2/concerts/a/tickets").await;
        left.data(200)["tickets"][0]["remaining"] == 8
    };
    sunbeon_test_support::eventually(SOON, "the map shows that 8 are left", left).await;
    hear(&mut events, &tickets_left(17, 8)).await;
    let id = made["bookingId"].as_str().expect("an id");
    fan.cancel(id).await.data(200);
    hear(&mut events, &tickets_left(20, 10)).await;
}
