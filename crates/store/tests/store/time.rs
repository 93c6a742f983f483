//! Counted time, on both stores: nothing runs out while nobody listens, a step of the clock moves no
//! deadline, and what has ended never comes back.

use serde_json::{Value, json};
use sunbeon_domain::{EntryState, UnixMs};
use sunbeon_store::{Claim, Entering, Role};

use crate::world::{World, at, id, member, names, number};

behaviours!(
    a_line_is_live_while_anybody_has_something_in_it,
    a_line_that_wakes_up_has_no_gap_and_takes_at_once,
    an_interval_lasts_although_the_line_is_empty_meanwhile,
    while_no_token_can_be_fetched_nobody_is_lost,
    what_has_ended_never_comes_back,
    a_step_of_the_clock_ends_no_session_and_no_wait,
    a_fast_clock_past_the_end_for_a_moment_clears_no_line,
    a_member_called_while_the_clock_was_fast_holds_no_slot_for_longer,
    one_account_that_leaves_again_and_again_holds_one_slot,
    the_absent_in_front_before_the_start_keep_nobody_waiting,
    nothing_runs_out_while_nobody_beats,
    after_each_gap_there_is_a_whole_time_once_more,
    a_gap_of_waiting_room_is_one_for_those_called_too,
    a_beat_counts_for_two_seconds_at_most,
    the_schedule_takes_nobody_while_token_or_waiting_room_is_away,
    a_crowd_that_nobody_hears_is_kept_for_as_long_as_a_place_is,
    a_crowd_that_is_heard_again_gets_no_time_anew,
    a_crowd_whose_sockets_are_there_is_heard,
    sockets_alone_let_no_time_pass,
    a_few_who_are_silent_run_out,
    a_short_time_to_fetch_the_token_shortens_the_silence,
    a_place_is_kept_from_when_it_was_moved_and_only_while_open,
    a_cooling_slot_is_free_for_its_own_member,
    a_cooling_slot_is_not_shortened_by_leaving_again,
    a_cooling_slot_is_no_place_in_line,
    a_full_house_admits_the_member_whose_slot_is_cooling,
    clearing_puts_back_the_cooling_slots_of_those_taken,
    a_token_that_ran_out_by_the_clock_is_issued_anew_while_its_slot_stands,
    an_extension_is_bounded_by_the_time_of_the_slot,
    what_is_left_is_told_with_the_stand_still,
);

const BOTH: [Role; 2] = [Role::WaitingRoom, Role::Token];

async fn join_many(world: &World, numbers: std::ops::Range<u32>) -> Vec<String> {
    let names: Vec<_> = numbers.map(|i| format!("m{i:05}")).collect();
    for name in &names {
        world.join(name).await;
    }
    names
}

async fn sign_of_life(world: &World, name: &str) {
    let found = world.store.status(&id(), &member(name), true).await;
    found.unwrap();
}

async fn totals(world: &World) -> sunbeon_store::Totals {
    world.snapshot().await.totals
}

/// The schedule's take, called.
async fn take(world: &World) -> usize {
    let taken = world.schedule().await;
    world.call(&taken.entries).await
}

async fn while_no_token_can_be_fetched_nobody_is_lost(world: World) {
    let policy = json!({"readyTtlSeconds": 10, "waitingTtlSeconds": 30, "keepPlaceMinutes": 0,
        "groupSize": 10, "entryIntervalSeconds": 1});
    world.put(1, policy).await;
    let fans = join_many(&world, 0..60).await;
    // The token service is away, and everybody polls.
    let mut called = 0;
    for _ in 0..60 {
        called += take(&world).await;
        world.pass_with(1.0, &[Role::WaitingRoom], true).await;
        for fan in &fans {
            sign_of_life(&world, fan).await;
        }
        world.sweep().await;
    }
    assert_eq!(called, 60, "in the first 15 s");
    let lost = totals(&world).await;
    assert_eq!((lost.unclaimed, lost.lapsed), (0, 0));
    // It is back: all have a whole time to fetch their tokens.
    world.pass(18.0).await;
    for fan in &fans {
        world.claimed(fan).await;
    }
    assert_eq!(world.snapshot().await.counts.inside, 60);
}

async fn what_has_ended_never_comes_back(world: World) {
    let policy = |ready: u32| {
        json!({"maxActive": 2, "readyTtlSeconds": ready, "waitingTtlSeconds": 3600,
            "keepPlaceMinutes": 0, "sessionMinutes": (ready / 10).min(120)})
    };
    world.put(1, policy(10)).await;
    for name in ["x", "y", "z", "w"] {
        world.join(name).await;
    }
    world.let_in(2).await;
    world.pass(10.0).await;
    assert_eq!(world.let_in(2).await, ["z", "w"]);
    let holds = async |when: &str| {
        for _ in 0..2 {
            let snapshot = world.snapshot().await;
            assert_eq!(snapshot.totals.unclaimed, 2, "{when}");
            assert_eq!(
                (snapshot.counts.ready, snapshot.counts.slots),
                (0, 2),
                "{when}"
            );
            for name in ["x", "y"] {
                assert_eq!(world.state(name).await, "none", "{when}");
                assert_eq!(world.claim(name).await, Claim::NotReady, "{when}");
            }
        }
    };
    for name in ["z", "w"] {
        world.claimed(name).await;
    }
    world.pass_unheard(16.0);
    assert_eq!(world.snapshot().await.totals.unclaimed, 2);
    world.beat(Role::WaitingRoom, true).await;
    world.beat(Role::Token, true).await;
    assert_eq!(world.snapshot().await.totals.unclaimed, 2);
    world.pass_unheard(16.0);
    for version in 2..4 {
        world.put(version, policy(3600 / version as u32)).await;
        holds("the time is longer").await;
        world.pass(1.0).await;
        holds("after two gaps").await;
    }
    world.pass_unheard(-3600.0);
    holds("the clock is behind the beats").await;
    world.pass(2.0).await;
    holds("and they follow it").await;
    assert_eq!(world.snapshot().await.counts.inside, 2);
}

async fn a_step_of_the_clock_ends_no_session_and_no_wait(world: World) {
    let policy = json!({"mode": "threshold", "maxActive": 3, "waitingTtlSeconds": 60,
        "keepPlaceMinutes": 1, "readyTtlSeconds": 60});
    world.put(1, policy).await;
    let inside = join_many(&world, 0..3).await;
    let mut tokens = Vec::new();
    for name in &inside {
        tokens.push(world.claimed(name).await);
    }
    join_many(&world, 10..15).await;
    for step in [660.0, -3600.0, 90_000.0] {
        world.pass_unheard(step);
        for role in BOTH {
            world.beat(role, true).await;
        }
        world.sweep().await;
        world.enter("m00010").await;
        let snapshot = world.snapshot().await;
        let counts = (snapshot.counts.inside, snapshot.counts.slots);
        assert_eq!((counts, snapshot.counts.waiting), ((3, 3), 5), "{step}");
        assert!(world.open(1).await.entries.is_empty(), "{step}");
        world.pass_unheard(-step);
        for role in BOTH {
            world.beat(role, true).await;
        }
    }
    for (name, token) in inside.iter().zip(&tokens) {
        assert_eq!(&world.claimed(name).await, token);
    }
    world.pass(600.0).await;
    assert_eq!(world.snapshot().await.counts.inside, 0, "nor longer");
}

async fn a_fast_clock_past_the_end_for_a_moment_clears_no_line(world: World) {
    world.put(1, json!({"bookingEndAt": at(120)})).await;
    join_many(&world, 0..50).await;
    world.pass(100.0).await;
    for seconds in [0.3, 9.0, 9.0] {
        world.pass_unheard(20.0);
        world.pass(seconds).await;
        assert_eq!(world.enter("late").await, Entering::Closed);
        assert!(world.schedule().await.entries.is_empty());
        world.pass_unheard(-20.0 - seconds);
        world.pass(0.0).await;
        world.beat(Role::Token, true).await;
        world.sweep().await;
        assert_eq!(world.snapshot().await.counts.waiting, 50);
    }
    assert_eq!(world.let_in(1).await.len(), 1);
    world.pass(20.0).await;
    assert_eq!(world.snapshot().await.totals.cleared, 0);
    world.pass(10.0).await;
    assert_eq!(world.snapshot().await.totals.cleared, 49, "it has ended");
}

async fn a_member_called_while_the_clock_was_fast_holds_no_slot_for_longer(world: World) {
    let policy = json!({"maxActive": 2, "readyTtlSeconds": 60, "sessionMinutes": 10,
        "holdDurationMinutes": 10});
    world.put(1, policy).await;
    world.pass_unheard(3600.0);
    for name in ["called", "inside"] {
        world.join(name).await;
    }
    world.let_in(2).await;
    let token = world.claimed("inside").await;
    world.pass_unheard(-3600.0);
    for role in BOTH {
        world.beat(role, true).await;
    }
    // The step counted for 2 s.
    world.pass(62.0).await;
    assert_eq!(world.state("called").await, "none");
    assert_eq!(world.snapshot().await.counts.slots, 1);
    world.pass(538.0).await;
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.counts.inside, snapshot.totals.expired), (0, 1));
    assert!(token.exp * 1_000 > world.now().0, "by the clock it lives");
    world.sweep().await;
    assert_eq!(world.revoked().await, [token.number], "so it is revoked");
    assert_eq!(
        world.snapshot().await.counts.slots,
        1,
        "until the gates know"
    );
    world.pass(7.0).await;
    assert_eq!(world.snapshot().await.counts.slots, 0);
}

async fn one_account_that_leaves_again_and_again_holds_one_slot(world: World) {
    world
        .put(1, json!({"mode": "threshold", "maxActive": 50}))
        .await;
    for _ in 0..60 {
        world.join("again").await;
        assert_eq!(world.state("again").await, "ready");
        world.claimed("again").await;
        world.exit("again").await;
        assert_eq!(world.snapshot().await.counts.slots, 1);
    }
    join_many(&world, 0..49).await;
    assert_eq!(world.state("m00048").await, "ready");
    world.join("next").await;
    assert_eq!(world.state("next").await, "waiting", "50 of 50");
    world.pass(7.0).await;
    assert_eq!(names(&world.schedule().await), ["next"]);
}

async fn the_absent_in_front_before_the_start_keep_nobody_waiting(world: World) {
    let policy = json!({"bookingStartAt": at(600), "waitingTtlSeconds": 300, "groupSize": 50,
        "keepPlaceMinutes": 30});
    world.put(1, policy).await;
    join_many(&world, 0..2500).await;
    world.pass(298.0).await;
    let live = join_many(&world, 5000..5050).await;
    world.pass(2.0).await;
    // An opening before the start passes them over as well.
    let mut opened = world.open(1).await;
    while opened.more {
        assert!(opened.entries.is_empty());
        opened = world.open(1).await;
    }
    assert_eq!(names(&opened), live[..1]);
    for _ in 0..3 {
        world.pass(100.0).await;
        world.sweep().await;
        for name in &live {
            sign_of_life(&world, name).await;
        }
    }
    assert_eq!(names(&world.schedule().await), live[1..]);
    let snapshot = world.snapshot().await;
    assert_eq!((snapshot.counts.away, snapshot.totals.lapsed), (2500, 0));
}

/// Short times for everything.
fn short() -> Value {
    json!({"waitingTtlSeconds": 30, "keepPlaceMinutes": 1, "readyTtlSeconds": 60})
}

/// One READY, one away and one waiting who has 24 s left.
async fn one_of_each(world: &World) {
    world.put(1, short()).await;
    for name in ["ready", "away", "waiting"] {
        world.join(name).await;
    }
    world.let_in(1).await;
    world.pass(25.0).await;
    world.enter("waiting").await;
    world.pass(6.0).await;
    world.sweep().await;
    all_stand(world).await;
}

async fn all_stand(world: &World) {
    world.sweep().await;
    for state in ["ready", "away", "waiting"] {
        assert_eq!(world.state(state).await, state);
    }
    world.snapshot().await;
}

async fn nothing_runs_out_while_nobody_beats(world: World) {
    one_of_each(&world).await;
    world.pass_unheard(100_000.0);
    all_stand(&world).await;
    // First a whole time more, then what was left of it.
    world.pass(53.0).await;
    all_stand(&world).await;
    world.pass(1.0).await;
    assert_eq!(world.state("waiting").await, "away");
    world.pass(34.0).await;
    assert_eq!(world.state("ready").await, "ready");
    world.pass(1.0).await;
    assert_eq!(
        world.state("ready").await,
        "none",
        "60 s, and the 29 that were left"
    );
    assert_eq!(world.state("away").await, "away");
    world.pass(1.0).await;
    assert_eq!(
        world.state("away").await,
        "none",
        "30 s, and the 60 that were left"
    );
}

async fn after_each_gap_there_is_a_whole_time_once_more(world: World) {
    one_of_each(&world).await;
    for _ in 0..2 {
        world.pass_unheard(16.0);
        world.pass(28.0).await;
        all_stand(&world).await;
    }
    world.pass_unheard(13.0);
    world.pass(25.0).await;
    all_stand(&world).await;
    world.pass(1.0).await;
    assert_eq!(world.state("waiting").await, "away", "15 s are no gap");
}

async fn a_gap_of_waiting_room_is_one_for_those_called_too(world: World) {
    one_of_each(&world).await;
    // Token's beats count for 15 s more.
    world.pass_with(16.0, &[Role::Token], true).await;
    all_stand(&world).await;
    world.pass_with(1000.0, &[Role::Token], true).await;
    all_stand(&world).await;
    world.pass(60.0).await;
    assert_eq!(world.state("ready").await, "ready");
    world.pass(30.0).await;
    assert_eq!(world.state("ready").await, "none");
}

async fn a_beat_counts_for_two_seconds_at_most(world: World) {
    one_of_each(&world).await;
    for _ in 0..11 {
        world.pass_unheard(15.0);
        for role in BOTH {
            world.beat(role, true).await;
        }
    }
    all_stand(&world).await;
    world.pass(2.0).await;
    assert_eq!(world.state("waiting").await, "away", "24 s in twelve beats");
}

async fn the_schedule_takes_nobody_while_token_or_waiting_room_is_away(world: World) {
    let policy = json!({"groupSize": 1, "entryIntervalSeconds": 1});
    world.put(1, policy).await;
    join_many(&world, 0..30).await;
    for there in BOTH {
        world.pass(2.0).await;
        assert_eq!(take(&world).await, 1);
        world.pass_with(15.0, &[there], true).await;
        assert_eq!(take(&world).await, 1, "for 15 s");
        world.pass_with(2.0, &[there], true).await;
        assert_eq!(take(&world).await, 0, "{there:?} only");
        assert_eq!(world.let_in(1).await.len(), 1, "by hand");
    }
    world.pass(2.0).await;
    assert_eq!(take(&world).await, 1);
    // A beat of before a step of the clock says nothing.
    world.pass_unheard(-3600.0);
    assert_eq!(take(&world).await, 0);
    world.pass(1.0).await;
    assert_eq!(take(&world).await, 1);
}

async fn a_crowd_that_nobody_hears_is_kept_for_as_long_as_a_place_is(world: World) {
    world.put(1, short()).await;
    world.pass(2.0).await;
    let fans = join_many(&world, 0..20).await;
    world.pass_with(70.0, &BOTH, false).await;
    assert_eq!(world.snapshot().await.counts.waiting, 20);
    assert_eq!(take(&world).await, 0, "nobody is taken into the silence");
    world.pass_with(16.0, &BOTH, false).await;
    assert_eq!(world.snapshot().await.counts.waiting, 20);
    assert_eq!(
        take(&world).await,
        10,
        "it lasts as long as a place is kept"
    );
    world.pass_with(6.0, &BOTH, false).await;
    assert_eq!(world.state(&fans[19]).await, "away");
}

async fn a_crowd_that_is_heard_again_gets_no_time_anew(world: World) {
    world.put(1, short()).await;
    world.pass(2.0).await;
    let fans = join_many(&world, 0..20).await;
    world.pass_with(60.0, &BOTH, false).await;
    assert_eq!(world.snapshot().await.counts.waiting, 20);
    world.beat(Role::Token, true).await;
    assert_eq!(take(&world).await, 10, "somebody is heard");
    world.pass(15.0).await;
    assert_eq!(world.state(&fans[19]).await, "waiting");
    world.pass(3.0).await;
    assert_eq!(world.state(&fans[19]).await, "away");
}

async fn a_crowd_whose_sockets_are_there_is_heard(world: World) {
    world.put(1, short()).await;
    world.pass(2.0).await;
    join_many(&world, 0..20).await;
    world.pass_with(20.0, &BOTH, false).await;
    world.beat(Role::Realtime, true).await;
    assert_eq!(take(&world).await, 10);
}

async fn sockets_alone_let_no_time_pass(world: World) {
    world.put(1, short()).await;
    world.pass(2.0).await;
    let fans = join_many(&world, 0..20).await;
    world.pass_with(300.0, &[Role::Realtime], true).await;
    assert_eq!(take(&world).await, 0, "nobody could fetch a token");
    assert_eq!(world.state(&fans[19]).await, "waiting");
}

async fn a_few_who_are_silent_run_out(world: World) {
    world.put(1, short()).await;
    world.pass(2.0).await;
    join_many(&world, 0..19).await;
    world.pass_with(30.0, &BOTH, false).await;
    assert_eq!(world.snapshot().await.counts.waiting, 0);
}

async fn a_short_time_to_fetch_the_token_shortens_the_silence(world: World) {
    world.put(1, json!({"readyTtlSeconds": 12})).await;
    world.pass(2.0).await;
    join_many(&world, 0..20).await;
    world.let_in(20).await;
    world.pass_with(300.0, &BOTH, false).await;
    assert_eq!(world.snapshot().await.counts.ready, 20);
    world.pass(6.0).await;
    assert_eq!(world.snapshot().await.counts.ready, 20);
    world.pass(4.0).await;
    assert_eq!(world.snapshot().await.counts.ready, 0);
}

async fn a_place_is_kept_from_when_it_was_moved_and_only_while_open(world: World) {
    let early = |start: Value| json!({"bookingStartAt": start, "waitingTtlSeconds": 30, "keepPlaceMinutes": 1});
    world.put(1, early(json!(at(600)))).await;
    world.join("a").await;
    world.pass(610.0).await;
    let counts = world.snapshot().await.counts;
    assert_eq!(
        (counts.waiting, counts.away),
        (0, 1),
        "shown as away, swept or not"
    );
    world.pass(100.0).await;
    assert_eq!(
        world.snapshot().await.counts.away,
        1,
        "and never lapsed before it is moved"
    );
    world.sweep().await;
    world.pass(59.0).await;
    assert_eq!(world.state("a").await, "away");
    world.pass(1.0).await;
    assert_eq!(world.state("a").await, "none");
    // A start that is moved lapses nobody at once.
    world.put(2, early(json!(at(14_000)))).await;
    world.join("b").await;
    world.pass(7_000.0).await;
    world.sweep().await;
    world.put(3, early(json!(at(5_000)))).await;
    world.pass(59.0).await;
    assert_eq!(world.state("b").await, "away");
    world.pass(2.0).await;
    assert_eq!(world.state("b").await, "none");
}

/// `a` has left its session; its slot is cooling, and it is the only one.
async fn one_cools(world: &World, mode: &str) {
    let policy = json!({"mode": mode, "maxActive": 1, "groupSize": 5, "entryIntervalSeconds": 1});
    world.put(1, policy).await;
    world.join("a").await;
    if mode == "queue" {
        world.let_in(1).await;
    }
    world.claimed("a").await;
    world.exit("a").await;
}

async fn slots(world: &World) -> u64 {
    world.snapshot().await.counts.slots
}

async fn a_cooling_slot_is_free_for_its_own_member(world: World) {
    one_cools(&world, "threshold").await;
    world.join("a").await;
    assert_eq!((world.state("a").await, slots(&world).await), ("ready", 1));
    world.exit("a").await;
    world.join("b").await;
    assert_eq!(world.state("b").await, "waiting");
}

async fn a_cooling_slot_is_not_shortened_by_leaving_again(world: World) {
    one_cools(&world, "threshold").await;
    world.pass(2.0).await;
    world.join("a").await;
    world.exit("a").await;
    assert_eq!(
        slots(&world).await,
        1,
        "READY's is free at once, the other is not"
    );
    world.pass(4.9).await;
    assert_eq!(slots(&world).await, 1);
    world.pass(0.1).await;
    assert_eq!(slots(&world).await, 0);
}

async fn a_cooling_slot_is_no_place_in_line(world: World) {
    one_cools(&world, "threshold").await;
    world.join("b").await;
    world.join("a").await;
    assert_eq!(world.state("a").await, "waiting");
    assert_eq!(take(&world).await, 0, "b is first, and has no slot");
    world.pass(7.0).await;
    assert_eq!(names(&world.schedule().await), ["b"]);
}

async fn a_full_house_admits_the_member_whose_slot_is_cooling(world: World) {
    one_cools(&world, "queue").await;
    world.join("a").await;
    world.join("b").await;
    let taken = world.schedule().await;
    assert_eq!(
        (names(&taken), slots(&world).await),
        (vec!["a".to_owned()], 1)
    );
    world.exit("a").await;
    assert_eq!(slots(&world).await, 1, "put back");
    assert!(world.open(1).await.entries.is_empty());
    world.pass(7.0).await;
    assert_eq!(world.let_in(1).await, ["b"]);
}

async fn clearing_puts_back_the_cooling_slots_of_those_taken(world: World) {
    one_cools(&world, "queue").await;
    world.join("a").await;
    assert_eq!(world.open(1).await.entries.len(), 1);
    world.store.clear(&id()).await.unwrap();
    assert_eq!(slots(&world).await, 1);
    world.pass(7.0).await;
    assert_eq!(slots(&world).await, 0);
}

async fn a_token_that_ran_out_by_the_clock_is_issued_anew_while_its_slot_stands(world: World) {
    world
        .put(1, json!({"sessionMinutes": 10, "maxActive": 1}))
        .await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    world.pass(100.0).await;
    world.pass_unheard(1_000.0);
    assert!(first.exp * 1_000 < world.now().0);
    let again = world.claimed("a").await;
    // The claim counts for 2 s, as a beat does.
    let exp = world.now().seconds() + 498;
    assert_eq!(
        (&again.jti, again.exp, again.iat),
        (&first.jti, exp, first.iat)
    );
    assert_eq!(world.claimed("a").await, again, "and no more");
    let until = UnixMs(exp * 1_000);
    assert!(matches!(world.place("a").await, EntryState::Entered { until: u, .. } if u == until));
    world.pass(497.9).await;
    assert_eq!(slots(&world).await, 1);
    world.pass(0.1).await;
    assert_eq!(world.state("a").await, "none");
    world.sweep().await;
    assert!(
        world.revoked().await.is_empty(),
        "it has run out by the clock too"
    );
}

async fn an_extension_is_bounded_by_the_time_of_the_slot(world: World) {
    let policy = json!({"sessionMinutes": 10, "holdDurationMinutes": 10, "maxActive": 1});
    world.put(1, policy).await;
    world.join("a").await;
    world.let_in(1).await;
    let first = world.claimed("a").await;
    world.pass(500.0).await;
    world.pass_unheard(1_000.0);
    let extension = world.extend("a", first.number).await.unwrap();
    let exp = world.now().seconds() + 600;
    assert_eq!((extension.extended, extension.token.exp), (true, exp));
    world.pass(400.0).await;
    let last = world.extend("a", first.number).await.unwrap();
    // 902 s of 1,200 are over.
    let exp = world.now().seconds() + 298;
    assert_eq!((last.extended, last.token.exp), (true, exp));
    world.pass(297.0).await;
    let over = world.extend("a", first.number).await.unwrap();
    assert!(!over.extended);
    world.pass(1.0).await;
    assert_eq!(world.extend("a", first.number).await, None);
}

async fn what_is_left_is_told_with_the_stand_still(world: World) {
    world.put(1, json!({"readyTtlSeconds": 60})).await;
    world.join("a").await;
    world.let_in(1).await;
    let left = async || match world.place("a").await {
        EntryState::Ready { until, .. } => until.0 - world.now().0,
        other => panic!("{other:?}"),
    };
    assert_eq!(left().await, 60_000);
    world.pass(20.0).await;
    assert_eq!(left().await, 40_000);
    world.pass_unheard(1.0);
    assert_eq!(left().await, 39_000, "between two beats");
    world.pass_unheard(100.0);
    world.pass(10.0).await;
    assert_eq!(left().await, 90_000);
    let seen = number(world.place("a").await);
    assert!(seen.is_some());
}

/// Whether the line is live, as everybody knows within a second.
async fn is_live(world: &World) -> bool {
    world.pass_unheard(1.0);
    let live = world.store.live().await.unwrap();
    assert_eq!(world.store.live().await.unwrap(), live);
    live == [id()]
}

async fn a_line_is_live_while_anybody_has_something_in_it(world: World) {
    let policy = json!({"waitingTtlSeconds": 30, "keepPlaceMinutes": 1, "readyTtlSeconds": 30,
        "sessionMinutes": 1, "autoOpen": false});
    world.put(1, policy).await;
    assert!(!is_live(&world).await);
    let collected = async || {
        world.sweep().await;
        !is_live(&world).await
    };
    for goes in [
        "leaves",
        "lapses",
        "does not fetch the token",
        "stays inside",
        "exits",
    ] {
        world.join("a").await;
        assert!(is_live(&world).await, "{goes}");
        match goes {
            "leaves" => {
                world.exit("a").await;
            }
            "lapses" => {
                world.pass(31.0).await;
                assert!(!collected().await, "the place of a is kept");
                world.pass(61.0).await;
            }
            "does not fetch the token" => {
                world.let_in(1).await;
                assert!(!collected().await, "a is called");
                world.pass(31.0).await;
            }
            _ => {
                world.let_in(1).await;
                world.claimed("a").await;
                assert!(!collected().await, "a is inside");
                if goes == "exits" {
                    world.exits("a").await;
                    assert!(!collected().await, "the slot of a is taken");
                    world.pass(10.0).await;
                } else {
                    world.pass(70.0).await;
                }
            }
        }
        world.sweep().await;
        assert!(collected().await, "{goes}");
    }
}

async fn a_line_that_wakes_up_has_no_gap_and_takes_at_once(world: World) {
    let policy = json!({"readyTtlSeconds": 30, "waitingTtlSeconds": 30, "groupSize": 1,
        "entryIntervalSeconds": 10});
    world.put(1, policy).await;
    for hour in 0..3 {
        // A lone beat, as of a service that had an old list, finds a gap.
        if hour == 2 {
            world.beat(Role::WaitingRoom, false).await;
            world.beat(Role::Token, false).await;
        }
        world.join("a").await;
        let taken = world.schedule().await;
        assert_eq!(names(&taken), ["a"], "hour {hour}");
        world.call(&taken.entries).await;
        world.pass(31.0).await;
        world.sweep().await;
        assert_eq!(
            world.state("a").await,
            "none",
            "the time to fetch the token went on"
        );
        world.sweep().await;
        assert!(!is_live(&world).await);
        world.pass_unheard(3_600.0);
    }
    // A service that does not come back is away.
    world.join("a").await;
    world.pass_with(16.0, &[Role::WaitingRoom], true).await;
    assert!(
        world.schedule().await.entries.is_empty(),
        "no token can be fetched"
    );
}

async fn an_interval_lasts_although_the_line_is_empty_meanwhile(world: World) {
    let policy = json!({"groupSize": 1, "entryIntervalSeconds": 60});
    world.put(1, policy).await;
    world.join("a").await;
    let taken = world.schedule().await;
    world.call(&taken.entries).await;
    world.exits("a").await;
    world.pass(20.0).await;
    world.sweep().await;
    assert!(is_live(&world).await, "the interval lasts");
    world.join("b").await;
    for _ in 0..19 {
        assert!(world.schedule().await.entries.is_empty());
        world.pass(2.0).await;
    }
    world.pass(2.0).await;
    assert_eq!(names(&world.schedule().await), ["b"]);
}
