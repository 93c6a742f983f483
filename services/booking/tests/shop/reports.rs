//! What the line is told to be left.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::eventually;

use crate::world::{World, on_both_databases};

on_both_databases!(
    what_is_left_is_told_whenever_it_changes
    a_live_line_is_told_again_and_again
    a_report_that_failed_is_made_again
);

const SOON: Duration = Duration::from_secs(30);

/// Waits until the last report of a concert says so much.
async fn told(world: &World, concert: &str, seats: u32, tickets: u32, held: u32) {
    let expected = json!({"tiers": [
        {"name": "R", "price": 1000, "left": seats},
        {"name": "Standing", "price": 500, "left": tickets},
    ], "held": held});
    let what = format!("{concert} is told {expected}");
    let is_told = async || reports(world, concert).last() == Some(&expected);
    eventually(SOON, &what, is_told).await;
}

fn reports(world: &World, concert: &str) -> Vec<Value> {
    world
        .sunbeon
        .calls(&format!("PUT /v2/reservation/stock/{concert}"))
}

async fn what_is_left_is_told_whenever_it_changes(world: World) {
    told(&world, "a", 10, 10, 0).await;
    told(&world, "b", 10, 10, 0).await;
    let fan = world.fan("a", "fan-42");
    let seats = json!({"seatIds": ["a.R.1.1", "a.R.1.2"]});
    let lock = "/v2/seats/lock";
    fan.call(Method::POST, lock, &seats).await.data(200);
    told(&world, "a", 8, 10, 2).await;
    fan.call(Method::DELETE, lock, &json!({"seatIds": ["a.R.1.2"]}))
        .await
        .data(200);
    told(&world, "a", 9, 10, 1).await;
    let wanted = json!({"seatIds": ["a.R.1.1"],
        "tickets": [{"ticketId": "standing", "quantity": 3}]});
    let booking = fan.call(Method::POST, "/v2/bookings", &wanted).await;
    let id = booking.data(201)["bookingId"].as_str().unwrap().to_owned();
    told(&world, "a", 9, 7, 4).await;
    let pay = json!({"paymentToken": "good"});
    let confirm = format!("/v2/bookings/{id}/confirm");
    fan.call(Method::POST, &confirm, &pay).await.data(200);
    told(&world, "a", 9, 7, 0).await;
    let cancel = format!("/v2/bookings/{id}");
    fan.call(Method::DELETE, &cancel, &json!({}))
        .await
        .data(200);
    told(&world, "a", 10, 10, 0).await;
    assert!(reports(&world, "b").iter().all(|it| it["held"] == 0));
}

async fn a_live_line_is_told_again_and_again(world: World) {
    world.sunbeon.lives("a");
    let seats = json!({"seatIds": ["a.R.1.1"]});
    let fan = world.fan("a", "fan-42");
    fan.call(Method::POST, "/v2/seats/lock", &seats)
        .await
        .data(200);
    told(&world, "a", 9, 10, 1).await;
    let [before, idle] = ["a", "b"].map(|concert| reports(&world, concert).len());
    eventually(SOON, "it is told again", async || {
        reports(&world, "a").len() >= before + 2
    })
    .await;
    let since = reports(&world, "b").len() - idle;
    assert!(since <= 1, "nobody is in the other line: {since}");
}

async fn a_report_that_failed_is_made_again(world: World) {
    told(&world, "a", 10, 10, 0).await;
    world.sunbeon.deaf(true);
    let before = world.sunbeon.unheard();
    let seats = json!({"seatIds": ["a.R.1.1"]});
    let fan = world.fan("a", "fan-42");
    fan.call(Method::POST, "/v2/seats/lock", &seats)
        .await
        .data(200);
    eventually(SOON, "the line does not answer", async || {
        world.sunbeon.unheard() > before + 1
    })
    .await;
    world.sunbeon.deaf(false);
    told(&world, "a", 9, 10, 1).await;
}
