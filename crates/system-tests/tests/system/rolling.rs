//! A rolling deployment behind the front door.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use sunbeon_system_tests::{FrontDoor, SOON, Service, Stack, joined};
use sunbeon_test_support::Api;

const FANS: usize = 12;

/// Goes through the whole sale repeatedly, as a new member each time, and returns how often. Any
/// wrong answer fails.
async fn fan(door: Api, name: usize, stop: Arc<AtomicBool>) -> usize {
    let mut sessions = 0;
    while !stop.load(Ordering::Relaxed) {
        let member = format!("fan-{name}-{sessions}");
        let number = door.enter("sale", &member).await.of(201).number();
        let begun = Instant::now();
        loop {
            let standing = door.status("sale", &member).await.of(200);
            assert_eq!(standing.number(), number);
            if standing.stands() == "READY" {
                break;
            }
            assert!(
                begun.elapsed() < SOON,
                "{member} is not called: {}",
                standing.body
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let issued = door.token("sale", &member).await;
        let token = issued.data(200)["token"].as_str().unwrap().to_owned();
        // Another replica issues the same token.
        assert_eq!(door.token("sale", &member).await.data(200)["token"], token);
        let _ = door.complete("sale", &member, &token).await.of(200);
        sessions += 1;
    }
    sessions
}

/// Opens batches, one after another.
async fn operator(door: Api, stop: Arc<AtomicBool>) -> usize {
    let mut openings = 0;
    while !stop.load(Ordering::Relaxed) {
        let _ = door
            .open_once("sale", 3, &format!("key-{openings}"))
            .await
            .of(200);
        openings += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    openings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_every_replica_fails_no_request() {
    let stack = Stack::start().await;
    let two = async |service| tokio::join!(stack.run(service), stack.run(service));
    let (mut rooms, mut opens, mut consumers, mut tokens) = tokio::join!(
        two(Service::WaitingRoom),
        two(Service::ReservationOpen),
        two(Service::EntryConsumer),
        two(Service::Token),
    );
    let door = FrontDoor::start(
        &stack,
        &[&rooms.0, &rooms.1],
        &[&opens.0, &opens.1],
        &[&tokens.0, &tokens.1],
        &[],
    )
    .await;
    let api = door.operators();
    let policy = json!({ "groupSize": 10, "entryIntervalSeconds": 1 });
    api.create("sale", policy).await;
    let stop = Arc::new(AtomicBool::new(false));
    let fans: Vec<_> = (0..FANS)
        .map(|i| tokio::spawn(fan(door.public(), i, stop.clone())))
        .collect();
    let operator = tokio::spawn(operator(api.clone(), stop.clone()));

    for replica in [
        &mut rooms.0,
        &mut rooms.1,
        &mut opens.0,
        &mut opens.1,
        &mut consumers.0,
        &mut consumers.1,
        &mut tokens.0,
        &mut tokens.1,
    ] {
        replica.end().await;
        replica.start_again().await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sessions = 0;
    for fan in fans {
        sessions += joined(fan).await;
    }
    assert!(joined(operator).await >= 20);
    assert!(
        sessions >= 5 * FANS,
        "there was hardly a load: {sessions} sessions"
    );
    let line = api.line("sale").await;
    let totals = ["joined", "admitted", "completed"].map(|name| line.total(name));
    assert_eq!(totals, [sessions as u64; 3]);
    stack
        .ends_well(&api, &["sale"], &[&consumers.0, &consumers.1])
        .await;
}
