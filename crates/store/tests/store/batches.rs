//! Several members in one call: in order of arrival, in one step, each with an answer of their own.

use crate::world::{World, id, member};
use serde_json::json;
use sunbeon_domain::EntryState;
use sunbeon_store::{Asker, Entering, StandingFacts};

behaviours!(
    a_batch_lines_up_in_order_of_arrival,
    a_member_twice_in_a_batch_has_one_entry_and_two_answers,
    a_batch_fills_the_free_slots_exactly_and_the_rest_lines_up,
    a_batch_fills_the_line_exactly,
    a_batch_goes_up_to_the_longest_line_that_is_not_too_long_a_wait,
    a_batch_of_every_state_is_answered_one_by_one,
    nobody_passes_a_member_who_comes_back_in_the_same_batch,
    statuses_in_a_batch_are_as_they_are_one_by_one,
);

fn found(entering: &Entering) -> &StandingFacts {
    match entering {
        Entering::New(found) | Entering::Already(found) => found,
        other => panic!("{other:?}"),
    }
}

/// Queue number and live entries ahead.
fn place(entering: &Entering) -> (u64, u64) {
    match found(entering).state {
        EntryState::Waiting {
            queue_number,
            live_ahead,
            ..
        } => (queue_number, live_ahead),
        other => panic!("{other:?}"),
    }
}

async fn a_batch_lines_up_in_order_of_arrival(world: World) {
    world.put(1, json!({})).await;
    let entered = world.enter_all(&["z", "a", "m"]).await;
    let places: Vec<_> = entered.iter().map(place).collect();
    assert_eq!(places, [(1, 0), (2, 1), (3, 2)]);
    let more = world.enter_all(&["b", "c"]).await;
    assert_eq!(more.iter().map(place).collect::<Vec<_>>(), [(4, 3), (5, 4)]);
    assert_eq!(world.let_in(5).await, ["z", "a", "m", "b", "c"]);
    assert_eq!(world.snapshot().await.totals.joined, 5);
}

async fn a_member_twice_in_a_batch_has_one_entry_and_two_answers(world: World) {
    world.put(1, json!({})).await;
    let entered = world.enter_all(&["a", "b", "a", "a"]).await;
    assert!(matches!(entered[0], Entering::New(_)));
    for again in &entered[2..] {
        assert!(matches!(again, Entering::Already(_)), "{again:?}");
        assert_eq!(found(again).state, found(&entered[0]).state);
    }
    assert_eq!(place(&entered[1]), (2, 1));
    assert_eq!(world.snapshot().await.totals.joined, 2);

    let straight = json!({"mode": "threshold", "maxActive": 4, "identity": "member"});
    world.store.clear(&id()).await.unwrap();
    world.put(2, straight).await;
    let entered = world.enter_all(&["c", "c", "guest:1", "guest:1"]).await;
    assert!(matches!(found(&entered[1]).state, EntryState::Ready { .. }));
    assert!(matches!(entered[1], Entering::Already(_)));
    assert_eq!(entered[2..], [Entering::MembersOnly, Entering::MembersOnly]);
    assert_eq!(world.snapshot().await.counts.slots, 1);
}

async fn a_batch_fills_the_free_slots_exactly_and_the_rest_lines_up(world: World) {
    let fields = json!({"mode": "threshold", "maxActive": 5});
    world.put(1, fields).await;
    let left = world.join("left").await;
    world.claimed("left").await;
    assert_eq!(world.exits("left").await, left);
    world.join("stays").await;
    // Three are free, and the slot of who left is free for them alone.
    let names = ["a", "left", "b", "c", "d", "e"];
    let entered = world.enter_all(&names).await;
    let ready = |entering| matches!(found(entering).state, EntryState::Ready { .. });
    assert_eq!(
        entered.iter().map(ready).collect::<Vec<_>>(),
        [true, true, true, true, false, false]
    );
    assert_eq!(place(&entered[5]), (2, 1));
    let counts = world.snapshot().await.counts;
    assert_eq!((counts.ready, counts.slots, counts.waiting), (5, 5, 2));
}

async fn a_batch_fills_the_line_exactly(world: World) {
    world.put(1, json!({"maxQueueSize": 3})).await;
    world.join("a").await;
    let entered = world.enter_all(&["b", "a", "c", "d", "b", "d"]).await;
    assert_eq!(place(&entered[2]), (3, 2));
    assert_eq!(entered[3], Entering::Full);
    assert!(matches!(entered[4], Entering::Already(_)));
    assert_eq!(entered[5], Entering::Full);
}

async fn a_batch_goes_up_to_the_longest_line_that_is_not_too_long_a_wait(world: World) {
    let fields = json!({"groupSize": 2, "entryIntervalSeconds": 30, "maxWaitTimeMinutes": 1,
        "refuseLongWait": true});
    world.put(1, fields).await;
    world.join("a").await;
    let entered = world.enter_all(&["b", "c", "d", "e", "f"]).await;
    assert_eq!(place(&entered[2]), (4, 3));
    assert_eq!(entered[3..], [Entering::Full, Entering::Full]);
}

async fn a_batch_of_every_state_is_answered_one_by_one(world: World) {
    world.put(1, json!({"readyTtlSeconds": 3600})).await;
    for name in ["entered", "ready", "admitting", "away", "waiting"] {
        world.join(name).await;
    }
    let taken = world.open(3).await;
    world.call(&taken.entries[..2]).await;
    let entered = world.claimed("entered").await.number;
    for _ in 0..2 {
        world.pass(200.0).await;
        let waiting = world.store.status(&id(), &member("waiting"), true).await;
        waiting.unwrap();
    }
    assert_eq!(world.state("away").await, "away");
    let names = ["entered", "ready", "admitting", "away", "waiting", "new"];
    let answers = world.enter_all(&names).await;
    let state = |which: usize| found(&answers[which]).state;
    assert!(matches!(state(0), EntryState::Entered { number, .. } if number == entered));
    assert!(matches!(state(1), EntryState::Ready { .. }));
    assert!(matches!(state(2), EntryState::Admitting { .. }));
    assert_eq!(
        [3, 4, 5].map(|i| place(&answers[i])),
        [(1, 0), (2, 1), (3, 2)]
    );
    assert!(matches!(answers[4], Entering::Already(_)));
    assert!(matches!(answers[5], Entering::New(_)));
}

async fn nobody_passes_a_member_who_comes_back_in_the_same_batch(world: World) {
    let fields = json!({"mode": "threshold", "maxActive": 1, "waitingTtlSeconds": 30});
    world.put(1, fields).await;
    world.join("inside").await;
    world.join("away").await;
    world.claimed("inside").await;
    world.pass(60.0).await;
    assert_eq!(world.state("away").await, "away");
    world.exits("inside").await;
    world.pass(10.0).await;
    let answers = world.enter_all(&["away", "new"]).await;
    assert_eq!(place(&answers[0]), (1, 0));
    assert_eq!(place(&answers[1]), (2, 1), "one is waiting");
}

async fn statuses_in_a_batch_are_as_they_are_one_by_one(world: World) {
    world.put(1, json!({})).await;
    let names = ["a", "b", "c", "d"];
    world.enter_all(&names).await;
    world.let_in(1).await;
    let asked = ["a", "b", "nobody", "d", "b"];
    let askers = asked.map(|name| Asker {
        member: member(name),
        sign_of_life: true,
    });
    let all = world.store.status_all(&id(), &askers).await.unwrap();
    for (asker, answer) in askers.iter().zip(all) {
        let alone = world.store.status(&id(), &asker.member, true).await;
        assert_eq!(answer.unwrap(), alone.unwrap());
    }
}
