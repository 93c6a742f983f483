//! Payments, and the effect of late ones.

use secrecy::SecretString;
use sunbeon_booking::stock::{
    Begun, BookingId, BookingState, Cancelled, Holding, Paid, SeatState, Unsettled,
};

use crate::{
    on_each,
    world::{MINUTE, World, demo, member, seat, visit},
};

on_each!(
    a_paid_booking_is_sold_permanently,
    a_stranger_can_pay_for_nothing,
    a_hold_does_not_end_while_its_payment_is_in_flight,
    an_ended_hold_cannot_be_paid_for,
    a_late_payment_is_refunded_once,
    a_late_payment_leaves_the_seat_to_its_new_holder,
    a_payment_for_a_reset_booking_is_refunded_once,
    a_payment_reported_again_after_a_cancellation_is_not_refunded_twice,
    a_declined_payment_restores_the_first_deadline,
    a_declined_payment_may_end_the_booking,
    a_payment_reported_after_its_own_decline_is_refunded,
    only_one_payment_can_be_in_flight,
    a_payment_key_is_one_attempt,
    cancelled_and_in_flight_bookings_are_refused_with_their_state,
    an_unknown_outcome_is_settled_by_one_replica,
    a_booking_without_its_seats_is_never_charged_again,
    a_payment_token_is_kept_only_until_the_outcome_is_known,
);

async fn begin(world: &World, id: BookingId, token: &str, key: Option<&str>) -> Begun {
    let (who, token) = (member("a"), SecretString::from(token));
    let begun = world
        .stock
        .begin_payment(&visit(&demo(), &who), id, &token, key)
        .await;
    begun.expect("an answer")
}

async fn a_paid_booking_is_sold_permanently(world: World) {
    let id = world.book("a", &["A.1.1"], 2).await.booking_id;
    let charge = world.charge("a", id).await;
    assert_eq!((charge.amount, charge.attempt), (1020, 1));
    assert_eq!(charge.key, format!("{id}-1"));
    assert_eq!(world.state("a", id).await, BookingState::Paying);
    let Paid::Confirmed { booking, new: true } = world.paid(id, 1).await else {
        panic!("not confirmed");
    };
    assert_eq!(booking.state, BookingState::Confirmed);
    assert!(booking.confirmed_at.is_some());
    let again = world.paid(id, 1).await;
    assert_eq!(
        again,
        Paid::Confirmed {
            booking: booking.clone(),
            new: false
        }
    );
    assert!(matches!(world.begin("a", id).await, Begun::Confirmed(told) if told == booking));
    world.age(24 * 60 * MINUTE).await;
    assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Sold, true));
    assert_eq!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Taken(vec![seat("A.1.1")])
    );
    assert_eq!(world.tickets_left().await, 3);
    world.is_sound().await;
}

async fn a_stranger_can_pay_for_nothing(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    assert!(matches!(world.begin("b", id).await, Begun::Unknown));
    assert_eq!(world.state("a", id).await, BookingState::Pending);
    assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Held, true));
}

async fn a_hold_does_not_end_while_its_payment_is_in_flight(world: World) {
    let id = world.book("a", &["A.1.1"], 2).await.booking_id;
    world.age(10 * MINUTE - 5_000).await;
    world.charge("a", id).await;
    world.age(90_000).await;
    assert_eq!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Taken(vec![seat("A.1.1")])
    );
    assert_eq!(world.tickets_left().await, 3);
    assert!(world.stock.collect(10).await.unwrap().is_empty());
    assert!(matches!(world.paid(id, 1).await, Paid::Confirmed { .. }));
    world.is_sound().await;
}

async fn an_ended_hold_cannot_be_paid_for(world: World) {
    let id = world.book("a", &["A.1.1"], 2).await.booking_id;
    world.age(10 * MINUTE).await;
    assert!(matches!(world.begin("a", id).await, Begun::Expired));
    assert!(matches!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Held { .. }
    ));
    assert_eq!(world.tickets_left().await, 5);
    assert!(matches!(world.begin("a", id).await, Begun::Expired));
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Held, true));
}

async fn a_late_payment_is_refunded_once(world: World) {
    let id = world.book("a", &["A.1.1"], 2).await.booking_id;
    world.charge("a", id).await;
    world.age(10 * MINUTE).await;
    assert_eq!(world.state("a", id).await, BookingState::Expired);
    let Paid::Lost { booking, freed } = world.paid(id, 1).await else {
        panic!("not lost");
    };
    assert_eq!(booking.state, BookingState::Cancelled);
    assert_eq!(freed, [seat("A.1.1")]);
    for _ in 0..2 {
        let again = world.paid(id, 1).await;
        assert!(matches!(again, Paid::Lost { freed, .. } if freed.is_empty()));
    }
    assert!(matches!(world.begin("a", id).await, Begun::Cancelled));
    assert_eq!((world.refunds().await, world.tickets_left().await), (1, 5));
    assert_eq!(world.seat("a", "A.1.1").await.0, SeatState::Available);
    world.is_sound().await;
}

async fn a_late_payment_leaves_the_seat_to_its_new_holder(world: World) {
    let id = world.book("a", &["A.1.1", "A.1.2"], 0).await.booking_id;
    world.charge("a", id).await;
    world.age(10 * MINUTE).await;
    world.sell("b", &["A.1.1"], 0).await;
    let Paid::Lost { freed, .. } = world.paid(id, 1).await else {
        panic!("not lost");
    };
    assert_eq!(freed, [seat("A.1.2")], "the one that it still owns");
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Sold, true));
    assert_eq!(world.refunds().await, 1);
    world.is_sound().await;
}

async fn a_payment_for_a_reset_booking_is_refunded_once(world: World) {
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    world.charge("a", id).await;
    world.stock.reset(&demo()).await.unwrap();
    world.lock("b", &["A.1.1"]).await;
    for _ in 0..2 {
        assert!(matches!(world.paid(id, 1).await, Paid::Lost { freed, .. } if freed.is_empty()));
    }
    assert_eq!(world.refunds().await, 1);
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Held, true));
    world.is_sound().await;
}

async fn a_payment_reported_again_after_a_cancellation_is_not_refunded_twice(world: World) {
    let id = world.sell("a", &["A.1.1"], 1).await.booking_id;
    world.stock.cancel(&member("a"), id).await.unwrap();
    assert!(matches!(world.paid(id, 1).await, Paid::Lost { .. }));
    assert_eq!(world.refunds().await, 1);
    for task in world.due().await {
        world.stock.task_done(&task.id).await.unwrap();
    }
    assert!(matches!(world.paid(id, 1).await, Paid::Lost { .. }));
    assert_eq!(world.refunds().await, 0, "it is already refunded");
    world.is_sound().await;
}

async fn a_declined_payment_restores_the_first_deadline(world: World) {
    let made = world.book("a", &["A.1.1"], 1).await;
    let id = made.booking_id;
    world.age(9 * MINUTE).await;
    world.charge("a", id).await;
    let declined = world.stock.declined(id, 1).await.unwrap();
    assert_eq!(declined.state, BookingState::Pending);
    assert_eq!(declined.expires_at, made.expires_at + -9 * MINUTE);
    assert_eq!(world.stock.declined(id, 1).await.unwrap(), declined);
    // Another attempt.
    let charge = world.charge("a", id).await;
    assert_eq!((charge.attempt, charge.key), (2, format!("{id}-2")));
    assert_eq!(
        world.stock.declined(id, 1).await.unwrap().state,
        BookingState::Paying
    );
    assert!(matches!(
        world.paid(id, 2).await,
        Paid::Confirmed { new: true, .. }
    ));
    assert_eq!(
        world.stock.declined(id, 2).await.unwrap().state,
        BookingState::Confirmed
    );
    world.is_sound().await;
}

async fn a_declined_payment_may_end_the_booking(world: World) {
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    world.age(9 * MINUTE).await;
    world.charge("a", id).await;
    world.age(MINUTE + 1_000).await;
    assert_eq!(world.state("a", id).await, BookingState::Paying);
    let declined = world.stock.declined(id, 1).await.unwrap();
    assert_eq!(declined.state, BookingState::Expired);
    assert!(matches!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Held { .. }
    ));
    assert_eq!(world.tickets_left().await, 5);
    assert!(matches!(world.begin("a", id).await, Begun::Expired));
    assert_eq!(
        world.stock.declined(id, 1).await.unwrap().state,
        BookingState::Expired
    );
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Held, true));
}

async fn a_payment_reported_after_its_own_decline_is_refunded(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    world.charge("a", id).await;
    world.stock.declined(id, 1).await.unwrap();
    world.charge("a", id).await;
    assert!(matches!(world.paid(id, 1).await, Paid::Lost { freed, .. } if freed.is_empty()));
    assert_eq!(
        world.state("a", id).await,
        BookingState::Paying,
        "the other continues"
    );
    assert!(matches!(
        world.paid(id, 2).await,
        Paid::Confirmed { new: true, .. }
    ));
    assert_eq!(world.refunds().await, 1);
    world.is_sound().await;
}

async fn only_one_payment_can_be_in_flight(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    assert!(matches!(
        begin(&world, id, "one", None).await,
        Begun::Charge(_)
    ));
    assert!(matches!(
        begin(&world, id, "two", None).await,
        Begun::InFlight
    ));
    assert!(matches!(
        begin(&world, id, "two", Some("k")).await,
        Begun::InFlight
    ));
    for key in [None, Some("k")] {
        let Begun::Charge(same) = begin(&world, id, "one", key).await else {
            panic!("the same means is the same attempt");
        };
        assert_eq!(same.attempt, 1);
    }
}

async fn a_payment_key_is_one_attempt(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    for _ in 0..2 {
        let Begun::Charge(charge) = begin(&world, id, "one", Some("k")).await else {
            panic!("no charge");
        };
        assert_eq!(charge.attempt, 1);
    }
    assert!(matches!(
        begin(&world, id, "two", Some("k")).await,
        Begun::KeyReused
    ));
    world.stock.declined(id, 1).await.unwrap();
    assert!(matches!(
        begin(&world, id, "one", Some("k")).await,
        Begun::Declined
    ));
    assert!(matches!(
        begin(&world, id, "two", Some("k")).await,
        Begun::KeyReused
    ));
    assert_eq!(world.state("a", id).await, BookingState::Pending);
    let next = begin(&world, id, "two", Some("l")).await;
    assert!(matches!(next, Begun::Charge(charge) if charge.attempt == 2));
    // A late repeat of the declined attempt gets its answer, even though another is in flight.
    assert!(matches!(
        begin(&world, id, "one", Some("k")).await,
        Begun::Declined
    ));
    world.paid(id, 2).await;
    for key in ["k", "l", "m"] {
        assert!(matches!(
            begin(&world, id, "two", Some(key)).await,
            Begun::Confirmed(_)
        ));
    }
}

async fn cancelled_and_in_flight_bookings_are_refused_with_their_state(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    world.charge("a", id).await;
    let cancelled = world.stock.cancel(&member("a"), id).await.unwrap();
    assert_eq!(cancelled, Cancelled::InFlight);
    assert_eq!(world.state("a", id).await, BookingState::Paying);
    world.stock.declined(id, 1).await.unwrap();
    world.stock.cancel(&member("a"), id).await.unwrap();
    assert!(matches!(world.begin("a", id).await, Begun::Cancelled));
}

fn attempt_of(unsettled: &Unsettled) -> (BookingId, u32) {
    match unsettled {
        Unsettled::Charge(charge) => (charge.booking_id, charge.attempt),
        Unsettled::Void {
            booking_id,
            attempt,
            ..
        } => (*booking_id, *attempt),
    }
}

async fn an_unknown_outcome_is_settled_by_one_replica(world: World) {
    for place in ["A.1.1", "A.1.2", "A.1.3", "A.1.4"] {
        let id = world.book("a", &[place], 0).await.booking_id;
        world.charge("a", id).await;
    }
    assert!(world.stock.unsettled(10).await.unwrap().is_empty());
    // And long after it has expired, too.
    for ms in [15_000, 60 * MINUTE] {
        world.age(ms).await;
        let (one, two) = tokio::join!(world.stock.unsettled(3), world.other.unsettled(3));
        let mut found: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
        found.extend(world.stock.unsettled(10).await.unwrap());
        let mut attempts: Vec<_> = found.iter().map(attempt_of).collect();
        attempts.sort_unstable();
        let all = attempts.len();
        attempts.dedup();
        assert_eq!((all, attempts.len()), (4, 4));
        assert!(world.stock.unsettled(10).await.unwrap().is_empty());
    }
    world.age(30_000).await;
    let left = world.stock.unsettled(10).await.unwrap();
    assert_eq!(left.len(), 4, "the caller that took it may have stopped");
    for unsettled in left {
        assert!(
            !format!("{unsettled:?}").contains("hunter2"),
            "a token is a secret"
        );
        let (id, attempt) = attempt_of(&unsettled);
        world.stock.declined(id, attempt).await.unwrap();
    }
    world.age(30_000).await;
    assert!(world.stock.unsettled(10).await.unwrap().is_empty());
}

async fn a_booking_without_its_seats_is_never_charged_again(world: World) {
    let one = async || {
        let mut unsettled = world.stock.unsettled(10).await.unwrap();
        assert_eq!(unsettled.len(), 1, "{unsettled:?}");
        unsettled.remove(0)
    };
    // A payment in flight holds for two minutes; the last half minute is not enough for an answer.
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    world.age(10 * MINUTE - 5_000).await;
    world.charge("a", id).await;
    world.age(85_000).await;
    assert!(matches!(one().await, Unsettled::Charge(charge) if charge.key == format!("{id}-1")));
    assert!(matches!(world.begin("a", id).await, Begun::Charge(_)));
    world.age(30_000).await;
    assert!(matches!(one().await, Unsettled::Void { key, .. } if key == format!("{id}-1")));
    assert!(matches!(world.begin("a", id).await, Begun::InDoubt));
    world.age(60_000).await;
    assert!(matches!(world.begin("a", id).await, Begun::Expired));
    assert!(matches!(one().await, Unsettled::Void { .. }));
    world.stock.declined(id, 1).await.unwrap();
    // Cancelled meanwhile.
    let id = world.book("b", &["A.1.2"], 0).await.booking_id;
    world.charge("b", id).await;
    world.stock.reset(&demo()).await.unwrap();
    world.age(15_000).await;
    assert!(matches!(one().await, Unsettled::Void { booking_id, .. } if booking_id == id));
    // The provider had charged before it was asked to void.
    assert!(matches!(world.paid(id, 1).await, Paid::Lost { .. }));
    assert_eq!(world.refunds().await, 1);
    world.is_sound().await;
}

async fn a_payment_token_is_kept_only_until_the_outcome_is_known(world: World) {
    let kept = async || {
        let tokens = world
            .rows::<(String,)>("SELECT payment_token FROM payments")
            .await;
        tokens
            .into_iter()
            .filter(|(token,)| !token.is_empty())
            .count()
    };
    for (who, place) in [
        ("a", "A.1.1"),
        ("b", "A.1.2"),
        ("c", "A.1.3"),
        ("d", "A.1.4"),
    ] {
        let id = world.book(who, &[place], 0).await.booking_id;
        world.charge(who, id).await;
        assert_eq!(kept().await, 1);
        match who {
            "a" => drop(world.stock.declined(id, 1).await.unwrap()),
            "b" => {
                world.age(20 * MINUTE).await;
                assert!(matches!(world.paid(id, 1).await, Paid::Lost { .. }));
            }
            "c" => {
                world.paid(id, 1).await;
                world.stock.cancel(&member("c"), id).await.unwrap();
            }
            _ => drop(world.paid(id, 1).await),
        }
        assert_eq!(kept().await, 0, "{who}");
    }
}
