//! Holding and releasing seats.

use sunbeon_booking::stock::{Holding, Plan, Put, Released, SeatState, Section};
use sunbeon_domain::ConcertId;

use crate::{
    on_each,
    world::{HOLD, MINUTE, World, demo, ids, member, plan, seat, visit},
};

on_each!(
    a_hold_belongs_to_its_member_until_it_expires,
    locking_again_keeps_the_deadline,
    seats_are_held_all_together_or_not_at_all,
    a_seat_of_another_concert_is_refused_before_any_other_check,
    the_limit_counts_holds_bookings_and_tickets,
    only_the_holder_can_release_a_seat,
    an_expired_hold_is_announced_once,
    the_nearest_equal_seats_are_held_in_one_step,
);

async fn a_hold_belongs_to_its_member_until_it_expires(world: World) {
    assert!(matches!(
        world.lock("a", &["A.1.1"]).await,
        Holding::Held { .. }
    ));
    assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Held, true));
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Held, false));
    assert_eq!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Taken(vec![seat("A.1.1")])
    );
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(14));
    world.age(9 * MINUTE).await;
    assert_eq!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Taken(vec![seat("A.1.1")])
    );
    world.age(MINUTE).await;
    assert_eq!(
        world.seat("a", "A.1.1").await,
        (SeatState::Available, false)
    );
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(15));
    assert!(matches!(
        world.lock("b", &["A.1.1"]).await,
        Holding::Held { .. }
    ));
    assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Held, false));
}

async fn locking_again_keeps_the_deadline(world: World) {
    let Holding::Held { seats: first, new } = world.lock("a", &["A.1.1"]).await else {
        panic!("not held");
    };
    assert_eq!(new, [seat("A.1.1")]);
    world.age(MINUTE).await;
    let Holding::Held { seats, new } = world.lock("a", &["A.1.2", "A.1.1"]).await else {
        panic!("not held");
    };
    assert_eq!(new, [seat("A.1.2")]);
    assert_eq!(seats[0].held_until, first[0].held_until + -MINUTE);
    assert!(seats[1].held_until > seats[0].held_until);
    // A booked seat stays booked.
    let booking = world.book("b", &["A.2.1"], 0).await;
    let again = world.lock("b", &["A.2.1"]).await;
    assert!(matches!(again, Holding::Held { new, .. } if new.is_empty()));
    world.charge("b", booking.booking_id).await;
    world.paid(booking.booking_id, 1).await;
    assert_eq!(
        world.lock("b", &["A.2.1"]).await,
        Holding::Taken(vec![seat("A.2.1")])
    );
    world.is_sound().await;
}

async fn seats_are_held_all_together_or_not_at_all(world: World) {
    world.lock("a", &["A.1.2"]).await;
    let taken = world.lock("b", &["A.1.1", "A.1.2", "A.1.3"]).await;
    assert_eq!(taken, Holding::Taken(vec![seat("A.1.2")]));
    let unknown = world.lock("b", &["A.1.1", "A.1.6"]).await;
    assert_eq!(unknown, Holding::Unknown(seat("A.1.6")));
    for place in ["A.1.1", "A.1.3"] {
        assert_eq!(world.seat("b", place).await.0, SeatState::Available);
    }
}

async fn a_seat_of_another_concert_is_refused_before_any_other_check(world: World) {
    let other = ConcertId::parse("other").unwrap();
    assert_eq!(
        world.stock.put(&other, &plan(4, 1)).await.unwrap(),
        Put::Done
    );
    let who = member("a");
    world.lock("b", &["A.1.1"]).await;
    let wanted = ids(&["A.1.1", "A.9.9"]);
    let locked = world.stock.hold(&visit(&other, &who), &wanted, HOLD).await;
    assert_eq!(locked.unwrap(), Holding::OtherConcert(demo()));
    let released = world
        .stock
        .release(&visit(&other, &who), &ids(&["A.1.1"]))
        .await;
    assert_eq!(released.unwrap(), Released::OtherConcert(demo()));
    let nowhere = ConcertId::parse("nowhere").unwrap();
    let locked = world
        .stock
        .hold(&visit(&nowhere, &who), &ids(&["A.1.1"]), HOLD)
        .await;
    assert_eq!(locked.unwrap(), Holding::NoStock);
}

async fn the_limit_counts_holds_bookings_and_tickets(world: World) {
    world.book("a", &["A.1.1"], 2).await;
    assert!(matches!(
        world.lock("a", &["A.1.2"]).await,
        Holding::Held { .. }
    ));
    assert_eq!(world.lock("a", &["A.1.3"]).await, Holding::Limit);
    assert!(matches!(
        world.lock("b", &["A.1.3"]).await,
        Holding::Held { .. }
    ));
    // Expired holds do not count.
    world.age(10 * MINUTE).await;
    let four = ["A.1.1", "A.1.2", "A.1.3", "A.1.4"];
    assert!(matches!(world.lock("a", &four).await, Holding::Held { .. }));
    assert_eq!(world.lock("a", &["A.1.5"]).await, Holding::Limit);
    // Sold seats do.
    world.sell("c", &["A.2.1"], 3).await;
    world.age(60 * MINUTE).await;
    assert_eq!(world.lock("c", &["A.2.2"]).await, Holding::Limit);
}

async fn only_the_holder_can_release_a_seat(world: World) {
    world.lock("a", &["A.1.1", "A.1.2"]).await;
    world.book("b", &["A.2.1"], 0).await;
    for (who, places, not_held) in [
        ("b", ["A.1.1"].as_slice(), ["A.1.1"].as_slice()),
        ("a", &["A.1.1", "A.1.2", "A.1.3"], &["A.1.3"]),
        ("a", &["A.1.1", "A.9.9"], &["A.9.9"]),
        ("b", &["A.2.1"], &["A.2.1"]),
    ] {
        let released = world
            .stock
            .release(&visit(&demo(), &member(who)), &ids(places))
            .await;
        let not_held = not_held.iter().map(|place| seat(place)).collect();
        assert_eq!(released.unwrap(), Released::NotHeld(not_held), "{places:?}");
        assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Held, true));
        assert_eq!(world.seat("b", "A.2.1").await, (SeatState::Held, true));
    }
    let both = ids(&["A.1.1", "A.1.2"]);
    let (stock, who) = (&world.stock, member("a"));
    assert_eq!(
        stock.release(&visit(&demo(), &who), &both).await.unwrap(),
        Released::Done
    );
    assert_eq!(
        world.seat("a", "A.1.1").await,
        (SeatState::Available, false)
    );
    let again = stock.release(&visit(&demo(), &who), &both).await.unwrap();
    assert!(matches!(again, Released::NotHeld(seats) if seats.len() == 2));
    // An expired hold cannot be released.
    world.lock("a", &["A.1.1"]).await;
    world.age(10 * MINUTE).await;
    let late = stock
        .release(&visit(&demo(), &who), &ids(&["A.1.1"]))
        .await
        .unwrap();
    assert_eq!(late, Released::NotHeld(vec![seat("A.1.1")]));
}

async fn an_expired_hold_is_announced_once(world: World) {
    world.lock("a", &["A.1.1", "A.1.2"]).await;
    world.sell("b", &["A.2.1"], 0).await;
    assert!(world.stock.collect(10).await.unwrap().is_empty());
    world.age(10 * MINUTE).await;
    world.lock("c", &["A.1.2"]).await;
    let (one, two) = tokio::join!(world.stock.collect(10), world.other.collect(10));
    let freed: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
    assert_eq!(freed.len(), 1, "{freed:?}");
    assert_eq!(freed[0].concert_id, demo());
    assert_eq!(freed[0].seat_ids, [seat("A.1.1")]);
    assert!(world.stock.collect(10).await.unwrap().is_empty());
    assert_eq!(world.seat("c", "A.1.2").await, (SeatState::Held, true));
    assert_eq!(world.seat("b", "A.2.1").await, (SeatState::Sold, true));
}

async fn the_nearest_equal_seats_are_held_in_one_step(world: World) {
    let mut plan: Plan = plan(6, 5);
    let mut other = plan.sections[0].clone();
    other.section = Section::parse("B").unwrap();
    plan.sections.push(other);
    assert_eq!(world.stock.put(&demo(), &plan).await.unwrap(), Put::Done);
    world.lock("a", &["A.1.3"]).await;
    let held = async |who: &str, like: &str, count: usize| {
        let visit = visit(&demo(), &member(who));
        let holding = world
            .stock
            .hold_like(&visit, &seat(like), count, HOLD)
            .await;
        match holding.unwrap() {
            Holding::Held { seats, new } => {
                let seats: Vec<_> = seats.into_iter().map(|held| held.seat_id).collect();
                assert_eq!(seats, new);
                Ok(seats)
            }
            other => Err(other),
        }
    };
    let two = held("b", "A.1.3", 2).await;
    assert_eq!(two, Ok(vec![seat("A.1.1"), seat("A.1.2")]));
    // What they hold already counts for the limit and is not held twice.
    let five = held("b", "A.1.3", 5).await;
    assert_eq!(five, Err(Holding::Limit));
    let three = held("b", "A.1.3", 3).await;
    assert_eq!(three, Ok(vec![seat("A.2.2"), seat("A.2.3"), seat("A.2.4")]));
    let apart = held("c", "A.1.3", 3).await;
    assert_eq!(apart, Ok(vec![seat("A.1.4"), seat("A.1.5"), seat("A.2.1")]));
    let none = held("d", "A.1.3", 2).await;
    assert_eq!(none, Err(Holding::SoldOut), "another section is not equal");
    assert_eq!(held("d", "A.1.3", 1).await, Ok(vec![seat("A.2.5")]));
    assert_eq!(
        held("d", "A.9.9", 1).await,
        Err(Holding::Unknown(seat("A.9.9")))
    );
    world.age(10 * MINUTE).await;
    let free_again = held("d", "A.1.3", 1).await;
    assert_eq!(free_again, Ok(vec![seat("A.1.3")]));
    world.is_sound().await;
}
