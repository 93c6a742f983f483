//! Many calls at once.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use sunbeon_booking::stock::{
    Begun, Cancelled, Created, Holding, Paid, Put, Released, Removed, SeatState,
};
use sunbeon_database::{DatabaseError, values};
use sunbeon_test_support::eventually;

use crate::{
    on_each,
    world::{HOLD, World, demo, ids, member, plan, seat, visit, wish},
};

on_each!(
    exactly_one_of_a_hundred_gets_the_seat,
    a_hundred_members_share_exactly_the_last_tickets,
    tickets_booked_several_at_a_time_are_never_oversold,
    seats_wanted_in_opposite_orders_all_go_to_one_member,
    everybody_who_looks_for_equal_seats_gets_other_ones,
    a_member_in_many_tabs_never_exceeds_the_limit,
    simultaneous_requests_with_one_key_make_one_booking,
    a_simultaneous_payment_and_cancellation_end_consistently,
    a_payment_reported_many_times_at_once_confirms_once,
    a_simultaneous_plan_and_hold_never_both_win,
    a_plan_and_its_removal_never_interleave,
    a_page_never_shows_a_booking_without_its_items,
);

/// Repeats a call until it is answered: on a slow machine some calls of many wait in vain for a
/// connection, and it is unknown whether an abandoned call took effect.
async fn answered<T>(ask: impl AsyncFn() -> Result<T, DatabaseError>) -> T {
    for _ in 0..20 {
        match ask().await {
            Err(DatabaseError::Down(_)) => {}
            done => return done.expect("an answer"),
        }
    }
    panic!("the database is down")
}

async fn exactly_one_of_a_hundred_gets_the_seat(world: World) {
    let tries = (0..100).map(|n| {
        let (who, stock) = (member(&format!("m{n}")), world.replica(n).clone());
        async move {
            let seat = ids(&["A.1.1"]);
            answered(async || stock.hold(&visit(&demo(), &who), &seat, HOLD).await).await
        }
    });
    let answers = join_all(tries).await;
    let held = |answer: &Holding| matches!(answer, Holding::Held { .. });
    assert_eq!(answers.iter().filter(|answer| held(answer)).count(), 1);
    for answer in answers.iter().filter(|answer| !held(answer)) {
        assert!(matches!(answer, Holding::Taken(_)), "{answer:?}");
    }
}

async fn a_hundred_members_share_exactly_the_last_tickets(world: World) {
    let tries = (0..100).map(|n| {
        let (mut new, stock) = (wish(&format!("m{n}"), &[], 1), world.replica(n).clone());
        new.idempotency_key = Some("k".into());
        async move { answered(async || stock.create(&new).await).await }
    });
    let answers = join_all(tries).await;
    let made = |answer: &Created| matches!(answer, Created::New(_) | Created::Replayed(_));
    assert_eq!(answers.iter().filter(|answer| made(answer)).count(), 5);
    for answer in answers.iter().filter(|answer| !made(answer)) {
        assert!(matches!(answer, Created::SoldOut(_)), "{answer:?}");
    }
    assert_eq!(world.tickets_left().await, 0);
    world.is_sound().await;
}

async fn tickets_booked_several_at_a_time_are_never_oversold(world: World) {
    let tries = (0..40).map(|n| {
        let quantity = [2, 3][n % 2];
        let (mut new, stock) = (wish(&format!("m{n}"), &[], quantity), world.replica(n / 2));
        new.idempotency_key = Some("k".into());
        async move { answered(async || stock.create(&new).await).await }
    });
    let answers = join_all(tries).await;
    let taken: u32 = answers
        .iter()
        .filter_map(|answer| match answer {
            Created::New(booking) | Created::Replayed(booking) => Some(booking.tickets[0].quantity),
            _ => None,
        })
        .sum();
    assert_eq!(taken + world.tickets_left().await, 5);
    assert!(taken >= 4, "{taken}");
    world.is_sound().await;
}

async fn seats_wanted_in_opposite_orders_all_go_to_one_member(world: World) {
    for row in ["1", "2"] {
        let places: Vec<_> = (1..=3).map(|n| format!("A.{row}.{n}")).collect();
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        let tries = (0..20).map(|n| {
            let part = [&places[..2], &places[1..]][n % 2];
            let (who, stock) = (member(&format!("m{n}")), world.replica(n / 2).clone());
            async move {
                answered(async || stock.hold(&visit(&demo(), &who), &ids(part), HOLD).await).await
            }
        });
        let answers = join_all(tries).await;
        let mut held = 0;
        for answer in answers {
            match answer {
                Holding::Held { seats, .. } => {
                    assert_eq!(seats.len(), 2);
                    held += 1;
                }
                Holding::Taken(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(held, 1, "both parts have the middle seat");
    }
}

async fn everybody_who_looks_for_equal_seats_gets_other_ones(world: World) {
    let tries = (0..24).map(|n| {
        let (who, stock) = (member(&format!("m{n}")), world.replica(n).clone());
        let (by_id, lost) = (ids(&["A.1.4", "A.2.2"]), seat("A.1.3"));
        async move {
            let visit = visit(&demo(), &who);
            let like = || stock.hold_like(&visit, &lost, 2, HOLD);
            // Some take seats by their ids meanwhile.
            let by_id = || stock.hold(&visit, &by_id, HOLD);
            match n % 4 {
                0 => answered(async || by_id().await).await,
                _ => answered(async || like().await).await,
            }
        }
    });
    let mut held = BTreeSet::new();
    for answer in join_all(tries).await {
        match answer {
            Holding::Held { seats, .. } => {
                assert_eq!(seats.len(), 2);
                for one in seats {
                    assert!(held.insert(one.seat_id.clone()), "{one:?} is held twice");
                }
            }
            Holding::SoldOut | Holding::Taken(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(held.len(), 10, "all of the section: {held:?}");
    world.is_sound().await;
}

async fn a_member_in_many_tabs_never_exceeds_the_limit(world: World) {
    let who = member("m");
    let seats = (0..10).map(|n| {
        let place = format!("A.{}.{}", n % 2 + 1, n / 2 + 1);
        let stock = world.replica(n);
        let who = &who;
        async move {
            let seat = ids(&[&place]);
            let locked =
                answered(async || stock.hold(&visit(&demo(), who), &seat, HOLD).await).await;
            usize::from(matches!(locked, Holding::Held { .. }))
        }
    });
    let tickets = (0..10).map(|n| {
        let stock = world.replica(n);
        let mut new = wish("m", &[], 1);
        new.idempotency_key = Some(format!("k{n}"));
        async move {
            let created = answered(async || stock.create(&new).await).await;
            usize::from(matches!(created, Created::New(_) | Created::Replayed(_)))
        }
    });
    let (seats, tickets) = tokio::join!(join_all(seats), join_all(tickets));
    let had: usize = seats.iter().chain(&tickets).sum();
    assert_eq!(had, 4);
}

async fn simultaneous_requests_with_one_key_make_one_booking(world: World) {
    let tries = (0..10).map(|n| {
        let mut new = wish("m", &[], 1);
        new.idempotency_key = Some("k".into());
        let stock = world.replica(n);
        async move { answered(async || stock.create(&new).await).await }
    });
    let answers = join_all(tries).await;
    let ids = answers.iter().map(|answer| match answer {
        Created::New(booking) | Created::Replayed(booking) => booking.booking_id,
        other => panic!("{other:?}"),
    });
    let ids: std::collections::BTreeSet<_> = ids.collect();
    assert_eq!((ids.len(), world.tickets_left().await), (1, 4));
}

async fn a_simultaneous_payment_and_cancellation_end_consistently(world: World) {
    for place in ["A.1.1", "A.1.2", "A.1.3", "A.1.4", "A.1.5"] {
        let id = world.book("m", &[place], 0).await.booking_id;
        let who = member("m");
        let (begun, cancelled) = tokio::join!(world.begin("m", id), world.other.cancel(&who, id));
        let cancelled = cancelled.expect("an answer");
        match begun {
            Begun::Charge(_) => {
                assert_eq!(cancelled, Cancelled::InFlight);
                let (paid, late) = tokio::join!(world.paid(id, 1), world.other.cancel(&who, id));
                assert!(
                    matches!(paid, Paid::Confirmed { new: true, .. }),
                    "{paid:?}"
                );
                if matches!(late, Ok(Cancelled::InFlight)) {
                    let again = world.stock.cancel(&who, id).await;
                    assert!(matches!(again, Ok(Cancelled::Done { .. })), "{again:?}");
                }
            }
            Begun::Cancelled => {
                assert!(matches!(cancelled, Cancelled::Done { .. }), "{cancelled:?}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.seat("m", place).await, (SeatState::Available, false));
        world.is_sound().await;
    }
}

async fn a_payment_reported_many_times_at_once_confirms_once(world: World) {
    let id = world.book("m", &["A.1.1"], 2).await.booking_id;
    world.charge("m", id).await;
    let told = (0..8).map(|n| {
        let stock = world.replica(n);
        async move { stock.paid(id, 1, "pay").await.expect("an answer") }
    });
    let told = join_all(told).await;
    let new = |paid: &&Paid| matches!(paid, Paid::Confirmed { new: true, .. });
    assert_eq!(told.iter().filter(new).count(), 1, "{told:?}");
    assert_eq!((world.tickets_left().await, world.refunds().await), (3, 0));
    world.is_sound().await;
}

async fn a_simultaneous_plan_and_hold_never_both_win(world: World) {
    for n in 0..10 {
        let who = member(&format!("m{n}"));
        let (demo, plan, wanted) = (demo(), plan(4, 6 + n), ids(&["A.1.1"]));
        let visit_of_who = visit(&demo, &who);
        let (put, locked) = tokio::join!(
            world.stock.put(&demo, &plan),
            world.other.hold(&visit_of_who, &wanted, HOLD)
        );
        let locked = locked.expect("an answer");
        assert!(matches!(locked, Holding::Held { .. }), "{locked:?}");
        let held = world.seat(&format!("m{n}"), "A.1.1").await;
        assert_eq!(held, (SeatState::Held, true));
        assert!(matches!(put, Ok(Put::Done)), "{put:?}");
        let released = world.stock.release(&visit(&demo, &who), &wanted).await;
        assert_eq!(released.unwrap(), Released::Done);
    }
}

async fn a_plan_and_its_removal_never_interleave(world: World) {
    for n in 0..20 {
        let (demo, plan) = (demo(), plan(4, 6 + n));
        let (put, removed, again) = tokio::join!(
            world.stock.put(&demo, &plan),
            world.other.remove(&demo),
            world.other.put(&demo, &plan),
        );
        assert!(matches!(put, Ok(Put::Done)), "{put:?}");
        assert!(matches!(again, Ok(Put::Done)), "{again:?}");
        let known = matches!(removed, Ok(Removed::Done | Removed::NoStock));
        assert!(known, "{removed:?}");
        let left = world.stock.remaining(&demo).await.expect("an answer");
        let whole = Some(u64::from(16 + n));
        assert!(left.is_none() || left == whole, "{left:?}");
    }
}

async fn a_page_never_shows_a_booking_without_its_items(world: World) {
    let put = world.stock.put(&demo(), &plan(100, 100)).await;
    assert_eq!(put.expect("a stock"), Put::Done);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let who = member("m");
    let make = async {
        for _ in 0..60 {
            world.book("m", &[], 1).await;
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let read = async {
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            let page = world.other.bookings(&who, None, 1).await;
            for booking in page.expect("an answer") {
                assert_eq!(booking.tickets.len(), 1, "{booking:?}");
            }
        }
    };
    tokio::join!(make, read);
}

const SOON: Duration = Duration::from_secs(10);

/// Members who share a row's lock would overtake an operator, one after another.
#[tokio::test]
async fn members_wait_for_an_operator_who_came_before_them() {
    const TAKE: &str = "SELECT price FROM seats WHERE seat_id = $1 {for update}";
    let world = World::postgres().await;
    let mut in_the_way = world.database.begin().await.expect("PostgreSQL");
    let taken = in_the_way
        .execute(&TAKE.into(), values!["demo.A.1.1"])
        .await;
    taken.expect("the row");
    let (concert, one, other) = (demo(), member("a"), member("b"));
    let (first, second) = (ids(&["A.1.1"]), ids(&["A.1.2"]));
    let waits = async |all: i64| {
        let all = async || waiting(&world).await == all;
        eventually(SOON, "another waits", all).await;
    };
    let visit_of_one = visit(&concert, &one);
    let before = world.stock.hold(&visit_of_one, &first, HOLD);
    let operator = async {
        waits(1).await;
        world.other.reset(&concert).await
    };
    let after = async {
        waits(2).await;
        world
            .other
            .hold(&visit(&concert, &other), &second, HOLD)
            .await
    };
    let go_on = async {
        waits(3).await;
        drop(in_the_way);
    };
    let (before, reset, after, ()) = tokio::join!(before, operator, after, go_on);
    assert!(matches!(before, Ok(Holding::Held { .. })), "{before:?}");
    let freed = reset.expect("an answer").expect("a stock").freed;
    assert_eq!(
        freed.into_iter().collect::<std::collections::BTreeSet<_>>(),
        first
    );
    assert!(matches!(after, Ok(Holding::Held { .. })), "{after:?}");
    let held = world.seat("b", "A.1.2").await;
    assert_eq!(held, (SeatState::Held, true));
}

#[tokio::test]
async fn an_operator_gets_a_turn_during_the_rush() {
    let world = World::postgres().await;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let clients = (1..=6).map(|n| {
        let (stock, is_over) = (world.replica(n), &is_over);
        let who = member(&format!("m{n}"));
        let seat = ids(&[&format!("A.{}.{}", n % 2 + 1, n / 2 + 1)]);
        async move {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                let locked = stock.hold(&visit(&demo(), &who), &seat, HOLD).await;
                locked.expect("an answer");
                let released = stock.release(&visit(&demo(), &who), &seat).await;
                released.expect("an answer");
            }
        }
    });
    let operator = async {
        let mut resets = Vec::new();
        for _ in 0..5 {
            resets.push(world.stock.reset(&demo()).await);
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        resets
    };
    let (_, resets) = tokio::join!(join_all(clients), operator);
    for reset in resets {
        assert!(matches!(reset, Ok(Some(_))), "{reset:?}");
    }
    world.is_sound().await;
}

/// Returns how many sessions of a PostgreSQL wait for a row.
async fn waiting(world: &World) -> i64 {
    const SQL: &str = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world.rows::<(i64,)>(SQL).await[0].0
}

/// A payment starts in the last moment of a hold and is slow to be recorded.
#[tokio::test]
async fn seats_under_a_payment_that_just_began_go_to_nobody_else() {
    // Reading continues, writing waits.
    const IN_THE_WAY: &str = "LOCK TABLE payments IN EXCLUSIVE MODE";
    let world = World::postgres().await;
    world
        .stock
        .put(&demo(), &plan(4, 3))
        .await
        .expect("a stock");
    let short = Duration::from_millis(1000);
    let (who, seat) = (member("a"), ids(&["A.1.1"]));
    let locked = world.stock.hold(&visit(&demo(), &who), &seat, short).await;
    assert!(matches!(locked, Ok(Holding::Held { .. })), "{locked:?}");
    let mut last = wish("a", &["A.1.1"], 3);
    last.hold = short;
    let created = world.stock.create(&last).await;
    let Ok(Created::New(booking)) = created else {
        panic!("{created:?}");
    };
    let mut in_the_way = world.database.begin().await.expect("PostgreSQL");
    let locked = in_the_way.execute(&IN_THE_WAY.into(), values![]).await;
    locked.expect("the table");

    let (one, others) = (&world, &world.other);
    let begin = one.begin("a", booking.booking_id);
    let (bob, carol) = (member("b"), member("c"));
    let rest = async {
        eventually(SOON, "the payment waits", async || waiting(one).await == 1).await;
        let is_over = async || {
            let now = one.rows::<(i64,)>("SELECT {now}").await[0].0;
            now > booking.expires_at.0
        };
        eventually(SOON, "the hold has expired", is_over).await;
        let (wish, concert) = (wish("b", &[], 1), demo());
        let tickets = others.create(&wish);
        let visit_of_carol = visit(&concert, &carol);
        let seats = others.hold(&visit_of_carol, &seat, HOLD);
        let go_on = async {
            eventually(SOON, "both wait", async || waiting(one).await == 3).await;
            drop(in_the_way);
        };
        let (tickets, seats, ()) = tokio::join!(tickets, seats, go_on);
        (tickets.expect("an answer"), seats.expect("an answer"))
    };
    let (begun, (tickets, seats)) = tokio::join!(begin, rest);
    assert!(matches!(begun, Begun::Charge(_)), "{begun:?}");
    assert!(matches!(tickets, Created::SoldOut(_)), "{tickets:?}");
    assert!(matches!(seats, Holding::Taken(_)), "{seats:?}");
    assert!(matches!(
        world.paid(booking.booking_id, 1).await,
        Paid::Confirmed { .. }
    ));
    assert!(
        world
            .stock
            .bookings(&bob, None, 1)
            .await
            .unwrap()
            .is_empty()
    );
    world.is_sound().await;
}
