//! A leaver's seats: a session's holds end with it, however it ends.

use std::time::Duration;

use serde_json::json;
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::Event;
use sunbeon_test_support::eventually;

use crate::world::{Fan, World, entry_of, hear, on_both_databases, seen};

on_both_databases! {
    a_leavers_holds_are_free_before_the_next_token_works
    without_a_line_holds_do_not_end_early
    a_second_booking_ends_with_the_session_of_the_first
}

const SOON: Duration = Duration::from_secs(10);

/// How long the slot of an ended session is kept; then the next member is let in.
const SLOT: Duration = Duration::from_secs(5);

async fn a_leavers_holds_are_free_before_the_next_token_works(world: World) {
    let mut events = world.events();
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    fan.lock(&["a.R.1.1"]).await.data(200);
    let booked = fan.booked(&["a.R.1.2"]).await;
    let tickets = fan.booked_tickets(1).await;
    other.lock(&["a.R.2.1"]).await.data(200);
    world.sunbeon.revoke("a", entry_of("42"));
    let free = async || world.remaining("a").await == 19;
    eventually(SLOT, "the seats are free", free).await;
    let seat_ids = vec!["a.R.1.1".to_owned(), "a.R.1.2".to_owned()];
    let concert_id = ConcertId::parse("a").expect("a valid id");
    let released = Event::SeatReleased {
        concert_id,
        seat_ids,
    };
    hear(&mut events, &released).await;
    for id in [&booked, &tickets] {
        assert_eq!(fan.booking(id).await["state"], "EXPIRED");
    }
    other.lock(&["a.R.1.1"]).await.data(200);
    let held = other.get("/v2/concerts/a/seats/mine").await;
    assert_eq!(held.data(200)["seats"].as_array().map(Vec::len), Some(2));
    // The gate knows it as well; and a later session of the same member is a different one.
    let refused = seen(async || fan.lock(&["a.R.1.3"]).await).await;
    refused.fails("QUEUE_TOKEN_REQUIRED");
    let back = world.sunbeon.token("a", "42", 9_999, 600);
    let back = Fan::new(&world.url, fan.access.clone(), back);
    back.confirm(&booked, "card").await.fails("BOOKING_EXPIRED");
    back.lock(&["a.R.1.2"]).await.data(200);
}

async fn without_a_line_holds_do_not_end_early(world: World) {
    world.sunbeon.put("open", json!({"mode": "off"}));
    world.on_sale("open", &crate::world::plan()).await.data(200);
    let fan = world.outsider("42");
    let seats = json!({"seatIds": ["open.R.1.1"]});
    let held = fan.post("/v2/seats/lock?concertId=open", &seats).await;
    held.data(200);
    let leaver = world.fan("a", "43");
    leaver.lock(&["a.R.1.1"]).await.data(200);
    world.sunbeon.revoke("open", entry_of("42"));
    world.sunbeon.revoke("a", entry_of("43"));
    let free = async || world.remaining("a").await == 20;
    eventually(SLOT, "the leaver's seat is free", free).await;
    assert_eq!(world.remaining("open").await, 19);
}

async fn a_second_booking_ends_with_the_session_of_the_first(world: World) {
    let fan = world.fan("a", "42");
    let (first, second) = (fan.booked(&["a.R.1.1"]).await, fan.booked_tickets(1).await);
    fan.confirm(&first, "card").await.data(200);
    world.sessions_over(1).await;
    world.sunbeon.revoke("a", entry_of("42"));
    let over = async || fan.booking(&second).await["state"] == "EXPIRED";
    eventually(SOON, "the second has ended", over).await;
    assert_eq!(fan.booking(&first).await["state"], "CONFIRMED");
    assert_eq!(world.remaining("a").await, 19);
}
