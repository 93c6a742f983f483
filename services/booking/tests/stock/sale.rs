//! Putting stock on sale, taking it off, and resetting a sale.

use std::collections::BTreeSet;

use sunbeon_booking::stock::{
    BookingState, Paid, Plan, PlannedSection, Put, Removed, SeatState, Section, TicketId,
};
use sunbeon_domain::Field;

use crate::{
    on_each,
    world::{MINUTE, World, demo, ids, member, plan, seat, ticket, visit},
};

on_each!(
    the_plan_is_on_sale,
    stock_that_members_hold_cannot_be_removed,
    stock_can_be_added_at_any_time,
    a_reset_undoes_everything,
    a_large_sale_is_reset_in_parts_by_any_caller,
    expired_bookings_do_not_block_the_removal_of_stock,
);

async fn the_plan_is_on_sale(world: World) {
    assert_eq!(world.stock.plan(&demo()).await.unwrap(), Some(plan(4, 5)));
    let (_, seats) = world.stock.seats(&demo()).await.unwrap();
    assert_eq!(seats.len(), 10);
    assert_eq!(
        (seats[6].seat_id.clone(), seats[6].price),
        (seat("A.2.2"), 1000)
    );
    let mut other = plan(2, 7);
    other.sections[0].rows = 12;
    assert_eq!(world.stock.put(&demo(), &other).await.unwrap(), Put::Done);
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(67));
    let (_, seats) = world.stock.seats(&demo()).await.unwrap();
    assert_eq!(seats[5].seat_id, seat("A.2.1"), "in the order of numbers");
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::Done);
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::NoStock);
    assert_eq!(world.stock.plan(&demo()).await.unwrap(), None);
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), None);
    assert_eq!(world.stock.reset(&demo()).await.unwrap(), None);
    // The largest plan allowed.
    let mut large = plan(100, 10_000_000);
    (large.sections[0].rows, large.sections[0].seats_per_row) = (100, 200);
    assert_eq!(world.stock.put(&demo(), &large).await.unwrap(), Put::Done);
    assert_eq!(
        world.stock.remaining(&demo()).await.unwrap(),
        Some(10_020_000)
    );
}

async fn stock_that_members_hold_cannot_be_removed(world: World) {
    let fewer = plan(4, 0);
    let stays = async |sections: &[&str], tickets: &[&str]| {
        let mut gone = fewer.clone();
        gone.sections[0].section = Section::parse("B").unwrap();
        let in_use = Put::InUse {
            sections: sections
                .iter()
                .map(|name| Section::parse(*name).unwrap())
                .collect(),
            tickets: tickets
                .iter()
                .map(|id| TicketId::parse(*id).unwrap())
                .collect(),
        };
        let put = world.stock.put(&demo(), &gone).await.unwrap();
        let same = world.stock.put(&demo(), &plan(4, 5)).await.unwrap();
        let removed = world.stock.remove(&demo()).await.unwrap();
        assert_eq!((put, same, removed), (in_use, Put::Done, Removed::InUse));
        assert_eq!(world.stock.plan(&demo()).await.unwrap(), Some(plan(4, 5)));
        assert_eq!(world.stock.seats(&demo()).await.unwrap().1.len(), 10);
    };
    world.lock("a", &["A.1.1"]).await;
    stays(&["A"], &[]).await;
    world.age(10 * MINUTE).await;
    let pending = world.book("a", &[], 1).await.booking_id;
    stays(&[], &["ga"]).await;
    world.charge("a", pending).await;
    stays(&[], &["ga"]).await;
    world.paid(pending, 1).await;
    world.age(60 * MINUTE).await;
    stays(&[], &["ga"]).await;
    world.stock.cancel(&member("a"), pending).await.unwrap();
    assert_eq!(world.stock.put(&demo(), &fewer).await.unwrap(), Put::Done);
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::Done);
    assert_eq!(world.state("a", pending).await, BookingState::Cancelled);
}

async fn stock_can_be_added_at_any_time(world: World) {
    let put = async |plan: &Plan| world.stock.put(&demo(), plan).await.unwrap();
    let held = world.book("a", &["A.1.1"], 3).await.booking_id;
    world.lock("b", &["A.2.5"]).await;
    let sold = world.sell("c", &["A.1.2"], 1).await.booking_id;
    let mut more = plan(2, 8);
    more.sections[0].rows = 3;
    more.sections.push(PlannedSection {
        section: Section::parse("B").unwrap(),
        ..more.sections[0].clone()
    });
    assert_eq!(put(&more).await, Put::Done);
    assert_eq!(world.stock.plan(&demo()).await.unwrap(), Some(more.clone()));
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(27 + 4));
    assert_eq!(world.seat("b", "A.2.5").await, (SeatState::Held, true));
    assert_eq!(world.seat("c", "A.1.2").await, (SeatState::Sold, true));
    world.is_sound().await;
    // Less, down to what members have.
    let mut least = plan(4, 4);
    least.tickets[0].price = 11;
    assert_eq!(put(&least).await, Put::Done);
    assert_eq!(world.tickets_left().await, 0);
    let in_use = |sections: &[&str], tickets: &[TicketId]| Put::InUse {
        sections: sections
            .iter()
            .map(|name| Section::parse(*name).unwrap())
            .collect(),
        tickets: tickets.to_vec(),
    };
    assert_eq!(put(&plan(4, 3)).await, in_use(&[], &[ticket()]));
    let mut narrower = least.clone();
    narrower.sections[0].seats_per_row = 4;
    assert_eq!(put(&narrower).await, in_use(&["A"], &[]));
    // A held seat keeps the price at which it was held; booked and sold seats have a fixed price.
    let mut dearer = least.clone();
    dearer.sections[0].price = 2_000;
    assert_eq!(put(&dearer).await, in_use(&["A"], &[]));
    world
        .stock
        .release(&visit(&demo(), &member("b")), &ids(&["A.2.5"]))
        .await
        .unwrap();
    assert_eq!(put(&dearer).await, Put::Done);
    let later = world.book("d", &["A.2.4"], 0).await;
    assert_eq!(later.amount, 2_000);
    world.charge("a", held).await;
    assert!(matches!(
        world.paid(held, 1).await,
        Paid::Confirmed { new: true, .. }
    ));
    for (who, id, amount) in [("a", held, 1_030), ("c", sold, 1_010)] {
        let booking = world.stock.booking(&member(who), id).await.unwrap();
        assert_eq!(booking.expect("a booking").amount, amount);
    }
    world.is_sound().await;
}

async fn a_reset_undoes_everything(world: World) {
    world.lock("a", &["A.1.1"]).await;
    let pending = world.book("b", &["A.1.2"], 1).await.booking_id;
    let paying = world.book("c", &["A.1.3"], 0).await.booking_id;
    world.charge("c", paying).await;
    let sold = world.sell("d", &["A.1.4"], 2).await.booking_id;
    let reset = world.other.reset(&demo()).await.unwrap().expect("a stock");
    assert_eq!((reset.cancelled, reset.more), (3, false));
    let all = ["A.1.1", "A.1.2", "A.1.3", "A.1.4"].map(seat);
    assert_eq!(reset.freed, all);
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(15));
    for (who, id) in [("b", pending), ("c", paying), ("d", sold)] {
        assert_eq!(world.state(who, id).await, BookingState::Cancelled);
    }
    assert_eq!(world.refunds().await, 1);
    world.is_sound().await;
    let again = world.stock.reset(&demo()).await.unwrap().expect("a stock");
    assert_eq!((again.cancelled, again.freed.len()), (0, 0));
    assert_eq!(world.refunds().await, 1);
    assert_eq!(
        world.seat("a", "A.1.1").await,
        (SeatState::Available, false)
    );
}

async fn a_large_sale_is_reset_in_parts_by_any_caller(world: World) {
    let put = world.stock.put(&demo(), &plan(4, 3_000)).await;
    assert_eq!(put.unwrap(), Put::Done);
    world.sell("a", &["A.1.1"], 2).await;
    world.lock("b", &["A.1.2"]).await;
    // One ticket each.
    world.add_bookings(1_500, 700).await;
    assert_eq!(world.tickets_left().await, 798);
    world.is_sound().await;
    let mut freed = BTreeSet::new();
    let mut left = 2_201;
    // Wherever the reset is interrupted, the next part continues it.
    for part in [&world.stock, &world.other] {
        let part = part.reset(&demo()).await.unwrap().expect("a stock");
        assert_eq!((part.cancelled, part.more), (1_000, true));
        freed.extend(part.freed);
        left -= 1_000;
        world.is_sound().await;
    }
    assert!(
        !freed.contains(&seat("A.1.2")),
        "the hold is released at the end"
    );
    // Bookings made meanwhile are cancelled, too.
    world.book("c", &["A.1.3"], 1).await;
    let last = world.stock.reset(&demo()).await.unwrap().expect("a stock");
    assert_eq!((last.cancelled, last.more), (left + 1, false));
    freed.extend(last.freed);
    assert_eq!(freed, ["A.1.1", "A.1.2", "A.1.3"].map(seat).into());
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(3_010));
    assert_eq!(world.refunds().await, 1_501);
    world.is_sound().await;
}

async fn expired_bookings_do_not_block_the_removal_of_stock(world: World) {
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    world.charge("a", id).await;
    world.age(10 * MINUTE).await;
    assert_eq!(
        world.stock.put(&demo(), &plan(4, 6)).await.unwrap(),
        Put::Done
    );
    assert!(matches!(
        world.paid(id, 1).await,
        Paid::Lost { freed, .. } if freed == [seat("A.1.1")]
    ));
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::Done);
    assert_eq!(world.refunds().await, 1);
    world.is_sound().await;
}

#[test]
fn every_bound_of_a_plan_is_checked() {
    let broken = |change: fn(&mut Plan)| {
        let mut plan = plan(4, 5);
        change(&mut plan);
        plan.check()
    };
    assert_eq!(broken(|_| {}), Ok(()));
    assert_eq!(broken(|plan| plan.sections.clear()), Ok(()));
    assert_eq!(broken(|plan| plan.tickets.clear()), Ok(()));
    let limits: [fn(&mut Plan); 2] = [
        |plan| plan.per_member_limit = 0,
        |plan| plan.per_member_limit = 101,
    ];
    let sections: [fn(&mut Plan); 8] = [
        |plan| plan.sections[0].rows = 0,
        |plan| plan.sections[0].rows = 201,
        |plan| plan.sections[0].seats_per_row = 0,
        |plan| plan.sections[0].seats_per_row = 201,
        |plan| plan.sections[0].price = 1_000_000_001,
        |plan| plan.sections.push(plan.sections[0].clone()),
        |plan| (plan.sections[0].rows, plan.sections[0].seats_per_row) = (101, 200),
        |plan| {
            plan.sections.clear();
            plan.tickets.clear();
        },
    ];
    let tickets: [fn(&mut Plan); 5] = [
        |plan| plan.tickets[0].name = String::new(),
        |plan| plan.tickets[0].name = "순".repeat(101),
        |plan| plan.tickets[0].price = 1_000_000_001,
        |plan| plan.tickets[0].quantity = 10_000_001,
        |plan| plan.tickets.push(plan.tickets[0].clone()),
    ];
    for (changes, field) in [
        (limits.as_slice(), Field::PerMemberLimit),
        (&sections, Field::Sections),
        (&tickets, Field::Tickets),
    ] {
        for change in changes {
            assert_eq!(broken(*change), Err(field));
        }
    }
}

#[tokio::test]
async fn a_plan_out_of_bounds_is_not_put_on_sale() {
    let world = World::in_memory().await;
    let put = world.stock.put(&demo(), &plan(0, 5)).await;
    assert_eq!(put.unwrap(), Put::Invalid(Field::PerMemberLimit));
}
