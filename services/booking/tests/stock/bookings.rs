//! Creating, reading and cancelling bookings.

use std::num::NonZeroU32;

use sunbeon_booking::stock::{
    BookingState, Cancelled, Created, Holding, Put, SeatState, TicketId, Work,
};
use sunbeon_database::values;
use sunbeon_domain::ConcertId;
use sunbeon_test_support::eventually;

use crate::{
    on_each,
    world::{HOLD, MINUTE, World, demo, ids, member, plan, seat, ticket, visit, wish},
};

on_each!(
    a_booking_costs_what_its_rows_say,
    only_held_seats_can_be_booked,
    a_booking_holds_until_the_first_of_its_holds_ends,
    tickets_are_counted_exactly,
    the_limit_counts_what_the_booking_adds,
    the_same_key_makes_the_same_booking,
    bookings_belong_to_their_member_newest_first,
    a_cancelled_booking_frees_everything_at_once,
    a_stranger_can_cancel_nothing,
    an_expired_booking_cannot_be_cancelled,
    tickets_freed_by_expiry_are_announced_once,
);

async fn a_booking_costs_what_its_rows_say(world: World) {
    let booking = world.book("a", &["A.1.2", "A.1.1"], 2).await;
    assert_eq!(
        (booking.amount, booking.state),
        (2020, BookingState::Pending)
    );
    assert_eq!(booking.seats.len(), 2);
    assert_eq!(booking.seats[0].seat_id, seat("A.1.1"));
    assert_eq!((booking.seats[1].row, booking.seats[1].number), (1, 2));
    assert_eq!(
        (booking.tickets[0].quantity, booking.tickets[0].price),
        (2, 10)
    );
    assert_eq!(booking.tickets[0].name, "스탠딩");
    let read = world.stock.booking(&member("a"), booking.booking_id).await;
    assert_eq!(read.unwrap(), Some(booking));
    assert_eq!(world.tickets_left().await, 3);
    world.is_sound().await;
}

async fn only_held_seats_can_be_booked(world: World) {
    world.lock("a", &["A.1.1"]).await;
    let create = async |new| world.stock.create(&new).await.expect("an answer");
    let not_held = Created::NotHeld(vec![seat("A.1.1")]);
    assert_eq!(create(wish("b", &["A.1.1"], 0)).await, not_held);
    let free = Created::NotHeld(vec![seat("A.1.2")]);
    assert_eq!(create(wish("a", &["A.1.1", "A.1.2"], 1)).await, free);
    assert_eq!(create(wish("a", &[], 0)).await, Created::Nothing);
    let unknown = Created::UnknownSeat(seat("A.9.9"));
    assert_eq!(create(wish("a", &["A.9.9"], 0)).await, unknown);
    let mut new = wish("a", &["A.1.1"], 0);
    let vip = TicketId::parse("vip").unwrap();
    new.tickets.insert(vip.clone(), NonZeroU32::MIN);
    assert_eq!(create(new).await, Created::UnknownTicket(vip));
    let other = ConcertId::parse("other").unwrap();
    let mut new = wish("a", &["A.1.1", "A.9.9"], 0);
    new.visit.concert_id = other.clone();
    assert_eq!(create(new.clone()).await, Created::NoStock);
    assert_eq!(
        world.stock.put(&other, &plan(4, 1)).await.unwrap(),
        Put::Done
    );
    let of_demo = Created::OtherConcert(demo());
    assert_eq!(create(new).await, of_demo);
    // A seat can be booked once, and not after its hold has expired.
    assert!(matches!(
        create(wish("a", &["A.1.1"], 0)).await,
        Created::New(_)
    ));
    assert_eq!(create(wish("a", &["A.1.1"], 0)).await, not_held);
    world.lock("b", &["A.1.2"]).await;
    world.age(10 * MINUTE).await;
    assert_eq!(create(wish("b", &["A.1.2"], 0)).await, free);
    assert_eq!(
        world.rows::<(i64,)>("SELECT COUNT(*) FROM bookings").await,
        [(1,)]
    );
    world.is_sound().await;
}

async fn a_booking_holds_until_the_first_of_its_holds_ends(world: World) {
    let Holding::Held { seats: first, .. } = world.lock("a", &["A.1.1"]).await else {
        panic!("not held");
    };
    world.age(MINUTE).await;
    let booking = world.book("a", &["A.1.2", "A.1.1"], 1).await;
    assert_eq!(booking.expires_at, first[0].held_until + -MINUTE);
    world.age(9 * MINUTE).await;
    assert_eq!(
        world.state("a", booking.booking_id).await,
        BookingState::Expired
    );
    for place in ["A.1.1", "A.1.2"] {
        let held = world.lock("b", &[place]).await;
        assert!(
            matches!(held, Holding::Held { .. }),
            "{place} ends with the booking"
        );
    }
    assert_eq!(world.tickets_left().await, 5);
    // Tickets may expire before the seats do.
    world.lock("c", &["A.2.1"]).await;
    let mut new = wish("c", &["A.2.1"], 1);
    new.hold = HOLD / 2;
    let created = world.stock.create(&new).await;
    assert!(matches!(created, Ok(Created::New(_))), "{created:?}");
    world.age(5 * MINUTE).await;
    assert_eq!(world.seat("c", "A.2.1").await.0, SeatState::Available);
    world.is_sound().await;
}

async fn tickets_are_counted_exactly(world: World) {
    world.book("a", &[], 3).await;
    let sold_out = Created::SoldOut(vec![ticket()]);
    let create = async |who, n| world.stock.create(&wish(who, &[], n)).await.unwrap();
    assert_eq!(create("b", 3).await, sold_out);
    world.sell("b", &[], 2).await;
    assert_eq!(create("c", 1).await, sold_out);
    world.age(10 * MINUTE).await;
    assert_eq!(
        world.tickets_left().await,
        3,
        "sold permanently, or free again"
    );
    assert_eq!(create("c", 4).await, sold_out);
    assert!(matches!(create("c", 3).await, Created::New(_)));
    world.is_sound().await;
}

async fn the_limit_counts_what_the_booking_adds(world: World) {
    world.lock("a", &["A.1.1", "A.1.2"]).await;
    let create = async |seats: &[&str], n| {
        world
            .stock
            .create(&wish("a", seats, n))
            .await
            .expect("an answer")
    };
    assert_eq!(create(&["A.1.1"], 3).await, Created::Limit);
    assert!(matches!(create(&["A.1.1"], 1).await, Created::New(_)));
    assert!(matches!(create(&["A.1.2"], 1).await, Created::New(_)));
    assert_eq!(create(&[], 1).await, Created::Limit);
    assert!(matches!(
        world.lock("b", &["A.2.1"]).await,
        Holding::Held { .. }
    ));
}

async fn the_same_key_makes_the_same_booking(world: World) {
    world.lock("a", &["A.1.1", "A.1.2"]).await;
    let keyed = |who, seats: &[&str], tickets| {
        let mut new = wish(who, seats, tickets);
        new.idempotency_key = Some("k".into());
        new
    };
    let create = async |new| world.other.create(&new).await.expect("an answer");
    let Created::New(first) = create(keyed("a", &["A.1.1"], 1)).await else {
        panic!("not made");
    };
    let replayed = create(keyed("a", &["A.1.1"], 1)).await;
    assert_eq!(replayed, Created::Replayed(first.clone()));
    for other in [
        keyed("a", &["A.1.1"], 2),
        keyed("a", &["A.1.1"], 0),
        keyed("a", &["A.1.1", "A.1.2"], 1),
    ] {
        assert_eq!(create(other).await, Created::KeyReused);
    }
    let mut elsewhere = keyed("a", &["A.1.1"], 1);
    elsewhere.visit.concert_id = ConcertId::parse("other").unwrap();
    assert_eq!(create(elsewhere).await, Created::KeyReused);
    assert!(matches!(create(keyed("b", &[], 1)).await, Created::New(_)));
    // In every state of the first booking.
    world
        .stock
        .cancel(&member("a"), first.booking_id)
        .await
        .unwrap();
    let Created::Replayed(now) = create(keyed("a", &["A.1.1"], 1)).await else {
        panic!("not replayed");
    };
    assert_eq!(now.state, BookingState::Cancelled);
    assert_eq!(world.tickets_left().await, 4);
}

async fn bookings_belong_to_their_member_newest_first(world: World) {
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(world.book("a", &[], 1).await.booking_id);
    }
    made.reverse();
    let stranger = world.book("b", &["A.1.1"], 1).await;
    let (who, stock) = (member("a"), &world.stock);
    let listed = async |after, limit| {
        let bookings = stock.bookings(&who, after, limit).await.expect("an answer");
        bookings
            .iter()
            .map(|one| one.booking_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 10).await, made);
    assert_eq!(listed(None, 2).await, made[..2]);
    assert_eq!(listed(Some(made[1]), 2).await, made[2..]);
    assert_eq!(
        stock.booking(&who, stranger.booking_id).await.unwrap(),
        None
    );
    let theirs = stock.bookings(&member("b"), None, 10).await.unwrap();
    assert_eq!(theirs, [stranger]);
}

async fn a_cancelled_booking_frees_everything_at_once(world: World) {
    for confirmed in [false, true] {
        let booking = match confirmed {
            true => world.sell("a", &["A.1.1", "A.1.2"], 2).await,
            false => world.book("a", &["A.1.1", "A.1.2"], 2).await,
        };
        let cancelled = world.other.cancel(&member("a"), booking.booking_id).await;
        let Ok(Cancelled::Done {
            booking,
            freed,
            tickets: true,
        }) = cancelled
        else {
            panic!("{cancelled:?}");
        };
        assert_eq!(booking.state, BookingState::Cancelled);
        assert!(booking.cancelled_at.is_some());
        assert_eq!(freed, [seat("A.1.1"), seat("A.1.2")]);
        assert_eq!(world.tickets_left().await, 5);
        assert!(matches!(
            world.lock("b", &["A.1.1"]).await,
            Holding::Held { .. }
        ));
        world
            .stock
            .release(&visit(&demo(), &member("b")), &ids(&["A.1.1"]))
            .await
            .unwrap();
        let again = world.stock.cancel(&member("a"), booking.booking_id).await;
        assert_eq!(again.unwrap(), Cancelled::Already(booking));
        world.is_sound().await;
        let due = world.due().await;
        let refunds = due
            .iter()
            .filter(|task| matches!(task.work, Work::Refund { .. }));
        assert_eq!(refunds.count(), usize::from(confirmed));
        assert_eq!(
            due.len() - usize::from(confirmed),
            1,
            "the session ends: {due:?}"
        );
    }
}

async fn a_stranger_can_cancel_nothing(world: World) {
    let pending = world.book("a", &["A.1.1"], 1).await.booking_id;
    let sold = world.sell("a", &["A.1.2"], 1).await.booking_id;
    for id in [pending, sold] {
        let cancelled = world.stock.cancel(&member("b"), id).await;
        assert_eq!(cancelled.unwrap(), Cancelled::Unknown);
    }
    assert_eq!(world.seat("a", "A.1.1").await, (SeatState::Held, true));
    assert_eq!(world.seat("a", "A.1.2").await, (SeatState::Sold, true));
    assert_eq!((world.tickets_left().await, world.refunds().await), (3, 0));
}

async fn an_expired_booking_cannot_be_cancelled(world: World) {
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    world.age(10 * MINUTE).await;
    world.lock("b", &["A.1.1"]).await;
    let cancelled = world.stock.cancel(&member("a"), id).await.unwrap();
    assert!(matches!(cancelled, Cancelled::Already(old) if old.state == BookingState::Expired));
    assert_eq!(world.seat("b", "A.1.1").await, (SeatState::Held, true));
    assert!(world.due().await.is_empty());
}

const SOON: std::time::Duration = std::time::Duration::from_secs(10);

async fn tickets_freed_by_expiry_are_announced_once(world: World) {
    let look = async |since| world.stock.tickets_freed(since).await.expect("an answer");
    let (start, none) = look(None).await;
    assert_eq!(none, []);
    world.book("a", &[], 2).await;
    world.sell("b", &[], 1).await;
    world.book("c", &["A.1.1"], 0).await;
    let (before, none) = look(Some(start)).await;
    assert_eq!(none, []);
    let end = "UPDATE bookings SET expires_at_ms = {now} + 1";
    let ended = world.database.execute(&end.into(), values![]).await;
    assert_eq!(ended.expect("an answer"), 3);
    let mut told = Vec::new();
    let mut last = before;
    eventually(SOON, "tickets are free", async || {
        let (now, concerts) = look(Some(last)).await;
        told.extend(concerts);
        last = now;
        !told.is_empty()
    })
    .await;
    assert_eq!(told, [demo()]);
    assert_eq!(look(Some(last)).await.1, []);
    // Sold bookings, and bookings without tickets, free no tickets.
    let sold = "UPDATE bookings SET expires_at_ms = {now} + 1 WHERE member_id <> 'a'";
    let ended = world.database.execute(&sold.into(), values![]).await;
    assert_eq!(ended.expect("an answer"), 2);
    let is_over = async || {
        let now = look(None).await.0;
        now.0 > last.0 + 100
    };
    eventually(SOON, "they have expired", is_over).await;
    assert_eq!(look(Some(last)).await.1, []);
}
