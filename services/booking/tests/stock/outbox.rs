//! External effects.

use std::time::Duration;

use secrecy::SecretString;
use sunbeon_booking::stock::{Begun, Kind, Session, Work};
use sunbeon_domain::EntryNumber;

use crate::{
    on_each,
    world::{MINUTE, World, demo, entry_of, member, visit, wish},
};

on_each!(
    a_confirmed_booking_ends_its_entrys_session,
    a_payment_in_a_later_session_ends_that_session,
    a_refund_refers_to_its_payment,
    two_replicas_never_work_on_the_same_task,
    a_task_is_retried_until_it_is_done,
    a_failing_refund_does_not_delay_the_end_of_sessions,
    a_completion_is_dropped_after_four_hours_and_a_refund_never,
);

async fn a_confirmed_booking_ends_its_entrys_session(world: World) {
    world.sell("a", &["A.1.1"], 0).await;
    let due = world.due().await;
    assert_eq!(due.len(), 1);
    let ends = Work::Complete(Session {
        concert_id: demo(),
        member_id: member("a"),
        entry_number: entry_of(&member("a")),
    });
    assert_eq!(due[0].work, ends);
    // Without a line there is no session.
    let mut new = wish("b", &[], 1);
    new.visit.entry_number = None;
    world.stock.create(&new).await.unwrap();
    let id = world.stock.bookings(&member("b"), None, 1).await.unwrap()[0].booking_id;
    let token = SecretString::from("hunter2");
    let begun = world.stock.begin_payment(&new.visit, id, &token, None);
    assert!(matches!(begun.await.unwrap(), Begun::Charge(_)));
    world.paid(id, 1).await;
    world.stock.cancel(&member("b"), id).await.unwrap();
    let due = world.due().await;
    assert!(matches!(
        due[..],
        [sunbeon_booking::stock::Task {
            work: Work::Refund { .. },
            ..
        }]
    ));
}

async fn a_payment_in_a_later_session_ends_that_session(world: World) {
    let id = world.book("a", &["A.1.1"], 0).await.booking_id;
    // Started in one session and repeated in the next.
    world.charge("a", id).await;
    let mut later = visit(&demo(), &member("a"));
    later.entry_number = Some(EntryNumber(1_763_640_000_999_999));
    let token = SecretString::from("hunter2");
    let begun = world.stock.begin_payment(&later, id, &token, None);
    assert!(matches!(begun.await.unwrap(), Begun::Charge(_)));
    world.paid(id, 1).await;
    let due = world.due().await;
    let ended = due.iter().map(|task| match &task.work {
        Work::Complete(session) => Some(session.entry_number),
        other => panic!("{other:?}"),
    });
    assert_eq!(ended.collect::<Vec<_>>(), [later.entry_number]);
}

async fn a_refund_refers_to_its_payment(world: World) {
    let id = world.sell("a", &["A.1.1"], 2).await.booking_id;
    world.stock.cancel(&member("a"), id).await.unwrap();
    let due = world.due().await;
    let refund = due
        .iter()
        .find(|task| matches!(task.work, Work::Refund { .. }));
    let refund = refund.expect("a refund");
    let work = Work::Refund {
        payment_id: format!("pay-{id}-1"),
        amount: 1020,
        key: format!("{id}-1"),
    };
    assert_eq!(refund.work, work);
    world.stock.task_done(&refund.id).await.unwrap();
    world.stock.task_done(&refund.id).await.unwrap();
    let states = world.rows::<(String,)>("SELECT state FROM payments").await;
    assert_eq!(states, [("REFUNDED".to_owned(),)]);
    world.age(MINUTE).await;
    assert!(!world.due().await.contains(refund));
}

async fn two_replicas_never_work_on_the_same_task(world: World) {
    for n in 0..10 {
        world
            .sell(
                &format!("m{n}"),
                &[&format!("A.{}.{}", n % 2 + 1, n / 2 + 1)],
                0,
            )
            .await;
    }
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let (first, second) = tokio::join!(
            world.stock.due_tasks(Kind::Complete, 2),
            world.other.due_tasks(Kind::Complete, 2)
        );
        one.extend(first.unwrap());
        two.extend(second.unwrap());
    }
    let rest = world.due().await;
    let mut ids: Vec<_> = one
        .iter()
        .chain(&two)
        .chain(&rest)
        .map(|task| &task.id)
        .collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!((all, ids.len()), (10, 10));
}

async fn a_task_is_retried_until_it_is_done(world: World) {
    world.sell("a", &["A.1.1"], 0).await;
    let first = world.due().await;
    assert!(world.due().await.is_empty());
    world.age(30_000).await;
    assert_eq!(
        world.due().await,
        first,
        "the caller that took it may have stopped"
    );
    world
        .stock
        .task_again(&first[0].id, Duration::from_secs(5))
        .await
        .unwrap();
    assert!(world.due().await.is_empty());
    world.age(5_000).await;
    assert_eq!(world.due().await, first);
    world.stock.task_done(&first[0].id).await.unwrap();
    world.age(60 * MINUTE).await;
    assert!(world.due().await.is_empty());
}

async fn a_completion_is_dropped_after_four_hours_and_a_refund_never(world: World) {
    let id = world.sell("a", &["A.1.1"], 0).await.booking_id;
    world.stock.cancel(&member("a"), id).await.unwrap();
    world.age(4 * 60 * MINUTE - 10_000).await;
    assert_eq!(world.due().await.len(), 2);
    world.age(MINUTE).await;
    for _ in 0..3 {
        let due = world.due().await;
        assert!(matches!(
            due[..],
            [sunbeon_booking::stock::Task {
                work: Work::Refund { .. },
                ..
            }]
        ));
        world.age(24 * 60 * MINUTE).await;
    }
}

async fn a_failing_refund_does_not_delay_the_end_of_sessions(world: World) {
    for who in ["a", "b"] {
        let id = world.sell(who, &[], 1).await.booking_id;
        world.stock.cancel(&member(who), id).await.unwrap();
    }
    world.age(1).await;
    world.sell("c", &[], 1).await;
    // Fewer than the refunds that are due earlier.
    let first = world.stock.due_tasks(Kind::Complete, 3).await.unwrap();
    let all = first
        .iter()
        .all(|task| matches!(task.work, Work::Complete { .. }));
    assert!(all && first.len() == 3, "{first:?}");
    let then = world.stock.due_tasks(Kind::Refund, 3).await.unwrap();
    let all = then
        .iter()
        .all(|task| matches!(task.work, Work::Refund { .. }));
    assert!(all && then.len() == 2, "{then:?}");
}
