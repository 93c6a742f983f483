//! What the shop has left, on both stores.

use serde_json::json;
use sunbeon_domain::{EntryState, Standing, StockReport, Tier, UnixMs};
use sunbeon_store::{Entering, LimitedBy, Role, StoreError};

use crate::world::{START, World, id, names, number};

behaviours!(
    what_is_left_is_told_for_a_minute,
    at_nothing_left_and_nothing_held_the_line_is_told,
    the_schedule_takes_nobody_while_all_is_sold,
    after_a_return_no_more_are_taken_than_are_left,
    those_called_before_will_want_some_of_what_is_left,
    while_all_is_sold_the_fast_path_lines_up,
    whoever_does_not_stop_when_sold_out_goes_on,
    a_stale_report_stops_nothing,
    a_report_does_not_wake_an_idle_line,
    a_concert_made_again_knows_of_no_report,
);

fn report(left: [u32; 2], held: u32) -> StockReport {
    let tier = |name: &str, price, left| Tier {
        name: name.to_owned(),
        price,
        left,
    };
    StockReport {
        tiers: vec![
            tier("R", Some(150_000), left[0]),
            tier("스탠딩", None, left[1]),
        ],
        held,
    }
}

impl World {
    /// Returns whether the line is live.
    async fn report(&self, left: [u32; 2], held: u32) -> bool {
        let reported = self.store.put_stock(&id(), &report(left, held)).await;
        reported.unwrap()
    }

    async fn is_sold_out(&self) -> bool {
        self.snapshot().await.line_facts.sold_out
    }

    async fn told(&self, name: &str) -> Standing {
        let snapshot = self.snapshot().await;
        let concert = &snapshot.concert;
        let state = self.place(name).await;
        Standing::new(concert, state, &snapshot.line_facts, snapshot.at)
    }
}

/// A line of some members, where a take of ten is due every five seconds.
async fn line_of(world: &World, members: std::ops::Range<u32>) {
    let fields = json!({"groupSize": 10, "entryIntervalSeconds": 5, "sessionMinutes": 1});
    world.put(1, fields).await;
    for member in members {
        world.join(&format!("m{member}")).await;
    }
}

async fn what_is_left_is_told_for_a_minute(world: World) {
    let nowhere = world.store.put_stock(&id(), &report([1, 1], 0)).await;
    assert!(matches!(nowhere, Err(StoreError::UnknownConcert)));
    line_of(&world, 0..1).await;
    assert_eq!(world.told("m0").await.stock, None);
    world.report([12, 0], 3).await;
    world.pass(59.0).await;
    let stock = world.told("m0").await.stock.unwrap();
    assert_eq!(stock.tiers, report([12, 0], 3).tiers);
    assert_eq!(stock.reported_at, UnixMs((START / 1_000) as i64));
    world.report([11, 0], 4).await;
    world.pass(60.0).await;
    assert_eq!(world.told("m0").await.stock.unwrap().tiers[0].left, 11);
    world.pass(0.001).await;
    assert_eq!(world.told("m0").await.stock, None);
    world.report([11, 0], 4).await;
    world.pass_unheard(-3_600.0);
    assert_eq!(
        world.told("m0").await.stock,
        None,
        "it is from before a step of the clock"
    );
}

async fn at_nothing_left_and_nothing_held_the_line_is_told(world: World) {
    line_of(&world, 0..1).await;
    for (left, held, sold_out) in [
        ([0, 1], 0, false),
        ([0, 0], 1, false),
        ([0, 0], 0, true),
        ([1, 0], 0, false),
    ] {
        world.report(left, held).await;
        assert_eq!(world.is_sold_out().await, sold_out, "{left:?} {held}");
        let told = world.told("m0").await;
        assert_eq!(told.sold_out, sold_out);
        assert_eq!(told.queue_number, Some(1), "the place stays");
        let is_left = left != [0, 0];
        assert_eq!(told.estimated_enter_at.is_some(), is_left, "{held} held");
    }
}

async fn the_schedule_takes_nobody_while_all_is_sold(world: World) {
    line_of(&world, 0..3).await;
    world.report([0, 0], 0).await;
    assert!(world.schedule().await.entries.is_empty());
    let opened = world.open(2).await;
    assert!(opened.entries.is_empty());
    assert_eq!(
        (opened.limited_by, opened.still_waiting),
        (LimitedBy::SoldOut, 3)
    );
    world.report([10, 0], 0).await;
    assert_eq!(world.schedule().await.entries.len(), 3);
}

async fn after_a_return_no_more_are_taken_than_are_left(world: World) {
    line_of(&world, 0..9).await;
    world.report([0, 0], 0).await;
    assert!(world.schedule().await.entries.is_empty());
    world.report([1, 1], 0).await;
    assert_eq!(names(&world.schedule().await), ["m0", "m1"]);
    world.report([3, 0], 2).await;
    let opened = world.open(9).await;
    assert_eq!(names(&opened), ["m2"]);
    assert_eq!(opened.limited_by, LimitedBy::SoldOut);
    assert_eq!(world.open(1).await.limited_by, LimitedBy::SoldOut);
    world.report([20, 0], 0).await;
    let opened = world.open(9).await;
    assert_eq!(opened.entries.len(), 6);
    assert_eq!(opened.limited_by, LimitedBy::Line, "nobody else is waiting");
}

async fn those_called_before_will_want_some_of_what_is_left(world: World) {
    line_of(&world, 0..5).await;
    world.report([2, 0], 0).await;
    let taken = world.schedule().await;
    assert_eq!(names(&taken), ["m0", "m1"]);
    let nobody = async |why: &str| {
        world.pass(5.0).await;
        world.report([2, 0], 0).await;
        assert!(world.schedule().await.entries.is_empty(), "{why}");
    };
    nobody("they are admitting").await;
    world.call(&taken.entries).await;
    nobody("they are READY").await;
    // One comes in and holds something, the other only looks.
    world.claimed("m0").await;
    world.claimed("m1").await;
    world.report([1, 0], 1).await;
    assert_eq!(names(&world.schedule().await), ["m2"]);
    world.exits("m2").await;
    world.pass(5.0).await;
    world.report([1, 0], 1).await;
    assert_eq!(names(&world.schedule().await), ["m3"]);
}

async fn while_all_is_sold_the_fast_path_lines_up(world: World) {
    world
        .put(1, json!({"mode": "threshold", "maxActive": 9}))
        .await;
    assert!(matches!(world.enter("a").await, Entering::New(_)));
    assert_eq!(world.state("a").await, "ready");
    world.report([0, 0], 0).await;
    world.join("b").await;
    assert_eq!(world.state("b").await, "waiting");
    let again = world.enter("a").await;
    assert!(matches!(again, Entering::Already(_)));
    world.exits("b").await;
    world.report([0, 0], 1).await;
    let straight_in = world.join("c").await;
    assert_eq!(number(world.place("c").await), Some(straight_in));
    assert_eq!(world.state("c").await, "ready");
}

async fn whoever_does_not_stop_when_sold_out_goes_on(world: World) {
    let fields = json!({"mode": "threshold", "maxActive": 9, "stopWhenSoldOut": false});
    world.put(1, fields).await;
    world.report([0, 0], 0).await;
    world.join("a").await;
    assert_eq!(world.state("a").await, "ready");
    let fields = json!({"entryIntervalSeconds": 5, "stopWhenSoldOut": false});
    world.put(2, fields).await;
    for name in ["b", "c"] {
        world.join(name).await;
    }
    assert!(world.is_sold_out().await, "the line is told all the same");
    assert!(world.told("b").await.estimated_enter_at.is_some());
    assert_eq!(names(&world.schedule().await), ["b", "c"]);
}

async fn a_stale_report_stops_nothing(world: World) {
    line_of(&world, 0..2).await;
    world.report([0, 0], 0).await;
    world.pass(60.0).await;
    assert!(world.schedule().await.entries.is_empty());
    world.pass(1.0).await;
    assert!(!world.is_sold_out().await);
    assert_eq!(names(&world.schedule().await), ["m0", "m1"]);
}

async fn a_report_does_not_wake_an_idle_line(world: World) {
    line_of(&world, 0..0).await;
    assert!(!world.report([1, 0], 0).await);
    assert!(world.store.live().await.unwrap().is_empty());
    assert!(world.snapshot().await.line_facts.stock.is_some());
    world.join("a").await;
    assert!(world.report([1, 0], 0).await);
    world.exit("a").await;
    for _ in 0..3 {
        world
            .pass_with(2.0, &[Role::WaitingRoom, Role::Token], true)
            .await;
        world.report([1, 0], 0).await;
        world.sweep().await;
    }
    assert!(!world.report([1, 0], 0).await);
    world.pass_unheard(1.5);
    assert!(world.store.live().await.unwrap().is_empty());
    assert_eq!(world.place("a").await, EntryState::None);
}

async fn a_concert_made_again_knows_of_no_report(world: World) {
    line_of(&world, 0..0).await;
    world.report([0, 0], 0).await;
    assert!(world.store.drop_concert(&id(), 2).await.unwrap());
    world.put(3, json!({})).await;
    assert!(!world.is_sold_out().await);
    assert_eq!(world.snapshot().await.line_facts.stock, None);
}
