//! Many requests at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::json;

use crate::app::App;

sunbeon_test_support::on_both!(
    two_hundred_simultaneous_enters_fill_exactly_the_free_slots,
    one_member_entering_fifty_times_at_once_gets_one_place,
);

async fn two_hundred_simultaneous_enters_fill_exactly_the_free_slots(app: App) {
    const SLOTS: usize = 7;
    app.stage
        .create("c", json!({"mode": "threshold", "maxActive": SLOTS}))
        .await;
    let names: Vec<_> = (0..200).map(|n| format!("fan-{n}")).collect();
    let answers = join_all(names.iter().map(|who| app.api.enter("c", who))).await;
    let standings: Vec<_> = answers.iter().map(|answer| answer.data(201)).collect();
    let ready = standings
        .iter()
        .filter(|standing| standing["status"] == "READY");
    assert_eq!(ready.count(), SLOTS);
    let numbers: BTreeSet<_> = standings
        .iter()
        .map(|standing| standing["entryNumber"].as_u64())
        .collect();
    assert_eq!(numbers.len(), 200, "each entry has its own number");
    let line = app.api.line("c").await;
    assert_eq!(line["counts"]["ready"], SLOTS);
    assert_eq!(line["counts"]["slots"], SLOTS);
    assert_eq!(line["counts"]["waiting"], 200 - SLOTS);
    assert_eq!(line["totals"]["byEnter"], SLOTS);
    // Members in line stand in the order of their entry numbers, each with a different queue
    // number.
    let mut places = Vec::new();
    for who in names {
        let standing = app.api.standing("c", &who).await;
        if standing["status"] == "WAITING" {
            places.push((
                standing["queueNumber"].as_u64(),
                standing["entryNumber"].as_u64(),
            ));
        }
    }
    places.sort();
    let queue_numbers: Vec<_> = places.iter().filter_map(|place| place.0).collect();
    assert_eq!(queue_numbers, (1..=200 - SLOTS as u64).collect::<Vec<_>>());
    assert!(places.iter().map(|place| place.1).is_sorted());
}

async fn one_member_entering_fifty_times_at_once_gets_one_place(app: App) {
    app.stage.create_by_hand("c").await;
    app.api.enter("c", "first").await.data(201);
    let answers = join_all((0..50).map(|_| app.api.enter("c", "fan"))).await;
    let (new, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((new.len(), refused.len()), (1, 49));
    let standing = new[0].data(201);
    for answer in refused {
        let told = answer.fails("ALREADY_IN_QUEUE");
        assert_eq!(told["entryNumber"], standing["entryNumber"]);
        assert_eq!(told["queueNumber"], 2);
    }
    assert_eq!(app.api.line("c").await["totals"]["joined"], 2);
}
