//! The remaining tickets are announced after every change, whatever its cause, but not too often.

use std::time::{Duration, Instant};

use serde_json::json;
use sunbeon_broker::Heard;
use sunbeon_database::values;
use sunbeon_proto_messages::Event;

use crate::world::{World, hear, tickets_left};

#[tokio::test]
async fn tickets_freed_by_expiry_are_announced() {
    const SOON: &str = "UPDATE bookings SET due_ms = {now}, expires_at_ms = {now} + 500";
    let world = World::postgres().await;
    let mut events = world.events();
    world.fan("a", "42").booked_tickets(2).await;
    hear(&mut events, &tickets_left(18, 8)).await;
    let ended = world.beside().execute(&SOON.into(), values![]).await;
    assert_eq!(ended.expect("PostgreSQL"), 1);
    hear(&mut events, &tickets_left(20, 10)).await;
}

#[tokio::test]
async fn tickets_freed_by_a_late_decline_are_announced() {
    const PAST: &str = "UPDATE bookings SET due_ms = {now} - 60000";
    let world = World::postgres().await;
    let mut events = world.events();
    let fan = world.fan("a", "42");
    let id = fan.booked_tickets(2).await;
    hear(&mut events, &tickets_left(18, 8)).await;
    let token = "decline-time-out";
    fan.confirm(&id, token).await.fails("PAYMENT_DOWN");
    let past = world.beside().execute(&PAST.into(), values![]).await;
    assert_eq!(past.expect("PostgreSQL"), 1);
    fan.confirm(&id, token).await.fails("PAYMENT_DECLINED");
    hear(&mut events, &tickets_left(20, 10)).await;
    assert_eq!(fan.booking(&id).await["state"], "EXPIRED");
}

#[tokio::test]
async fn many_bookings_make_few_announcements_ending_with_the_final_number() {
    let world = World::sqlite().await;
    world.sunbeon.put("many", json!({}));
    let ticket = json!({"ticketId": "standing", "name": "One", "price": 1, "quantity": 100});
    let ticket = json!({"perMemberLimit": 1, "tickets": [ticket]});
    world.on_sale("many", &ticket).await.data(200);
    let mut events = world.events();
    let fans: Vec<_> = (0..50)
        .map(|n| world.fan("many", &format!("m{n}")))
        .collect();
    let began = Instant::now();
    for fan in &fans {
        fan.booked_tickets(1).await;
    }
    let mut told = Vec::new();
    while told.last() != Some(&50) {
        let event = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
        let event = event.expect("the last number is announced");
        let heard = event.expect("events continue");
        if let Heard::Event(Event::TicketUpdated { remaining, .. }) = heard {
            told.push(remaining);
        }
    }
    let most = began.elapsed().as_millis() / 250 + 2;
    assert!(told.len() as u128 <= most, "{told:?}");
}
