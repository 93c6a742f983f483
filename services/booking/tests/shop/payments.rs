//! Payments: charged once or not at all, and never forgotten.

use std::time::Duration;

use serde_json::json;
use sunbeon_database::values;
use sunbeon_test_support::eventually;

use crate::world::{World, entry_of, on_both_databases, seen};

on_both_databases! {
    a_declined_booking_can_be_paid_by_other_means
    a_payment_without_an_answer_is_settled_by_repeating_the_request
    an_abandoned_payment_settles_by_itself
    a_booking_is_locked_while_its_payment_is_in_flight
    a_member_who_disconnects_while_paying_has_paid
    ending_a_session_waits_until_sunbeon_is_back
    a_paid_booking_is_confirmed_again_after_the_session
}

async fn a_declined_booking_can_be_paid_by_other_means(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    let declined = fan.confirm_by_key(&id, "decline", "k").await;
    assert_eq!(declined.status, 402);
    declined.fails("PAYMENT_DECLINED");
    fan.confirm_by_key(&id, "decline", "k")
        .await
        .fails("PAYMENT_DECLINED");
    fan.confirm_by_key(&id, "card", "k")
        .await
        .fails("IDEMPOTENCY_KEY_REUSED");
    assert_eq!(fan.booking(&id).await["state"], "PENDING");
    assert_eq!(
        (world.payments.paid(), world.sunbeon.completes().len()),
        (0, 0)
    );
    let confirmed = fan.confirm_by_key(&id, "card", "k2").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    assert_eq!(world.payments.paid(), 1);
}

async fn a_payment_without_an_answer_is_settled_by_repeating_the_request(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    let unknown = fan.confirm_by_key(&id, "time-out", "k").await;
    unknown.fails("PAYMENT_DOWN");
    assert_eq!(unknown.header("retry-after"), "5");
    let confirmed = fan.confirm_by_key(&id, "time-out", "k").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    assert_eq!(world.payments.paid(), 1);
    world.sessions_over(1).await;
}

async fn an_abandoned_payment_settles_by_itself(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    fan.confirm(&id, "time-out").await.fails("PAYMENT_DOWN");
    let settled = async || fan.booking(&id).await["state"] == "CONFIRMED";
    eventually(Duration::from_secs(40), "the payment is settled", settled).await;
    assert_eq!(world.payments.paid(), 1);
    world.sessions_over(1).await;
}

async fn a_booking_is_locked_while_its_payment_is_in_flight(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    fan.confirm_by_key(&id, "time-out", "k")
        .await
        .fails("PAYMENT_DOWN");
    fan.cancel(&id).await.fails("PAYMENT_IN_FLIGHT");
    fan.confirm_by_key(&id, "card", "k2")
        .await
        .fails("PAYMENT_IN_FLIGHT");
    assert_eq!(fan.booking(&id).await["state"], "PAYING");
    assert!(fan.seat("a.R.1.1").await.1);
    let confirmed = fan.confirm_by_key(&id, "time-out", "k").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    assert_eq!(world.payments.paid(), 1);
}

async fn a_member_who_disconnects_while_paying_has_paid(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    let asked = async || world.payments.paid() == 1;
    tokio::select! {
        answer = fan.confirm(&id, "slow") => panic!("it is gone before the answer: {answer:?}"),
        () = eventually(Duration::from_secs(20), "the provider is asked", asked) => {}
    }
    // Earlier than the background job looks for payments without an outcome.
    let confirmed = async || fan.booking(&id).await["state"] == "CONFIRMED";
    eventually(Duration::from_secs(10), "it is recorded", confirmed).await;
    assert_eq!(world.payments.paid(), 1);
}

async fn ending_a_session_waits_until_sunbeon_is_back(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    world.sunbeon.down(true);
    let refused = world.sunbeon.refused();
    let confirmed = fan.confirm(&id, "card").await;
    assert_eq!(
        confirmed.data(200)["state"],
        "CONFIRMED",
        "the member does not have to wait"
    );
    let tried = async || world.sunbeon.refused() >= refused + 2;
    eventually(Duration::from_secs(20), "it is retried", tried).await;
    assert_eq!(world.sunbeon.completes(), Vec::<serde_json::Value>::new());
    world.sunbeon.down(false);
    let over = async || !world.sunbeon.completes().is_empty();
    eventually(Duration::from_secs(20), "the session has ended", over).await;
    assert_eq!(world.sunbeon.completes()[0]["memberId"], json!("42"));
    // A concert that Sunbeon no longer knows has no session either, so that task is done, too.
    let other = world.fan("a", "43");
    let id = other.booked(&["a.R.1.2"]).await;
    world.sunbeon.delete("a");
    other.confirm(&id, "card").await.data(200);
    world.sessions_over(2).await;
    // Unfinished tasks are retried; this one would have been retried by then, too.
    let refused = world.sunbeon.refused();
    world.sunbeon.fail("b");
    let third = world.fan("b", "44");
    let id = third.booked(&["b.R.1.1"]).await;
    third.confirm(&id, "card").await.data(200);
    let tried = async || world.sunbeon.refused() >= refused + 3;
    eventually(Duration::from_secs(20), "another is retried", tried).await;
    assert_eq!(world.sunbeon.completes().len(), 2);
}

async fn a_paid_booking_is_confirmed_again_after_the_session(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let id = fan.booked(&["a.R.1.1"]).await;
    let pending = other.booked(&["a.R.1.2"]).await;
    let confirmed = fan.confirm(&id, "card").await;
    confirmed.data(200);
    world.sessions_over(1).await;
    world.sunbeon.revoke("a", entry_of("42"));
    world.sunbeon.revoke("a", entry_of("43"));
    let closed = async || {
        let both = [&fan, &other].map(|fan| fan.get("/v2/concerts/a"));
        let both = futures::future::join_all(both).await;
        both.iter().all(|answer| answer.status == 403)
    };
    eventually(Duration::from_secs(30), "the gate knows", closed).await;
    let again = fan.confirm(&id, "card").await;
    assert_eq!(again.data(200), confirmed.data(200));
    let outside = world.outsider("42").confirm(&id, "card").await;
    assert_eq!(outside.data(200), confirmed.data(200));
    assert_eq!(world.payments.paid(), 1);
    // It belongs to nobody else, and unpaid bookings need the gate as always.
    for (fan, id) in [(&other, &id), (&other, &pending), (&fan, &pending)] {
        let refused = seen(async || fan.confirm(id, "card").await).await;
        assert_eq!(refused.status, 403);
        refused.fails("QUEUE_TOKEN_REQUIRED");
    }
    let path = format!("/v2/bookings/{id}/confirm");
    let nobody = world.request(reqwest::Method::POST, &path).json(&json!({}));
    crate::world::send(nobody).await.fails("UNAUTHENTICATED");
    // Nor does a cancelled one.
    fan.cancel(&id).await.data(200);
    let refused = seen(async || fan.confirm(&id, "card").await).await;
    refused.fails("QUEUE_TOKEN_REQUIRED");
}

#[tokio::test]
async fn a_payment_that_may_have_begun_is_unknown_rather_than_refused() {
    const IN_THE_WAY: &str = "LOCK TABLE payments IN EXCLUSIVE MODE";
    let world = World::postgres().await;
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    let mut in_the_way = world.beside().begin().await.expect("PostgreSQL");
    let locked = in_the_way.execute(&IN_THE_WAY.into(), values![]).await;
    locked.expect("the table");
    let unknown = fan.confirm(&id, "card").await;
    unknown.fails("PAYMENT_DOWN");
    assert_eq!(unknown.header("retry-after"), "5");
    drop(in_the_way);
    let paid = async || fan.confirm(&id, "card").await.status == 200;
    eventually(Duration::from_secs(20), "it is paid", paid).await;
    assert_eq!(world.payments.paid(), 1);
}

#[tokio::test]
async fn a_hanging_refund_does_not_delay_the_end_of_sessions() {
    let world = World::of_great_patience().await;
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let id = fan.booked(&["a.R.1.1"]).await;
    fan.confirm(&id, "card").await.data(200);
    world.sessions_over(1).await;
    world.refunds.hang();
    fan.cancel(&id).await.data(200);
    let hangs = async || world.refunds.asked() == 1;
    eventually(Duration::from_secs(10), "the refund hangs", hangs).await;
    world.sessions_over(2).await;
    let id = other.booked(&["a.R.1.2"]).await;
    other.confirm(&id, "card").await.data(200);
    world.sessions_over(3).await;
    assert_eq!(world.sunbeon.completes()[2]["memberId"], json!("43"));
    assert_eq!(world.payments.refunds(), 0);
}
