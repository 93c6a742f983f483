//! Putting on sale, taking off, starting over.

use std::collections::BTreeSet;

use sunbeon_booking::stock::{BookingState, Plan, Put, Removed, SeatState};
use sunbeon_domain::Field;

use crate::{
    on_each,
    world::{MINUTE, World, demo, member, plan, seat},
};

on_each!(
    a_plan_is_what_is_on_sale,
    a_stock_in_use_is_neither_replaced_nor_removed,
    a_reset_undoes_everything,
    a_large_sale_is_reset_in_parts_by_whoever_goes_on,
    what_has_expired_does_not_keep_a_stock,
);

async fn a_plan_is_what_is_on_sale(world: World) {
    assert_eq!(world.stock.plan(&demo()).await.unwrap(), Some(plan(4, 5)));
    let seats = world.stock.seats(&demo(), &member("a")).await.unwrap();
    assert_eq!(seats.len(), 10);
    assert_eq!(
        (seats[6].seat_id.clone(), seats[6].price),
        (seat("A.2.2"), 1000)
    );
    let mut other = plan(2, 7);
    other.sections[0].rows = 12;
    assert_eq!(world.stock.put(&demo(), &other).await.unwrap(), Put::Done);
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(67));
    let seats = world.stock.seats(&demo(), &member("a")).await.unwrap();
    assert_eq!(seats[5].seat_id, seat("A.2.1"), "in the order of numbers");
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::Done);
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::NoStock);
    assert_eq!(world.stock.plan(&demo()).await.unwrap(), None);
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), None);
    assert_eq!(world.stock.reset(&demo()).await.unwrap(), None);
    // The largest there may be.
    let mut large = plan(100, 10_000_000);
    (large.sections[0].rows, large.sections[0].seats_per_row) = (100, 200);
    assert_eq!(world.stock.put(&demo(), &large).await.unwrap(), Put::Done);
    assert_eq!(
        world.stock.remaining(&demo()).await.unwrap(),
        Some(10_020_000)
    );
}

async fn a_stock_in_use_is_neither_replaced_nor_removed(world: World) {
    let stays = async || {
        let put = world.stock.put(&demo(), &plan(4, 6)).await.unwrap();
        let same = world.stock.put(&demo(), &plan(4, 5)).await.unwrap();
        let removed = world.stock.remove(&demo()).await.unwrap();
        assert_eq!(
            (put, same, removed),
            (Put::InUse, Put::Done, Removed::InUse)
        );
        assert_eq!(world.stock.plan(&demo()).await.unwrap(), Some(plan(4, 5)));
    };
    world.lock("a", &["A.1.1"]).await;
    stays().await;
    world.age(10 * MINUTE).await;
    let pending = world.book("a", &[], 1).await.booking_id;
    stays().await;
    world.charge("a", pending).await;
    stays().await;
    world.paid(pending, 1).await;
    world.age(60 * MINUTE).await;
    stays().await;
    world.stock.cancel(&member("a"), pending).await.unwrap();
    assert_eq!(
        world.stock.put(&demo(), &plan(4, 6)).await.unwrap(),
        Put::Done
    );
    assert_eq!(world.stock.remove(&demo()).await.unwrap(), Removed::Done);
    assert_eq!(world.state("a", pending).await, BookingState::Cancelled);
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

async fn a_large_sale_is_reset_in_parts_by_whoever_goes_on(world: World) {
    let put = world.stock.put(&demo(), &plan(4, 3_000)).await;
    assert_eq!(put.unwrap(), Put::Done);
    world.sell("a", &["A.1.1"], 2).await;
    world.lock("b", &["A.1.2"]).await;
    // Each of one ticket.
    world.add_bookings(1_500, 700).await;
    assert_eq!(world.tickets_left().await, 798);
    world.is_sound().await;
    let mut freed = BTreeSet::new();
    let mut left = 2_201;
    // Whatever ends it between two parts, all is well then.
    for part in [&world.stock, &world.other] {
        let part = part.reset(&demo()).await.unwrap().expect("a stock");
        assert_eq!((part.cancelled, part.more), (1_000, true));
        freed.extend(part.freed);
        left -= 1_000;
        world.is_sound().await;
    }
    assert!(
        !freed.contains(&seat("A.1.2")),
        "a hold is freed at the end"
    );
    // What is made meanwhile is undone as well.
    world.book("c", &["A.1.3"], 1).await;
    let last = world.stock.reset(&demo()).await.unwrap().expect("a stock");
    assert_eq!((last.cancelled, last.more), (left + 1, false));
    freed.extend(last.freed);
    assert_eq!(freed, ["A.1.1", "A.1.2", "A.1.3"].map(seat).into());
    assert_eq!(world.stock.remaining(&demo()).await.unwrap(), Some(3_010));
    assert_eq!(world.refunds().await, 1_501);
    world.is_sound().await;
}

async fn what_has_expired_does_not_keep_a_stock(world: World) {
    let id = world.book("a", &["A.1.1"], 1).await.booking_id;
    world.charge("a", id).await;
    world.age(10 * MINUTE).await;
    assert_eq!(
        world.stock.put(&demo(), &plan(4, 6)).await.unwrap(),
        Put::Done
    );
    assert!(matches!(
        world.paid(id, 1).await,
        sunbeon_booking::stock::Paid::Lost { freed, .. } if freed.is_empty()
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
