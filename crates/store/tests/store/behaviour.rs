//! The rules of the line, cell by cell, on both stores.

use crate::world::{World, at, id, member, names, number};
use serde_json::json;
use sunbeon_domain::{
    EntryNumber, EntryState, EstimateReason, Phase, Standing, StockReport, UnixMs,
};
use sunbeon_store::{
    Admission, Beat, Claim, Entering, FeedPage, FeedPlace, Held, Leaving, LimitedBy, Opening, Role,
    StoreError, TokenFacts,
};

behaviours!(
    an_unknown_concert_is_said_to_be_unknown,
    an_older_policy_never_overwrites_a_newer_one,
    a_dropped_concert_does_not_come_back_by_an_older_version,
    entering_in_every_state,
    admitting_in_every_state,
    calling_in_every_state,
    claiming_in_every_state,
    leaving_in_every_state,
    completing_in_every_state,
    extending_in_every_state,
    time_in_every_state,
    clearing_in_every_state,
    before_the_start_one_lines_up_and_only_open_admits,
    before_the_line_opens_nobody_enters,
    while_paused_one_lines_up_and_only_open_admits,
    a_close_empties_the_line_and_lets_sessions_run,
    the_end_empties_the_line_by_itself,
    numbers_are_strictly_increasing_even_when_the_clock_stands_or_goes_back,
    the_line_is_in_order_of_arrival_whatever_the_names,
    the_queue_number_never_rises,
    an_away_member_is_skipped_counted_and_back_at_the_same_place,
    a_low_pace_on_a_free_line_refuses_nobody,
    a_clock_that_goes_back_brings_no_take_forward,
    a_put_says_which_version_is_in_force,
    a_stale_call_admits_nobody,
    a_late_duplicate_call_admits_nobody_twice,
    a_call_for_one_still_in_line_does_nothing,
    what_is_not_called_is_due_again_ever_more_seldom,
    slots_are_held_from_the_take_until_the_gates_know,
    the_schedule_takes_a_group_each_interval_and_makes_up_for_none,
    a_take_of_nobody_starts_no_interval,
    the_schedule_holds_back_while_messages_are_on_their_way,
    a_long_take_goes_on_where_the_bound_on_work_cut_it,
    an_opening_moves_a_thousand_unseen_aside_and_says_more,
    without_auto_open_only_open_admits,
    the_threshold_lets_exactly_max_active_straight_in,
    newcomers_do_not_pass_those_in_line,
    mode_off_lets_everyone_in_and_admits_those_left_in_line,
    the_line_can_be_full,
    a_long_wait_can_be_refused,
    the_estimate_that_is_told_decides_whether_a_wait_is_refused,
    with_all_slots_taken_the_estimate_waits_for_sessions_to_end,
    slots_are_told_to_free_when_they_do,
    between_two_takes_the_estimate_counts_from_the_next,
    only_the_seen_ahead_count_in_an_estimate,
    an_estimate_says_why_it_is_longer_than_the_pace,
    the_same_idempotency_key_opens_one_batch,
    a_key_of_a_dropped_concert_opens_anew,
    what_limits_an_opening_is_said,
    what_holds_the_schedule_is_said,
    a_session_ends_by_the_clock_swept_or_not,
    a_token_is_the_same_until_its_session_ends,
    a_session_is_extended_to_the_end_of_a_hold,
    a_session_is_extended_as_often_as_holds_need_and_never_past_session_and_hold,
    an_extension_never_brings_an_end_forward,
    an_extended_session_ends_by_its_new_end_and_holds_its_slot_until_then,
    a_session_that_ends_early_is_told_until_an_hour_after_no_extension_of_it_can_live,
    the_longest_session_that_a_concert_ever_had_says_how_long_one_is_told,
    a_session_whose_claim_was_lost_is_completed_with_its_token,
    a_called_member_who_is_removed_has_no_token_either,
    refused_guests_are_counted,
    sessions_are_extended_while_paused_and_after_the_close,
    what_ended_early_is_told_in_order_and_only_that,
    the_feed_is_read_page_by_page_and_none_is_missed,
    whoever_names_a_place_that_is_not_in_the_feed_reads_from_the_beginning,
    the_feed_goes_on_behind_its_last_whatever_the_clock_does,
    what_is_forgotten_leaves_the_rest_as_it_was,
    a_dropped_concerts_feed_is_told_and_goes_on_in_one_made_again,
    a_guest_enters_where_guests_may_and_nowhere_else,
    a_guest_who_has_a_place_keeps_it_whoever_may_enter_now,
    members_are_listed_from_the_front_page_by_page,
    the_pace_is_that_of_the_last_minutes,
    a_name_of_any_kind_survives,
);

async fn an_unknown_concert_is_said_to_be_unknown(world: World) {
    let (store, who) = (&world.store, member("a"));
    let unknown = |error| matches!(error, StoreError::UnknownConcert);
    assert!(unknown(store.enter(&id(), &who, "").await.unwrap_err()));
    assert!(unknown(store.status(&id(), &who, true).await.unwrap_err()));
    assert!(unknown(
        store
            .leave(&id(), &who, Leaving::ByChoice)
            .await
            .unwrap_err()
    ));
    assert!(unknown(store.claim(&id(), &who, "kid").await.unwrap_err()));
    assert!(unknown(
        store
            .complete(&id(), &who, EntryNumber(1))
            .await
            .unwrap_err()
    ));
    let opening = Opening {
        batch_size: 1,
        taken: 0,
        key: None,
    };
    assert!(unknown(store.admit(&id(), opening).await.unwrap_err()));
    assert!(unknown(
        store
            .ready(&id(), &[(who, EntryNumber(1))])
            .await
            .unwrap_err()
    ));
    assert!(unknown(store.tick(&id(), true).await.unwrap_err()));
    let beat = Beat {
        role: Role::Token,
        heard: true,
    };
    assert!(unknown(store.beat(&id(), beat).await.unwrap_err()));
    assert!(unknown(store.recent(&id(), None).await.unwrap_err()));
    assert!(unknown(store.recent(&id(), Some(beat)).await.unwrap_err()));
    assert!(unknown(store.members(&id(), None, 10).await.unwrap_err()));
    assert!(unknown(store.clear(&id()).await.unwrap_err()));
    let extended = store.extend(&id(), &member("a"), EntryNumber(1)).await;
    assert!(unknown(extended.unwrap_err()));
    let nothing = store.revoked(&id(), None).await.unwrap();
    assert!(nothing.revoked.is_empty() && nothing.oldest.is_none());
    assert!(store.concerts().await.unwrap().is_empty());
    assert!(store.is_up().await);
}

async fn an_older_policy_never_overwrites_a_newer_one(world: World) {
    world.put(2, json!({"groupSize": 2})).await;
    world.put(1, json!({"groupSize": 1})).await;
    world.put(2, json!({"groupSize": 3})).await;
    assert_eq!(world.snapshot().await.concert.policy.group_size, 2);
    world.put(3, json!({"groupSize": 4, "maxActive": 7})).await;
    world.put(4, json!({"groupSize": 4})).await;
    assert_eq!(world.snapshot().await.concert.policy.max_active, None);
    assert_eq!(world.store.concerts().await.unwrap(), [id()]);
}

async fn a_dropped_concert_does_not_come_back_by_an_older_version(world: World) {
    world.put(1, json!({})).await;
    world.join("a").await;
    assert!(
        !world.store.drop_concert(&id(), 2).await.unwrap(),
        "somebody is in line"
    );
    world.store.clear(&id()).await.unwrap();
    assert!(world.store.drop_concert(&id(), 2).await.unwrap());
    assert!(world.store.concerts().await.unwrap().is_empty());
    world.put(1, json!({})).await;
    let error = world.store.snapshot(&id()).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownConcert));
    world.put(3, json!({})).await;
    assert_eq!(world.snapshot().await.totals.joined, 0);
}

/// One member in each state, under its name.
async fn one_in_each_state(world: &World) {
    world
        .put(1, json!({"waitingTtlSeconds": 100, "sessionMinutes": 10}))
        .await;
    world.join("entered").await;
    world.join("ready").await;
    world.let_in(2).await;
    world.claimed("entered").await;
    world.join("admitting").await;
    world.open(1).await;
    world.join("away").await;
    world.pass(101.0).await;
    world.sweep().await;
    world.join("waiting").await;
    for state in ["none", "waiting", "away", "admitting", "ready", "entered"] {
        assert_eq!(world.state(state).await, state);
    }
    world.snapshot().await;
}

const STATES: [&str; 6] = ["none", "waiting", "away", "admitting", "ready", "entered"];

async fn entering_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let before = number(world.place(state).await);
        match (state, world.enter(state).await) {
            ("none", Entering::New(found)) => assert!(number(found.state).is_some()),
            (_, Entering::Already(found)) => {
                assert_eq!(number(found.state), before, "{state}");
                let expected = if state == "away" { "waiting" } else { state };
                assert_eq!(world.state(state).await, expected);
            }
            (state, other) => panic!("{state}: {other:?}"),
        }
    }
    assert_eq!(world.snapshot().await.totals.joined, 6);
}

async fn admitting_in_every_state(world: World) {
    one_in_each_state(&world).await;
    assert_eq!(names(&world.open(10).await), ["waiting"]);
    for state in STATES {
        let expected = if state == "waiting" {
            "admitting"
        } else {
            state
        };
        assert_eq!(world.state(state).await, expected);
    }
    world.snapshot().await;
}

async fn calling_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let number = number(world.place(state).await).unwrap_or(EntryNumber(1));
        let entries = [
            (member(state), EntryNumber(number.0 + 1)),
            (member(state), number),
        ];
        let called = world.store.ready(&id(), &entries).await.unwrap();
        assert_eq!(called, [false, state == "admitting"], "{state}");
        let expected = if state == "admitting" { "ready" } else { state };
        assert_eq!(world.state(state).await, expected);
    }
    world.snapshot().await;
}

async fn claiming_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let before = number(world.place(state).await);
        match (state, world.claim(state).await) {
            ("ready" | "entered", Claim::Entered(entered)) => {
                assert_eq!(Some(entered.1.number), before);
                assert_eq!(world.state(state).await, "entered");
            }
            (_, Claim::NotReady) => assert_eq!(world.state(state).await, state),
            (state, other) => panic!("{state}: {other:?}"),
        }
    }
    world.snapshot().await;
}

async fn leaving_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let before = number(world.place(state).await);
        assert_eq!(world.exit(state).await, before, "{state}");
        assert_eq!(world.exit(state).await, None, "again: {state}");
        assert_eq!(world.state(state).await, "none");
    }
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.totals.left, snapshot.totals.exited), (3, 2));
    assert_eq!(
        snapshot.counts.slots, 1,
        "the revoked token's slot, for 7 s"
    );
    world.join("waiting").await;
    world
        .store
        .leave(&id(), &member("waiting"), Leaving::Removed)
        .await
        .unwrap();
    assert_eq!(world.snapshot().await.totals.removed, 1);
}

async fn completing_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let number = number(world.place(state).await).unwrap_or(EntryNumber(1));
        assert!(
            !world.complete(state, EntryNumber(number.0 + 1)).await,
            "{state}"
        );
        // The claim of one that is READY may have been lost by a failover.
        let ends = ["ready", "entered"].contains(&state);
        assert_eq!(world.complete(state, number).await, ends, "{state}");
        let expected = if ends { "none" } else { state };
        assert_eq!(world.state(state).await, expected);
    }
    assert!(!world.complete("entered", EntryNumber(1)).await);
    assert_eq!(world.snapshot().await.totals.completed, 2);
}

async fn extending_in_every_state(world: World) {
    one_in_each_state(&world).await;
    for state in STATES {
        let number = number(world.place(state).await).unwrap_or(EntryNumber(1));
        let other = EntryNumber(number.0 + 1);
        assert_eq!(world.extend(state, other).await, None, "{state}");
        let extended = world.extend(state, number).await;
        assert_eq!(extended.is_some(), state == "entered", "{state}");
        assert_eq!(world.state(state).await, state);
    }
    world.snapshot().await;
}

async fn time_in_every_state(world: World) {
    one_in_each_state(&world).await;
    world.pass(100.0).await;
    assert_eq!(world.state("waiting").await, "away");
    assert_eq!(world.state("away").await, "away");
    world.pass(300.0).await;
    assert_eq!(world.state("ready").await, "none");
    assert_eq!(world.state("admitting").await, "admitting");
    assert_eq!(world.state("entered").await, "entered");
    world.pass(200.0).await;
    assert_eq!(world.state("entered").await, "none");
    world.pass(1800.0).await;
    assert_eq!(world.state("waiting").await, "none");
    assert_eq!(world.state("away").await, "none");
    let totals = world.snapshot().await.totals;
    assert_eq!((totals.lapsed, totals.unclaimed, totals.expired), (2, 1, 1));
}

async fn clearing_in_every_state(world: World) {
    one_in_each_state(&world).await;
    let last = number(world.place("waiting").await);
    assert_eq!(world.store.clear(&id()).await.unwrap(), 3);
    for state in STATES {
        let stays = ["ready", "entered"].contains(&state);
        assert_eq!(world.state(state).await, if stays { state } else { "none" });
    }
    let snapshot = world.snapshot().await;
    assert_eq!(
        (snapshot.totals.cleared, snapshot.cleared_through),
        (3, last)
    );
    let next = world.join("waiting").await;
    assert!(Some(next) > last, "the last number outlives a clear");
    assert_eq!(world.store.clear(&id()).await.unwrap(), 1);
}

async fn before_the_start_one_lines_up_and_only_open_admits(world: World) {
    let fields = json!({"bookingStartAt": at(3600), "mode": "threshold", "maxActive": 5,
        "waitingTtlSeconds": 30, "keepPlaceMinutes": 0});
    world.put(1, fields).await;
    for name in ["a", "b", "c"] {
        world.join(name).await;
        assert_eq!(world.state(name).await, "waiting");
    }
    assert!(world.schedule().await.entries.is_empty());
    assert_eq!(world.let_in(1).await, ["a"]);
    world.claimed("a").await;
    for _ in 0..2 {
        world.pass(1795.0).await;
        world.sweep().await;
        assert_eq!(world.state("b").await, "away", "unseen, place kept");
    }
    assert!(matches!(world.enter("c").await, Entering::Already(_)));
    world.pass(11.0).await;
    assert_eq!(names(&world.schedule().await), ["c"]);
    assert_eq!(world.state("b").await, "none", "lapsed once it is open");
}

async fn before_the_line_opens_nobody_enters(world: World) {
    world
        .put(1, json!({"bookingStartAt": at(7200), "joinStartHours": 1}))
        .await;
    match world.enter("a").await {
        Entering::NotOpenYet { opens_at } => assert_eq!(opens_at.to_string(), at(3600)),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.state("a").await, "none");
    world.pass(3600.0).await;
    world.join("a").await;
}

async fn while_paused_one_lines_up_and_only_open_admits(world: World) {
    let fields = |paused| {
        json!({"mode": "threshold", "maxActive": 9, "paused": paused,
            "waitingTtlSeconds": 30, "keepPlaceMinutes": 1})
    };
    world.put(1, fields(true)).await;
    for name in ["a", "b"] {
        world.join(name).await;
    }
    assert_eq!(world.state("a").await, "waiting");
    assert!(world.schedule().await.entries.is_empty());
    let taken = world.open(1).await;
    assert!(taken.paused, "and it says so");
    assert_eq!(world.call(&taken.entries).await, 1);
    world.claimed("a").await;
    world.pass(3600.0).await;
    world.sweep().await;
    assert_eq!(world.state("b").await, "away", "nobody lapses while paused");
    world.put(2, fields(false)).await;
    world.pass(59.0).await;
    assert_eq!(world.state("b").await, "away", "kept since the resumption");
    world.pass(2.0).await;
    assert_eq!(world.state("b").await, "none");
}

async fn a_close_empties_the_line_and_lets_sessions_run(world: World) {
    one_in_each_state(&world).await;
    let facts = world.claimed("entered").await;
    world.put_closed(2, json!({}), true).await;
    assert_eq!(world.snapshot().await.totals.cleared, 3);
    assert_eq!(world.enter("none").await, Entering::Closed);
    assert_eq!(world.enter("entered").await, Entering::Closed);
    let by = Opening {
        batch_size: 1,
        taken: 0,
        key: None,
    };
    assert_eq!(
        world.store.admit(&id(), by).await.unwrap(),
        Admission::Closed
    );
    let late = [(member("admitting"), EntryNumber(1))];
    assert_eq!(world.store.ready(&id(), &late).await.unwrap(), [false]);
    assert_eq!(world.claim("ready").await, Claim::Closed);
    assert_eq!(world.claimed("entered").await, facts);
    assert_eq!(world.state("ready").await, "ready");
    world.put_closed(3, json!({}), true).await;
    assert_eq!(world.snapshot().await.phase(), Phase::Closed);
}

async fn the_end_empties_the_line_by_itself(world: World) {
    world.put(1, json!({"bookingEndAt": at(120)})).await;
    for name in ["a", "b", "c", "d"] {
        world.join(name).await;
    }
    world.let_in(1).await;
    let admitting = world.open(1).await.entries;
    world.pass(119.0).await;
    assert_eq!(world.snapshot().await.counts.waiting, 2);
    world.pass(1.0).await;
    assert_eq!(world.call(&admitting).await, 0);
    assert_eq!(world.enter("e").await, Entering::Closed);
    assert_eq!(world.enter("c").await, Entering::Closed);
    assert!(world.schedule().await.entries.is_empty());
    world.pass(9.9).await;
    assert_eq!(world.snapshot().await.totals.cleared, 0, "for 10 s");
    world.pass(0.1).await;
    assert_eq!(world.snapshot().await.totals.cleared, 3);
    assert_eq!(world.state("c").await, "none");
    assert!(
        matches!(world.claim("a").await, Claim::Entered(_)),
        "until its deadline"
    );
}

async fn numbers_are_strictly_increasing_even_when_the_clock_stands_or_goes_back(world: World) {
    world.put(1, json!({})).await;
    let first = world.join("a").await;
    assert_eq!(first.0, crate::world::START);
    assert_eq!(world.join("b").await.0, first.0 + 1);
    world.set_clock(crate::world::START - 5_000_000);
    assert_eq!(world.join("c").await.0, first.0 + 2);
    world.set_clock(crate::world::START + 7);
    assert_eq!(world.join("d").await.0, crate::world::START + 7);
}

async fn the_line_is_in_order_of_arrival_whatever_the_names(world: World) {
    world.put(1, json!({})).await;
    let order = ["z", "a", "~", "!", "10", "9", "m{x}", "M", "aa"];
    for name in order {
        world.join(name).await;
    }
    assert_eq!(world.let_in(4).await, order[..4]);
    assert_eq!(world.let_in(10).await, order[4..]);
}

async fn the_queue_number_never_rises(world: World) {
    world
        .put(1, json!({"waitingTtlSeconds": 100, "keepPlaceMinutes": 1}))
        .await;
    for name in ["a", "b", "c", "d"] {
        world.join(name).await;
    }
    let mut last = 4;
    for step in 0..30 {
        if step <= 20 {
            world.store.status(&id(), &member("c"), true).await.unwrap();
        }
        let found = world.store.status(&id(), &member("d"), true).await.unwrap();
        let EntryState::Waiting { queue_number, .. } = found.state else {
            panic!("{found:?}")
        };
        assert!(queue_number <= last, "{queue_number} after {last}");
        last = queue_number;
        match step {
            5 => drop(world.enter("a").await),
            12 => drop(world.exit("b").await),
            20 => drop(world.open(1).await),
            _ => world.sweep().await,
        }
        world.pass(20.0).await;
    }
    assert_eq!(last, 1);
}

async fn an_away_member_is_skipped_counted_and_back_at_the_same_place(world: World) {
    world.put(1, json!({"waitingTtlSeconds": 30})).await;
    let first = world.join("a").await;
    world.pass(20.0).await;
    world.join("b").await;
    world.pass(11.0).await;
    let counts = world.snapshot().await.counts;
    assert_eq!((counts.waiting, counts.away), (1, 1), "by the clock");
    assert_eq!(world.let_in(10).await, ["b"]);
    world.join("c").await;
    assert!(matches!(
        world.place("c").await,
        EntryState::Waiting {
            queue_number: 2,
            ..
        }
    ));
    let back = world
        .store
        .status(&id(), &member("a"), true)
        .await
        .unwrap()
        .state;
    assert_eq!(
        back,
        EntryState::Waiting {
            number: first,
            queue_number: 1,
            live_ahead: 0,
        }
    );
    assert_eq!(world.let_in(10).await, ["a", "c"]);
}

async fn a_low_pace_on_a_free_line_refuses_nobody(world: World) {
    let fields = |max_active| {
        json!({"groupSize": 100, "entryIntervalSeconds": 3, "maxWaitTimeMinutes": 1,
            "refuseLongWait": true, "mode": "threshold", "maxActive": max_active})
    };
    let unlimited = json!({"groupSize": 100, "entryIntervalSeconds": 3, "maxWaitTimeMinutes": 1,
        "refuseLongWait": true});
    world.put(1, unlimited).await;
    world.join("first").await;
    world.let_in(1).await;
    world.pass(40.0).await;
    for name in ["a", "b", "c"] {
        world.join(name).await;
    }
    world.put(2, fields(1)).await;
    assert_eq!(
        world.enter("d").await,
        Entering::Full,
        "the one slot is taken"
    );
}

async fn a_clock_that_goes_back_brings_no_take_forward(world: World) {
    world
        .put(1, json!({"groupSize": 2, "entryIntervalSeconds": 10}))
        .await;
    join_many(&world, 0..9).await;
    let first = world.schedule().await;
    assert_eq!(first.entries.len(), 2);
    world.call(&first.entries).await;
    world.pass_unheard(-0.05);
    assert!(world.schedule().await.entries.is_empty());
    world.pass_unheard(-3600.0);
    assert!(world.schedule().await.entries.is_empty());
    world.pass(10.0).await;
    assert_eq!(
        world.schedule().await.entries.len(),
        2,
        "nor is it put off for long"
    );
}

async fn a_put_says_which_version_is_in_force(world: World) {
    let put = async |version, group_size: u32| {
        let policy = crate::world::policy(json!({ "groupSize": group_size }));
        let concert = sunbeon_domain::Concert {
            concert_id: id(),
            version,
            closed: false,
            policy,
        };
        world.store.put_concert(&concert).await.unwrap()
    };
    assert_eq!(put(3, 1).await, 3);
    assert_eq!(put(3, 1).await, 3);
    assert_eq!(put(1, 1).await, 3);
    assert_eq!(put(1, 2).await, 3);
    assert_eq!(put(3, 2).await, 4, "another policy is version 3: above it");
    assert_eq!(world.snapshot().await.concert.policy.group_size, 1);
    assert!(world.store.drop_concert(&id(), 4).await.unwrap());
    assert_eq!(put(4, 1).await, 5, "dropped: above it");
    assert_eq!(put(6, 1).await, 6);
}

async fn a_stale_call_admits_nobody(world: World) {
    world.put(1, json!({})).await;
    world.join("a").await;
    let stale = world.open(1).await.entries;
    world.exit("a").await;
    assert_eq!(world.call(&stale).await, 0, "left");
    world.join("a").await;
    assert_eq!(world.call(&stale).await, 0, "in line again");
    let fresh = world.open(1).await.entries;
    assert_eq!(
        world.call(&stale).await,
        0,
        "taken again, by another number"
    );
    assert_eq!(world.call(&fresh).await, 1);
    world.snapshot().await;
}

async fn a_late_duplicate_call_admits_nobody_twice(world: World) {
    world.put(1, json!({})).await;
    world.join("a").await;
    let entries = world.open(1).await.entries;
    let twice = [entries.clone(), entries.clone()].concat();
    assert_eq!(world.call(&twice).await, 1);
    world.claimed("a").await;
    assert_eq!(world.call(&entries).await, 0);
    world.exit("a").await;
    assert_eq!(world.call(&entries).await, 0);
    assert_eq!(world.snapshot().await.totals.admitted(), 1);
}

async fn a_call_for_one_still_in_line_does_nothing(world: World) {
    world.put(1, json!({})).await;
    let number = world.join("a").await;
    let called = world
        .store
        .ready(&id(), &[(member("a"), number)])
        .await
        .unwrap();
    assert_eq!(called, [false]);
    assert_eq!(world.state("a").await, "waiting");
}

async fn what_is_not_called_is_due_again_ever_more_seldom(world: World) {
    world.put(1, json!({})).await;
    world.join("a").await;
    let taken = world.open(1).await.entries;
    assert!(world.due_again().await.is_empty());
    world.pass(4.9).await;
    assert!(world.due_again().await.is_empty());
    world.pass(0.1).await;
    assert_eq!(
        world.due_again().await,
        taken,
        "the same, its time included"
    );
    assert!(world.due_again().await.is_empty());
    // At 5 s, and then at 10, 20, 40, 80, 140 and 200 s.
    for pause in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        world.pass(pause - 1.0).await;
        assert!(world.due_again().await.is_empty(), "before {pause} s");
        world.pass(1.0).await;
        assert_eq!(world.due_again().await, taken, "after {pause} s");
    }
    assert_eq!(world.call(&taken).await, 1);
    world.pass(60.0).await;
    assert!(world.due_again().await.is_empty());
}

async fn slots_are_held_from_the_take_until_the_gates_know(world: World) {
    world.put(1, json!({"maxActive": 2})).await;
    for name in ["a", "b", "c", "d", "e"] {
        world.join(name).await;
    }
    let taken = world.open(5).await;
    assert_eq!(names(&taken), ["a", "b"]);
    assert!(
        world.open(5).await.entries.is_empty(),
        "admitting holds a slot"
    );
    world.call(&taken.entries).await;
    assert!(world.open(5).await.entries.is_empty(), "READY holds a slot");
    world.exit("a").await;
    assert_eq!(
        world.let_in(5).await,
        ["c"],
        "a READY member's is free at once"
    );
    let facts = world.claimed("b").await;
    assert!(world.complete("b", facts.number).await);
    world.pass(6.9).await;
    assert!(
        world.open(5).await.entries.is_empty(),
        "an ENTERED one's is not"
    );
    world.pass(0.1).await;
    assert_eq!(world.let_in(5).await, ["d"]);
    world.pass(300.0).await;
    world.enter("e").await;
    assert_eq!(world.let_in(5).await, ["e"], "unclaimed calls free theirs");
    world.claimed("e").await;
    world.pass(600.0).await;
    assert_eq!(world.snapshot().await.counts.slots, 1, "expired, for 7 s");
    world.sweep().await;
    assert_eq!(world.snapshot().await.counts.slots, 1, "swept or not");
    world.pass(7.0).await;
    assert_eq!(world.snapshot().await.counts.slots, 0);
}

async fn join_many(world: &World, numbers: std::ops::Range<u32>) -> Vec<String> {
    let names: Vec<_> = numbers.map(|i| format!("m{i:05}")).collect();
    for name in &names {
        world.join(name).await;
    }
    names
}

async fn the_schedule_takes_a_group_each_interval_and_makes_up_for_none(world: World) {
    world
        .put(1, json!({"groupSize": 3, "entryIntervalSeconds": 10}))
        .await;
    join_many(&world, 0..20).await;
    let take = async || {
        let taken = world.schedule().await;
        assert_eq!(world.call(&taken.entries).await, taken.entries.len());
        taken.entries.len()
    };
    assert_eq!(take().await, 3);
    assert_eq!(take().await, 0);
    world.pass(9.9).await;
    assert_eq!(take().await, 0);
    world.pass(0.1).await;
    assert_eq!(take().await, 3);
    world.pass(35.0).await;
    assert_eq!(take().await, 3, "three missed intervals are not made up");
    assert_eq!(take().await, 0);
    world.let_in(2).await;
    world.pass(10.0).await;
    assert_eq!(take().await, 3, "opens by hand do not count against it");
    assert_eq!(world.snapshot().await.totals.by_schedule, 12);
    assert_eq!(world.snapshot().await.totals.by_open, 2);
}

async fn a_take_of_nobody_starts_no_interval(world: World) {
    world
        .put(1, json!({"groupSize": 3, "entryIntervalSeconds": 3600}))
        .await;
    assert!(world.schedule().await.entries.is_empty());
    world.join("a").await;
    assert_eq!(names(&world.schedule().await), ["a"]);
    world.join("b").await;
    assert!(world.schedule().await.entries.is_empty());
}

async fn the_schedule_holds_back_while_messages_are_on_their_way(world: World) {
    world
        .put(1, json!({"groupSize": 3, "entryIntervalSeconds": 1}))
        .await;
    join_many(&world, 0..20).await;
    let first = world.schedule().await.entries;
    assert_eq!(first.len(), 3);
    world.pass(1.0).await;
    assert!(world.schedule().await.entries.is_empty());
    world.call(&first[..1]).await;
    assert_eq!(world.schedule().await.entries.len(), 1);
    world.call(&first[1..]).await;
    world.pass(1.0).await;
    assert_eq!(world.schedule().await.entries.len(), 2);
    assert_eq!(world.snapshot().await.counts.admitting, 3);
}

async fn a_long_take_goes_on_where_the_bound_on_work_cut_it(world: World) {
    world
        .put(1, json!({"groupSize": 1500, "entryIntervalSeconds": 60}))
        .await;
    join_many(&world, 0..2000).await;
    let first = world.schedule().await;
    assert_eq!((first.entries.len(), first.more), (1000, true));
    let second = world.schedule().await;
    assert_eq!((second.entries.len(), second.more), (500, false));
    assert!(world.schedule().await.entries.is_empty());
    assert_eq!(world.snapshot().await.counts.admitting, 1500);
    world.call(&first.entries).await;
    world.call(&second.entries[..400]).await;
    world.call(&second.entries[400..]).await;
    world.pass(59.0).await;
    assert!(world.schedule().await.entries.is_empty());
    world.pass(1.0).await;
    assert_eq!(world.schedule().await.entries.len(), 500);
}

async fn an_opening_moves_a_thousand_unseen_aside_and_says_more(world: World) {
    world.put(1, json!({"waitingTtlSeconds": 30})).await;
    join_many(&world, 0..1500).await;
    world.pass(31.0).await;
    world.join("z").await;
    let first = world.open(10).await;
    assert_eq!((first.entries.len(), first.more), (0, true));
    let second = world.open(10).await;
    assert_eq!((names(&second), second.more), (vec!["z".to_owned()], false));
    let counts = world.snapshot().await.counts;
    assert_eq!(
        (counts.waiting, counts.away, counts.admitting),
        (0, 1500, 1)
    );
}

async fn without_auto_open_only_open_admits(world: World) {
    world.put(1, json!({"autoOpen": false})).await;
    world.join("a").await;
    assert!(world.schedule().await.entries.is_empty());
    assert_eq!(world.let_in(1).await, ["a"]);
}

async fn the_threshold_lets_exactly_max_active_straight_in(world: World) {
    world
        .put(1, json!({"mode": "threshold", "maxActive": 3}))
        .await;
    join_many(&world, 0..10).await;
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.counts.ready, snapshot.counts.waiting), (3, 7));
    assert_eq!(snapshot.totals.by_enter, 3);
    assert_eq!(world.state("m00002").await, "ready");
    assert_eq!(world.state("m00003").await, "waiting");
}

async fn newcomers_do_not_pass_those_in_line(world: World) {
    world
        .put(
            1,
            json!({"mode": "threshold", "maxActive": 1, "groupSize": 1}),
        )
        .await;
    join_many(&world, 0..2).await;
    world.exit("m00000").await;
    world.join("new").await;
    assert_eq!(world.state("new").await, "waiting", "one waits");
    let taken = world.schedule().await;
    assert_eq!(names(&taken), ["m00001"]);
    world.exit("new").await;
    world.join("newer").await;
    assert_eq!(
        world.state("newer").await,
        "waiting",
        "one is being admitted"
    );
}

async fn mode_off_lets_everyone_in_and_admits_those_left_in_line(world: World) {
    world.put(1, json!({"maxActive": 1})).await;
    join_many(&world, 0..3).await;
    world.put(2, json!({"maxActive": 1, "mode": "off"})).await;
    join_many(&world, 3..6).await;
    assert_eq!(world.state("m00005").await, "ready");
    assert_eq!(
        world.state("m00000").await,
        "waiting",
        "switching touches nobody"
    );
    assert_eq!(world.schedule().await.entries.len(), 3);
    world.put(3, json!({"mode": "off", "paused": true})).await;
    world.join("late").await;
    assert_eq!(world.state("late").await, "waiting");
}

async fn the_line_can_be_full(world: World) {
    world.put(1, json!({"maxQueueSize": 2})).await;
    join_many(&world, 0..2).await;
    assert_eq!(world.enter("c").await, Entering::Full);
    assert!(matches!(world.enter("m00000").await, Entering::Already(_)));
    world.exit("m00001").await;
    world.join("c").await;
}

async fn a_long_wait_can_be_refused(world: World) {
    let fields = json!({"groupSize": 2, "entryIntervalSeconds": 30, "maxWaitTimeMinutes": 1,
        "refuseLongWait": true});
    world.put(1, fields).await;
    join_many(&world, 0..4).await;
    assert_eq!(
        world.enter("c").await,
        Entering::Full,
        "the fifth would wait 90 s"
    );
    let taken = world.schedule().await;
    world.call(&taken.entries).await;
    join_many(&world, 10..12).await;
    assert_eq!(
        world.enter("c").await,
        Entering::Full,
        "the next take is 30 s away"
    );
    world.pass(60.0).await;
    assert_eq!(world.enter("c").await, Entering::Full);
}

/// What a member is told, without a sign of life.
async fn told(world: &World, name: &str) -> Standing {
    let found = world.store.status(&id(), &member(name), false).await;
    found.unwrap().standing(&world.snapshot().await.line_facts)
}

async fn seconds(world: &World, name: &str) -> u64 {
    let told = told(world, name).await;
    told.estimated_wait_seconds.expect("an estimate")
}

async fn the_estimate_that_is_told_decides_whether_a_wait_is_refused(world: World) {
    let fields = |refuse| {
        json!({"mode": "threshold", "maxActive": 2, "sessionMinutes": 1, "groupSize": 2,
            "entryIntervalSeconds": 1, "maxWaitTimeMinutes": 5, "refuseLongWait": refuse})
    };
    world.put(1, fields(true)).await;
    for name in ["inside", "ready"] {
        world.join(name).await;
    }
    world.claimed("inside").await;
    let mut accepted = 0;
    while let Entering::New(_) = world.enter(&format!("m{accepted}")).await {
        let told = told(&world, &format!("m{accepted}")).await;
        assert_eq!(told.long_wait, Some(false), "{told:?}");
        accepted += 1;
        assert!(accepted < 20, "nobody is refused");
    }
    assert!(accepted > 4, "{accepted}");
    world.put(2, fields(false)).await;
    world.join("next").await;
    assert_eq!(told(&world, "next").await.long_wait, Some(true));
}

async fn with_all_slots_taken_the_estimate_waits_for_sessions_to_end(world: World) {
    let fields = json!({"mode": "threshold", "maxActive": 10, "sessionMinutes": 60,
        "groupSize": 10, "entryIntervalSeconds": 1});
    world.put(1, fields).await;
    for name in join_many(&world, 0..10).await {
        world.claimed(&name).await;
    }
    let waiting = join_many(&world, 100..300).await;
    let session = 3_607;
    let first = told(&world, &waiting[0]).await;
    assert_eq!(first.estimated_wait_seconds, Some(session));
    assert_eq!(first.estimate_reason, Some(EstimateReason::SlotsFull));
    assert!((session..session + 10).contains(&seconds(&world, &waiting[9]).await));
    let last = seconds(&world, &waiting[199]).await;
    assert!((20 * session..20 * session + 100).contains(&last), "{last}");
}

async fn slots_are_told_to_free_when_they_do(world: World) {
    let fields = json!({"mode": "threshold", "maxActive": 1, "sessionMinutes": 1,
        "groupSize": 10, "entryIntervalSeconds": 1});
    world.put(1, fields).await;
    world.join("inside").await;
    world.claimed("inside").await;
    world.join("next").await;
    for left in [67, 47, 27, 7] {
        assert_eq!(seconds(&world, "next").await, left);
        assert_eq!(world.schedule().await.entries.len(), 0);
        world.pass(20.0).await;
    }
    let taken = world.schedule().await;
    assert_eq!(names(&taken), ["next"]);

    // A session that ends early frees its slot once the gates know.
    world.call(&taken.entries).await;
    let number = world.claimed("next").await.number;
    world.join("third").await;
    world.complete("next", number).await;
    assert_eq!(seconds(&world, "third").await, 7);
}

async fn between_two_takes_the_estimate_counts_from_the_next(world: World) {
    world
        .put(1, json!({"groupSize": 10, "entryIntervalSeconds": 60}))
        .await;
    let line = join_many(&world, 0..40).await;
    let taken = world.schedule().await;
    world.call(&taken.entries).await;
    // The 11th is the first now, and the 26th the 16th.
    for passed in 0..6 {
        let left = 60 - passed * 10;
        assert_eq!(seconds(&world, &line[10]).await, left);
        assert_eq!(seconds(&world, &line[25]).await, left + 60);
        world.pass(10.0).await;
    }
}

async fn only_the_seen_ahead_count_in_an_estimate(world: World) {
    let fields = json!({"waitingTtlSeconds": 30, "groupSize": 1, "entryIntervalSeconds": 60,
        "maxActive": 1, "sessionMinutes": 10});
    world.put(1, fields).await;
    let gone = join_many(&world, 0..20).await;
    world.pass(31.0).await;
    world.join("here").await;
    world.sweep().await;
    let standing = told(&world, "here").await;
    assert_eq!(standing.queue_number, Some(21));
    assert_eq!(standing.estimated_wait_seconds, Some(60));
    // One who is back stands ahead again.
    world.enter(&gone[3]).await;
    assert_eq!(told(&world, "here").await.queue_number, Some(21));
    assert!(seconds(&world, "here").await > 600);
}

async fn an_estimate_says_why_it_is_longer_than_the_pace(world: World) {
    let fields = |group: u32, paused: bool| {
        json!({"groupSize": group, "entryIntervalSeconds": 30, "paused": paused,
            "waitingTtlSeconds": 3_600})
    };
    world.put(1, fields(20, false)).await;
    let line = join_many(&world, 0..100).await;
    let last = &line[99];
    assert_eq!(told(&world, last).await.estimate_reason, None);
    world.put(2, fields(5, false)).await;
    let changed = told(&world, last).await;
    assert_eq!(changed.estimate_reason, Some(EstimateReason::Changed));
    assert_eq!(changed.estimated_wait_seconds, Some(600));
    world.put(3, fields(5, true)).await;
    let paused = told(&world, last).await;
    assert_eq!(paused.estimate_reason, Some(EstimateReason::Paused));
    assert_eq!(paused.estimated_wait_seconds, None);
    world.put(4, fields(5, false)).await;
    world.pass(16.0 * 60.0).await;
    world.let_in(30).await;
    // A single take is no pace.
    assert_eq!(told(&world, last).await.estimate_reason, None);
    world.pass(60.0).await;
    world.let_in(30).await;
    let slowed = told(&world, last).await;
    assert_eq!(slowed.estimate_reason, Some(EstimateReason::Slowed));
    world.put(5, fields(60, false)).await;
    assert_eq!(told(&world, last).await.estimate_reason, None);
}

async fn the_same_idempotency_key_opens_one_batch(world: World) {
    world.put(1, json!({})).await;
    join_many(&world, 0..10).await;
    let by = |batch_size| Opening {
        batch_size,
        taken: 0,
        key: Some("k 1"),
    };
    let first = world.admit(by(3)).await;
    assert_eq!(
        (first.entries.len(), first.total, first.replayed),
        (3, 3, false)
    );
    let again = world.admit(by(3)).await;
    assert_eq!(
        (again.entries.len(), again.total, again.replayed),
        (0, 3, true)
    );
    assert_eq!(again.limited_by, first.limited_by);
    let other = world.store.admit(&id(), by(4)).await.unwrap();
    assert_eq!(other, Admission::KeyReused);
    world.put_closed(2, json!({}), true).await;
    assert!(world.admit(by(3)).await.replayed, "also after a close");
}

async fn a_key_of_a_dropped_concert_opens_anew(world: World) {
    let by = Opening {
        batch_size: 1,
        taken: 0,
        key: Some("k"),
    };
    for version in [1, 3] {
        world.put_closed(version, json!({}), false).await;
        world.join("a").await;
        assert_eq!(names(&world.admit(by).await), ["a"]);
        world.store.clear(&id()).await.unwrap();
        assert!(world.store.drop_concert(&id(), version + 1).await.unwrap());
        world.pass_unheard(1.0);
    }
}

async fn what_limits_an_opening_is_said(world: World) {
    world.put(1, json!({"maxActive": 4})).await;
    join_many(&world, 0..6).await;
    let taken = world.open(3).await;
    assert_eq!(
        (taken.limited_by, taken.still_waiting),
        (LimitedBy::BatchSize, 3)
    );
    let taken = world.open(3).await;
    assert_eq!(
        (taken.limited_by, taken.entries.len()),
        (LimitedBy::MaxActive, 1)
    );
    assert_eq!(world.open(3).await.limited_by, LimitedBy::MaxActive);
    world.put(2, json!({})).await;
    let taken = world.open(3).await;
    assert_eq!(
        (taken.limited_by, taken.entries.len()),
        (LimitedBy::Line, 2)
    );
}

async fn what_holds_the_schedule_is_said(world: World) {
    let policy = json!({"groupSize": 2, "maxActive": 4, "entryIntervalSeconds": 60});
    world.put(1, policy.clone()).await;
    let held = async || world.snapshot().await.held;
    assert_eq!(held().await, None, "nobody waits");
    join_many(&world, 0..30).await;
    assert_eq!(held().await, None);
    let mut other = policy.clone();
    other["paused"] = true.into();
    world.put(2, other.clone()).await;
    assert_eq!(held().await, Some(Held::Paused));
    other["autoOpen"] = false.into();
    world.put(3, other).await;
    assert_eq!(held().await, None, "there is no schedule");
    world.put(4, policy).await;

    world.pass_with(16.0, &[Role::WaitingRoom], true).await;
    assert_eq!(held().await, Some(Held::TokenAway));
    assert!(world.schedule().await.entries.is_empty());
    world.beat(Role::Token, true).await;
    assert_eq!(held().await, None);
    world.pass_unheard(16.0);
    assert_eq!(held().await, Some(Held::WaitingRoomAway));
    world.beat(Role::WaitingRoom, true).await;
    world.beat(Role::Token, true).await;
    world
        .pass_with(16.0, &[Role::WaitingRoom, Role::Token], false)
        .await;
    assert_eq!(held().await, Some(Held::Silence));
    assert!(world.schedule().await.entries.is_empty());
    world.beat(Role::Token, true).await;

    let taken = world.schedule().await;
    assert_eq!(taken.entries.len(), 2);
    assert_eq!(held().await, Some(Held::Messages));
    world.call(&taken.entries).await;
    assert_eq!(held().await, None, "the next take is not due yet");
    world.let_in(2).await;
    assert_eq!(held().await, Some(Held::MaxActive));
    let nothing = StockReport {
        tiers: vec![],
        held: 0,
    };
    world.store.put_stock(&id(), &nothing).await.unwrap();
    assert_eq!(held().await, Some(Held::SoldOut));
}

async fn a_session_ends_by_the_clock_swept_or_not(world: World) {
    world
        .put(1, json!({"readyTtlSeconds": 60, "sessionMinutes": 2}))
        .await;
    join_many(&world, 0..3).await;
    world.let_in(3).await;
    world.claimed("m00000").await;
    world.pass(60.0).await;
    let unswept = world.snapshot().await;
    assert_eq!((unswept.counts.ready, unswept.totals.unclaimed), (0, 2));
    let swept = world.swept().await;
    assert_eq!((swept.unclaimed, swept.expired), (2, 0));
    assert_eq!(world.claim("m00001").await, Claim::NotReady);
    assert_eq!(world.snapshot().await.totals, unswept.totals);
    world.pass(60.0).await;
    let unswept = world.snapshot().await;
    assert_eq!((unswept.counts.inside, unswept.totals.expired), (0, 1));
    world.sweep().await;
    assert_eq!(world.snapshot().await.totals, unswept.totals);
    world.join("m00000").await;
    assert_eq!(
        world.state("m00000").await,
        "waiting",
        "at the back of the line"
    );
}

async fn a_token_is_the_same_until_its_session_ends(world: World) {
    world.put(1, json!({"sessionMinutes": 10})).await;
    let number = world.join("a").await;
    world.let_in(1).await;
    let facts = world.claimed("a").await;
    assert_eq!(
        (facts.number, &facts.jti, facts.exp),
        (number, &number.token_id(&id()), facts.iat + 600)
    );
    world.pass(300.0).await;
    let again = world
        .store
        .claim(&id(), &member("a"), "another key")
        .await
        .unwrap();
    assert!(matches!(again, Claim::Entered(entered) if entered.1 == facts));
    world.pass(300.0).await;
    assert_eq!(world.claim("a").await, Claim::NotReady);
}

/// A policy by which tokens last 10 minutes and holds this many.
fn held(minutes: u32) -> serde_json::Value {
    json!({"sessionMinutes": 10, "holdDurationMinutes": minutes, "maxActive": 1})
}

async fn a_session_is_extended_to_the_end_of_a_hold(world: World) {
    world.put(1, held(7)).await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    world.pass(301.5).await;
    let extension = world.extend("a", first.number).await.unwrap();
    assert_eq!(extension.concert.concert_id, id());
    assert!(extension.extended);
    // 301.5 s are past, in whole seconds from the moment of issue.
    let exp = first.iat + 301 + 420;
    let moved = TokenFacts { exp, ..first };
    assert_eq!(extension.token, moved, "the same token but for its end");
    assert_eq!(world.claimed("a").await, moved);
    let until = UnixMs(exp * 1_000);
    assert!(matches!(world.place("a").await, EntryState::Entered { until: u, .. } if u == until));
}

async fn a_session_is_extended_as_often_as_holds_need_and_never_past_session_and_hold(
    world: World,
) {
    world.put(1, held(10)).await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    for (pass, end) in [(3.0, 603), (20.0, 623), (560.0, 1_183), (30.0, 1_200)] {
        world.pass(pass).await;
        let extension = world.extend("a", first.number).await.unwrap();
        let moved = TokenFacts {
            exp: first.iat + end,
            ..first.clone()
        };
        assert_eq!((extension.extended, extension.token), (true, moved));
    }
    world.pass(10.0).await;
    let last = world.extend("a", first.number).await.unwrap();
    assert_eq!((last.extended, last.token.exp), (false, first.iat + 1_200));
    assert_eq!(world.claimed("a").await, last.token);
    world.pass(577.0).await;
    assert_eq!(world.state("a").await, "none", "session and hold are over");
}

async fn an_extension_never_brings_an_end_forward(world: World) {
    world.put(1, held(5)).await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    for pass in [1.0, 299.0] {
        world.pass(pass).await;
        let early = world.extend("a", first.number).await.unwrap();
        assert_eq!((early.extended, &early.token), (false, &first));
    }
    world.pass(1.0).await;
    let late = world.extend("a", first.number).await.unwrap();
    assert_eq!((late.extended, late.token.exp), (true, first.exp + 1));
}

async fn an_extended_session_ends_by_its_new_end_and_holds_its_slot_until_then(world: World) {
    world.put(1, held(10)).await;
    for name in ["a", "b"] {
        world.join(name).await;
    }
    world.let_in(1).await;
    let first = world.claimed("a").await;
    world.pass(500.0).await;
    assert!(world.extend("a", first.number).await.unwrap().extended);
    world.pass(599.0).await;
    world.sweep().await;
    let counts = world.snapshot().await.counts;
    assert_eq!((counts.inside, counts.slots), (1, 1));
    assert!(world.open(1).await.entries.is_empty());
    world.pass(1.0).await;
    assert_eq!(world.snapshot().await.totals.expired, 1);
    assert_eq!(world.extend("a", first.number).await, None, "not revived");
    assert_eq!(world.state("a").await, "none");
    world.pass(6.9).await;
    assert_eq!(world.snapshot().await.counts.slots, 1, "for 7 s");
    world.pass(0.1).await;
    assert_eq!(world.snapshot().await.counts.slots, 0);
    assert!(world.revoked().await.is_empty(), "it has run out");
}

async fn a_session_that_ends_early_is_told_until_an_hour_after_no_extension_of_it_can_live(
    world: World,
) {
    world.put(1, held(10)).await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    world.pass(300.0).await;
    assert!(world.complete("a", first.number).await);
    assert_eq!(world.extend("a", first.number).await, None);
    // A session of 10 minutes and a hold of 10 from the end of that.
    let [told] = world.feed(None).await.revoked[..] else {
        panic!("one ended");
    };
    assert_eq!(told.place.number, first.number);
    assert_eq!(told.until, first.iat + 1_200);
    world.pass(900.0 + 3_599.0).await;
    world.sweep().await;
    assert_eq!(world.revoked().await, [first.number]);
    world.pass(1.0).await;
    world.sweep().await;
    assert!(world.revoked().await.is_empty());
}

async fn the_longest_session_that_a_concert_ever_had_says_how_long_one_is_told(world: World) {
    let ends_after = async |name: &str| {
        world.join(name).await;
        world.let_in(1).await;
        let facts = world.claimed(name).await;
        world.exits(name).await;
        let feed = world.feed(None).await.revoked;
        feed.last().expect("one ended").until - facts.iat
    };
    world.put(1, brief()).await;
    assert_eq!(ends_after("a").await, 120);
    let long = json!({"sessionMinutes": 30, "holdDurationMinutes": 5});
    world.put(2, long).await;
    assert_eq!(ends_after("b").await, 35 * 60);
    world
        .put(3, json!({"sessionMinutes": 2, "holdDurationMinutes": 20}))
        .await;
    assert_eq!(ends_after("c").await, 35 * 60, "a token of before may live");
}

async fn sessions_are_extended_while_paused_and_after_the_close(world: World) {
    world.put(1, json!({})).await;
    for name in ["paused", "closed"] {
        world.join(name).await;
    }
    world.let_in(2).await;
    let paused = world.claimed("paused").await.number;
    let closed = world.claimed("closed").await.number;
    world.pass(60.0).await;
    world.put(2, json!({"paused": true})).await;
    assert!(world.extend("paused", paused).await.unwrap().extended);
    world.put_closed(3, json!({}), true).await;
    assert!(world.extend("closed", closed).await.unwrap().extended);
    world.pass(541.0).await;
    assert_eq!(world.snapshot().await.counts.inside, 2);
}

/// A policy by which no token of an entry lives longer than two minutes.
fn brief() -> serde_json::Value {
    json!({"sessionMinutes": 1, "holdDurationMinutes": 1})
}

async fn a_session_whose_claim_was_lost_is_completed_with_its_token(world: World) {
    world.put(1, json!({"maxActive": 1})).await;
    let number = world.join("a").await;
    world.let_in(1).await;
    assert_eq!(world.state("a").await, "ready", "all that the store knows");
    assert!(!world.complete("a", EntryNumber(number.0 + 1)).await);
    assert!(world.complete("a", number).await);
    assert!(!world.complete("a", number).await, "once");
    assert_eq!(world.revoked().await, [number]);
    let snapshot = world.snapshot().await;
    assert_eq!(snapshot.totals.completed, 1);
    assert_eq!(snapshot.counts.slots, 1, "until the gates know");
    world.pass(7.0).await;
    assert_eq!(world.snapshot().await.counts.slots, 0);
}

async fn refused_guests_are_counted(world: World) {
    let refuse = async || world.store.refuse_guest(&id()).await;
    let unknown = refuse().await.unwrap_err();
    assert!(matches!(unknown, StoreError::UnknownConcert));
    world.put(1, json!({})).await;
    assert_eq!(world.snapshot().await.guests_refused, 0);
    refuse().await.unwrap();
    refuse().await.unwrap();
    assert_eq!(world.snapshot().await.guests_refused, 2);
}

async fn a_called_member_who_is_removed_has_no_token_either(world: World) {
    world.put(1, json!({})).await;
    let number = world.join("removed").await;
    world.join("exits").await;
    world.let_in(2).await;
    world.exit("exits").await;
    let how = Leaving::Removed;
    let removed = world.store.leave(&id(), &member("removed"), how).await;
    assert_eq!(removed.unwrap(), Some(number));
    assert_eq!(world.revoked().await, [number]);
    assert_eq!(world.snapshot().await.totals.exited, 2);
}

async fn what_ended_early_is_told_in_order_and_only_that(world: World) {
    world.put(1, brief()).await;
    for name in [
        "exits",
        "completes",
        "removed",
        "stays",
        "unclaimed",
        "runs out",
    ] {
        world.join(&name.replace(' ', "-")).await;
    }
    world.let_in(6).await;
    world.claimed("runs-out").await;
    world.pass(65.0).await;
    world.sweep().await;
    for name in ["stays", "exits", "completes", "removed"] {
        world.claimed(name).await;
        world.pass(1.0).await;
    }
    let how = Leaving::Removed;
    let removed = world.store.leave(&id(), &member("removed"), how).await;
    let removed = removed.unwrap().unwrap();
    let exits = world.exits("exits").await;
    world.exit("unclaimed").await;
    let completes = number(world.place("completes").await).unwrap();
    assert!(world.complete("completes", completes).await);
    assert!(!world.complete("completes", completes).await);
    assert_eq!(world.revoked().await, [removed, exits, completes]);
    let feed = world.feed(None).await;
    let orders: Vec<_> = feed.revoked.iter().map(|it| it.place.order).collect();
    assert!(orders.is_sorted_by(|one, next| one < next), "{orders:?}");
    assert_eq!(feed.oldest, orders.first().copied());
}

async fn the_feed_is_read_page_by_page_and_none_is_missed(world: World) {
    world.put(1, brief()).await;
    let end = async |names: std::ops::Range<u32>| {
        let mut ended = Vec::new();
        join_many(&world, names.clone()).await;
        assert_eq!(world.let_in(1_000).await.len(), names.len());
        for i in names {
            let name = format!("m{i:05}");
            world.claimed(&name).await;
            ended.push(world.exits(&name).await);
        }
        ended
    };
    let entries =
        |page: &FeedPage| -> Vec<_> { page.revoked.iter().map(|it| it.place.number).collect() };
    let last = |page: &FeedPage| page.revoked.last().map(|it| it.place);
    let old = end(0..600).await;
    let young = end(600..1_100).await;
    let first = world.feed(None).await;
    assert!(!first.goes_on);
    assert_eq!(entries(&first), [&old[..], &young[..400]].concat());
    let newest = end(1_100..1_110).await;
    let second = world.feed(last(&first)).await;
    assert!(second.goes_on);
    assert_eq!(entries(&second), [&young[400..], &newest].concat());
    let nothing = world.feed(last(&second)).await;
    assert!(nothing.goes_on && nothing.revoked.is_empty());
    // All but the newest are forgotten, and the reader begins again.
    world.pass(3_721.0).await;
    let later = end(1_110..1_111).await;
    world.sweep().await;
    assert_eq!(entries(&world.feed(None).await), later);
    let restarted = world.feed(last(&second)).await;
    assert!(!restarted.goes_on, "its place is forgotten");
    assert_eq!(entries(&restarted), later);
}

async fn whoever_names_a_place_that_is_not_in_the_feed_reads_from_the_beginning(world: World) {
    world.put(1, brief()).await;
    let mut ended = Vec::new();
    for name in ["a", "b", "c"] {
        ended.push(world.visits(name).await);
        world.pass(1.0).await;
    }
    let feed = world.feed(None).await.revoked;
    let [a, b, _] = feed[..] else {
        panic!("three ended: {feed:?}");
    };
    let place = |order, number| Some(FeedPlace { order, number });
    let behind = world.feed(Some(b.place)).await;
    assert!(behind.goes_on);
    assert_eq!(behind.revoked, feed[2..]);
    for stranger in [
        None,
        place(b.place.order, a.place.number),
        place(b.place.order + 1, b.place.number),
        place(u64::MAX >> 11, b.place.number),
        place(0, EntryNumber(0)),
    ] {
        let page = world.feed(stranger).await;
        assert!(!page.goes_on, "{stranger:?}");
        assert_eq!(page.revoked, feed, "{stranger:?}");
    }
}

async fn the_feed_goes_on_behind_its_last_whatever_the_clock_does(world: World) {
    world.put(1, json!({})).await;
    let mut known = Vec::new();
    let mut after = None;
    for (i, seconds) in [0.0, 0.0, -300.0, 0.0, 600.0, -3_000.0, 0.0]
        .iter()
        .enumerate()
    {
        world.pass_unheard(*seconds);
        known.push(world.visits(&format!("m{i}")).await);
        let page = world.feed(after).await;
        assert_eq!(page.goes_on, after.is_some());
        let [new] = page.revoked[..] else {
            panic!("one is new: {page:?}");
        };
        assert_eq!(new.place.number, *known.last().unwrap());
        after = Some(new.place);
    }
    assert_eq!(world.revoked().await, known);
}

async fn what_is_forgotten_leaves_the_rest_as_it_was(world: World) {
    world
        .put(1, json!({"sessionMinutes": 60, "holdDurationMinutes": 1}))
        .await;
    // Its end is far off, and it is the oldest: its claim was made by a clock that was ahead.
    world.pass_unheard(86_400.0);
    let far = world.visits("far").await;
    world.pass_unheard(-86_400.0);
    let mut near = Vec::new();
    for i in 0..250 {
        near.push(world.visits(&format!("m{i}")).await);
    }
    world.pass(61.0 * 60.0).await;
    let late = world.visits("late").await;
    world.pass(3_600.0).await;
    assert_eq!(
        world.revoked().await.len(),
        252,
        "nothing is forgotten unswept"
    );
    assert!(world.swept().await.more);
    world.sweep().await;
    assert_eq!(world.revoked().await, [far, late]);
    assert_eq!(near.len(), 250);
}

/// Closes and drops a concert in which one session ended early; its entry.
async fn dropped_with_an_ended_session(world: &World) -> EntryNumber {
    world.put(1, brief()).await;
    world.join("a").await;
    world.let_in(1).await;
    let facts = world.claimed("a").await;
    assert!(world.complete("a", facts.number).await);
    let drop = async || world.store.drop_concert(&id(), 2).await.unwrap();
    assert!(!drop().await, "its slot is held");
    world.pass(7.0).await;
    assert!(drop().await);
    assert!(drop().await, "again");
    let gone = world.store.snapshot(&id()).await.unwrap_err();
    assert!(matches!(gone, StoreError::UnknownConcert));
    facts.number
}

async fn a_dropped_concerts_feed_is_told_and_goes_on_in_one_made_again(world: World) {
    let first = dropped_with_an_ended_session(&world).await;
    assert!(world.store.concerts().await.unwrap().is_empty());
    assert_eq!(world.revoked().await, [first]);
    let known = world.feed(None).await.revoked[0].place;
    world.pass_unheard(-60.0);
    assert!(
        world.store.drop_concert(&id(), 1).await.unwrap(),
        "by one who is late"
    );
    world.put(3, json!({})).await;
    assert_eq!(world.snapshot().await.totals.joined, 0);
    assert_eq!(world.store.concerts().await.unwrap(), [id()]);
    assert_eq!(world.revoked().await, [first]);
    let second = world.visits("b").await;
    let page = world.feed(Some(known)).await;
    assert!(page.goes_on);
    assert_eq!(page.revoked[0].place.number, second);
    assert_eq!(world.revoked().await, [first, second]);
}

async fn a_guest_enters_where_guests_may_and_nowhere_else(world: World) {
    let guest = "guest:0b5e";
    let fields = |identity: &str| json!({"identity": identity, "bookingStartAt": at(7200), "joinStartHours": 1});
    world.put(1, fields("member")).await;
    assert_eq!(world.enter(guest).await, Entering::MembersOnly);
    world
        .put(2, json!({"identity": "member", "mode": "off"}))
        .await;
    assert_eq!(world.enter(guest).await, Entering::MembersOnly);
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.totals.joined, snapshot.last), (0, None));
    assert_eq!(world.state(guest).await, "none");
    world.join("member").await;
    world.put(3, fields("guest")).await;
    let early = world.enter(guest).await;
    assert!(matches!(early, Entering::NotOpenYet { .. }), "{early:?}");
    world.put(4, json!({"identity": "guest"})).await;
    world.join(guest).await;
    world.join("other").await;
    assert_eq!(world.let_in(1).await, [guest]);
    world.claimed(guest).await;
    world
        .put_closed(5, json!({"identity": "member"}), true)
        .await;
    assert_eq!(world.enter("guest:1").await, Entering::Closed);
}

async fn a_guest_who_has_a_place_keeps_it_whoever_may_enter_now(world: World) {
    let fields = |identity: &str| json!({"identity": identity, "waitingTtlSeconds": 30});
    world.put(1, fields("guest")).await;
    for name in ["guest:ready", "guest:away", "guest:waiting"] {
        world.join(name).await;
    }
    world.let_in(1).await;
    world.pass(31.0).await;
    world.sweep().await;
    world.put(2, fields("member")).await;
    for (name, state) in [
        ("guest:ready", "ready"),
        ("guest:away", "waiting"),
        ("guest:waiting", "waiting"),
    ] {
        let again = world.enter(name).await;
        assert!(matches!(again, Entering::Already(_)), "{name}: {again:?}");
        assert_eq!(world.state(name).await, state);
    }
    world.claimed("guest:ready").await;
    assert_eq!(world.let_in(2).await, ["guest:away", "guest:waiting"]);
}

async fn members_are_listed_from_the_front_page_by_page(world: World) {
    world.put(1, json!({"waitingTtlSeconds": 30})).await;
    join_many(&world, 0..4).await;
    world.pass(31.0).await;
    world.enter("m00001").await;
    world.sweep().await;
    join_many(&world, 4..6).await;
    let page = world.store.members(&id(), None, 4).await.unwrap();
    let listed: Vec<_> = page.iter().map(|l| (l.member.as_str(), l.away)).collect();
    let expected = [
        ("m00000", true),
        ("m00001", false),
        ("m00002", true),
        ("m00003", true),
    ];
    assert_eq!(listed, expected);
    let rest = world
        .store
        .members(&id(), Some(page[3].number), 4)
        .await
        .unwrap();
    assert_eq!(
        rest.iter().map(|l| l.member.as_str()).collect::<Vec<_>>(),
        ["m00004", "m00005"]
    );
    assert_eq!(rest[0].name, "이름");
}

async fn the_pace_is_that_of_the_last_minutes(world: World) {
    world.put(1, json!({})).await;
    join_many(&world, 0..100).await;
    let begun = world.now();
    world.open(30).await;
    world.pass(45.0).await;
    world.open(20).await;
    let pace = world.snapshot().await.line_facts.pace;
    assert_eq!(
        (pace.one, pace.five, pace.fifteen, pace.since),
        (50, 50, 50, Some(begun))
    );
    world.pass(45.0).await;
    // 30 s into the second minute: the first counts by half.
    let pace = world.snapshot().await.line_facts.pace;
    assert_eq!((pace.one, pace.five), (25, 50));
    world.pass(960.0).await;
    let pace = world.snapshot().await.line_facts.pace;
    assert_eq!(
        (pace.one, pace.five, pace.fifteen, pace.since),
        (0, 0, 0, Some(begun))
    );
}

async fn a_name_of_any_kind_survives(world: World) {
    world.put(1, json!({})).await;
    for (who, name) in [
        ("a", ""),
        ("b", " 김 철수  "),
        ("c", "x\n0 1 open y"),
        ("d", "\u{1F3AB}"),
    ] {
        world.store.enter(&id(), &member(who), name).await.unwrap();
        let taken = world.open(1).await;
        assert_eq!(
            (taken.entries[0].name.as_str(), taken.entries.len()),
            (name, 1)
        );
    }
}
