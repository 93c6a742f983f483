//! A session's holds end with it and never outlast its token.

use secrecy::SecretString;
use sunbeon_booking::stock::{
    Begun, BookingId, BookingState, Created, Ended, Holding, Paid, Released, SeatState, Session,
    Visit,
};
use sunbeon_domain::{EntryNumber, UnixMs};

use crate::{
    on_each,
    world::{HOLD, MINUTE, World, demo, entry_of, ids, member, seat, ticket, visit, wish},
};

on_each!(
    a_hold_never_outlasts_the_token_that_pays_for_it,
    a_sessions_holds_end_with_it,
    nothing_can_be_done_in_an_ended_session,
    a_booking_under_payment_ends_with_its_payment,
    the_holds_of_a_later_session_are_its_own,
    a_booking_of_an_earlier_session_cannot_be_paid_in_the_next,
    without_a_session_a_hold_has_only_its_own_deadline,
    a_half_ended_session_is_ended_by_the_next_call,
    sessions_are_forgotten_once_their_tokens_have_expired,
);

/// Later than any other entry here.
const NEXT: u64 = 1_763_650_000_000_000;

fn session(who: &str) -> Session {
    Session {
        concert_id: demo(),
        member_id: member(who),
        entry_number: entry_of(&member(who)),
    }
}

/// Returns a visit in a session with another entry than usual.
fn in_session(who: &str, entry: u64) -> Visit {
    let mut visit = visit(&demo(), &member(who));
    visit.entry_number = Some(EntryNumber(entry));
    visit
}

async fn hold(world: &World, visit: &Visit, places: &[&str]) -> Holding {
    let held = world.stock.hold(visit, &ids(places), HOLD).await;
    held.expect("an answer")
}

async fn begin(world: &World, visit: &Visit, id: BookingId) -> Begun {
    let token = SecretString::from("hunter2");
    let begun = world.stock.begin_payment(visit, id, &token, None).await;
    begun.expect("an answer")
}

async fn a_hold_never_outlasts_the_token_that_pays_for_it(world: World) {
    let now = world.stock.now().await.unwrap();
    let mut short = visit(&demo(), &member("a"));
    short.until = Some(now + MINUTE);
    let Holding::Held { seats, .. } = hold(&world, &short, &["A.1.1"]).await else {
        panic!("not held");
    };
    assert_eq!(seats[0].held_until, now + MINUTE);
    let mut new = wish("a", &["A.1.1"], 1);
    new.visit = short.clone();
    let Created::New(booking) = world.stock.create(&new).await.unwrap() else {
        panic!("not booked");
    };
    assert_eq!(booking.expires_at, now + MINUTE);
    let mut tickets = wish("a", &[], 1);
    tickets.visit = short.clone();
    let Created::New(booking) = world.stock.create(&tickets).await.unwrap() else {
        panic!("not booked");
    };
    assert_eq!(booking.expires_at, now + MINUTE);
    // A token that lives longer than a hold does not extend it.
    let mut long = visit(&demo(), &member("b"));
    long.until = Some(now + 60 * MINUTE);
    let Holding::Held { seats, .. } = hold(&world, &long, &["A.1.2"]).await else {
        panic!("not held");
    };
    let end = seats[0].held_until;
    assert!(end < now + 11 * MINUTE, "{end}");
    // An expired token cannot hold anything.
    short.until = Some(UnixMs(now.0));
    assert_eq!(hold(&world, &short, &["A.1.3"]).await, Holding::SessionOver);
    tickets.visit = short;
    assert_eq!(
        world.stock.create(&tickets).await.unwrap(),
        Created::SessionOver
    );
}

async fn a_sessions_holds_end_with_it(world: World) {
    world.lock("a", &["A.1.2", "A.1.1"]).await;
    let booked = world.book("a", &["A.1.3"], 1).await.booking_id;
    let sold = world.sell("b", &["A.2.1"], 1).await.booking_id;
    world.lock("c", &["A.2.2"]).await;
    let live = world.stock.live_sessions().await.unwrap();
    assert_eq!(live.len(), 2, "{live:?}");
    assert!(live.contains(&session("a")) && live.contains(&session("c")));
    let ended = world.other.end_session(&session("a")).await.unwrap();
    let freed = Ended {
        seats: ["A.1.1", "A.1.2", "A.1.3"].map(seat).to_vec(),
        tickets: true,
    };
    assert_eq!(ended, freed);
    for place in ["A.1.1", "A.1.2", "A.1.3"] {
        assert_eq!(world.seat("a", place).await, (SeatState::Available, false));
    }
    assert_eq!(world.state("a", booked).await, BookingState::Expired);
    assert_eq!(world.tickets_left().await, 4);
    // Nothing of other members ends.
    assert_eq!(world.state("b", sold).await, BookingState::Confirmed);
    assert_eq!(world.seat("b", "A.2.1").await, (SeatState::Sold, true));
    assert_eq!(world.seat("c", "A.2.2").await, (SeatState::Held, true));
    let again = world.stock.end_session(&session("a")).await.unwrap();
    assert_eq!(again, Ended::default());
    assert_eq!(world.stock.live_sessions().await.unwrap(), [session("c")]);
    world.is_sound().await;
}

async fn nothing_can_be_done_in_an_ended_session(world: World) {
    let booked = world.book("a", &["A.1.1"], 0).await.booking_id;
    world.stock.end_session(&session("a")).await.unwrap();
    let over = visit(&demo(), &member("a"));
    assert_eq!(hold(&world, &over, &["A.1.2"]).await, Holding::SessionOver);
    let created = world.stock.create(&wish("a", &[], 1)).await.unwrap();
    assert_eq!(created, Created::SessionOver);
    assert!(matches!(begin(&world, &over, booked).await, Begun::Expired));
    let released = world.stock.release(&over, &ids(&["A.1.1"])).await.unwrap();
    assert_eq!(released, Released::NotHeld(vec![seat("A.1.1")]));
    // The next session of the same member is a different one.
    let next = in_session("a", NEXT);
    assert!(matches!(
        hold(&world, &next, &["A.1.1"]).await,
        Holding::Held { .. }
    ));
    // A session that had nothing to free has ended all the same.
    let other = Session {
        entry_number: EntryNumber(8),
        ..session("b")
    };
    world.stock.end_session(&other).await.unwrap();
    let late = in_session("b", 8);
    assert_eq!(hold(&world, &late, &["A.1.2"]).await, Holding::SessionOver);
}

async fn a_booking_under_payment_ends_with_its_payment(world: World) {
    let (paid, declined) = (
        world.book("a", &["A.1.1"], 1).await.booking_id,
        world.book("b", &["A.1.2"], 1).await.booking_id,
    );
    for (who, id) in [("a", paid), ("b", declined)] {
        world.charge(who, id).await;
        let ended = world.stock.end_session(&session(who)).await.unwrap();
        assert_eq!(ended, Ended::default());
        assert_eq!(world.state(who, id).await, BookingState::Paying);
    }
    assert!(world.stock.live_sessions().await.unwrap().is_empty());
    assert!(matches!(
        world.paid(paid, 1).await,
        Paid::Confirmed { new: true, .. }
    ));
    world.stock.declined(declined, 1).await.unwrap();
    assert_eq!(world.stock.live_sessions().await.unwrap(), [session("b")]);
    let ended = world.stock.end_session(&session("b")).await.unwrap();
    assert_eq!(ended.seats, [seat("A.1.2")]);
    assert_eq!(world.state("b", declined).await, BookingState::Expired);
    world.is_sound().await;
}

async fn the_holds_of_a_later_session_are_its_own(world: World) {
    world.lock("a", &["A.1.1", "A.1.2"]).await;
    let next = in_session("a", NEXT);
    let Holding::Held { new, .. } = hold(&world, &next, &["A.1.1", "A.1.3"]).await else {
        panic!("not held");
    };
    assert_eq!(new, [seat("A.1.3")], "the member already had the other");
    let ended = world.stock.end_session(&session("a")).await.unwrap();
    assert_eq!(ended.seats, [seat("A.1.2")]);
    for place in ["A.1.1", "A.1.3"] {
        assert_eq!(world.seat("a", place).await, (SeatState::Held, true));
    }
    // The later session can neither book nor release the holds of the earlier one.
    world.lock("b", &["A.2.1"]).await;
    let next = in_session("b", NEXT);
    let mut new = wish("b", &["A.2.1"], 0);
    new.visit = next.clone();
    let not_held = vec![seat("A.2.1")];
    let created = world.stock.create(&new).await.unwrap();
    assert_eq!(created, Created::NotHeld(not_held.clone()));
    let released = world.stock.release(&next, &ids(&["A.2.1"])).await.unwrap();
    assert_eq!(released, Released::NotHeld(not_held));
}

async fn a_booking_of_an_earlier_session_cannot_be_paid_in_the_next(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    let next = in_session("a", NEXT);
    assert!(matches!(begin(&world, &next, id).await, Begun::Expired));
    assert_eq!(
        world.state("a", id).await,
        BookingState::Pending,
        "nothing has changed"
    );
    // A gate that fails open knows no session, so there is nothing to distinguish them by.
    let mut unknown = next;
    unknown.entry_number = None;
    assert!(matches!(
        begin(&world, &unknown, id).await,
        Begun::Charge(_)
    ));
}

async fn without_a_session_a_hold_has_only_its_own_deadline(world: World) {
    let mut open = visit(&demo(), &member("a"));
    open.entry_number = None;
    hold(&world, &open, &["A.1.1"]).await;
    let mut new = wish("a", &["A.1.1"], 1);
    new.visit = open;
    let Created::New(booking) = world.stock.create(&new).await.unwrap() else {
        panic!("not booked");
    };
    assert!(world.stock.live_sessions().await.unwrap().is_empty());
    world.stock.end_session(&session("a")).await.unwrap();
    assert_eq!(
        world.state("a", booking.booking_id).await,
        BookingState::Pending
    );
    assert_eq!(booking.tickets[0].ticket_id, ticket());
}

/// As if the process had been killed between the holds and the bookings.
async fn a_half_ended_session_is_ended_by_the_next_call(world: World) {
    const OVER: &str = "INSERT INTO ended_sessions (concert_id, entry_number, ended_ms) \
        SELECT 'demo', entry_number, {now} FROM bookings";
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    let values = sunbeon_database::values![];
    world.database.execute(&OVER.into(), values).await.unwrap();
    assert_eq!(world.stock.live_sessions().await.unwrap(), [session("a")]);
    let ended = world.other.end_session(&session("a")).await.unwrap();
    assert_eq!((ended.seats.len(), ended.tickets), (1, true));
    assert_eq!(world.state("a", id).await, BookingState::Expired);
}

async fn sessions_are_forgotten_once_their_tokens_have_expired(world: World) {
    world.stock.end_session(&session("a")).await.unwrap();
    let over = visit(&demo(), &member("a"));
    world.age(4 * 60 * MINUTE - 10_000).await;
    world.stock.forget_sessions().await.unwrap();
    assert_eq!(hold(&world, &over, &["A.1.1"]).await, Holding::SessionOver);
    world.age(MINUTE).await;
    world.stock.forget_sessions().await.unwrap();
    assert!(matches!(
        hold(&world, &over, &["A.1.1"]).await,
        Holding::Held { .. }
    ));
}
