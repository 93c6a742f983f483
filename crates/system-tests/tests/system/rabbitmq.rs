//! Outages of RabbitMQ, stopped and killed.

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack, joined};
use sunbeon_test_support::{Api, Line, eventually};

const GROUP: u64 = 10;
const INTERVAL_MS: i64 = 1_000;

/// Reads the line repeatedly until told to stop.
async fn watch(room: Api, stop: Arc<AtomicBool>) -> Vec<Line> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        seen.push(room.line("sale").await);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    seen
}

/// Asserts that no more than one group was taken within any interval.
fn no_burst(seen: &[Line]) {
    for (i, from) in seen.iter().enumerate() {
        let within = seen[i..]
            .iter()
            .take_while(|to| to.at_ms() - from.at_ms() < INTERVAL_MS);
        let most = within
            .map(|to| to.taken() - from.taken())
            .max()
            .unwrap_or_default();
        assert!(
            most <= GROUP,
            "{most} were taken within {INTERVAL_MS} ms from {from:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_rabbitmq_during_a_sale_loses_nobody_and_ends_without_a_burst() {
    let stack = Stack::with_own_rabbitmq().await;
    let (first, room, open, other, consumer, _token) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
        stack.run(Service::Token),
    );
    let (door, api, control) = (first.api(), room.api(), open.api());
    let policy = json!({ "groupSize": GROUP, "entryIntervalSeconds": 1 });
    control.create("sale", policy).await;
    let mut joined_so_far = 0;
    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(api.clone(), stop.clone()));

    for killed in [false, true] {
        let admitted = api.line("sale").await.total("admitted");
        for i in 0..60 {
            let _ = door
                .enter("sale", &format!("fan-{killed}-{i}"))
                .await
                .of(201);
        }
        joined_so_far += 60;
        // A crowd that is never heard would not be called.
        let heard = format!("fan-{killed}-0");
        eventually(SOON, "the sale is running", async || {
            let _ = api.status("sale", &heard).await.of(200);
            api.line("sale").await.total("admitted") >= admitted + 2 * GROUP
        })
        .await;
        match killed {
            false => stack.rabbitmq().stop().await,
            true => stack.rabbitmq().kill().await,
        }
        for api in [open.api(), other.api()] {
            eventually(SOON, "the loss is noticed", async || {
                let health = api.get("/health", "").await;
                health.status == 503 && health.body["dependencies"]["broker"] == "down"
            })
            .await;
        }

        // Nobody is taken, by the schedule or by hand; joining and status continue.
        let before = api.line("sale").await;
        assert!(before.count("admitting") <= GROUP, "{before:?}");
        for key in ["a", "b"] {
            control.open("sale", 10).await.says_down("BROKER_DOWN");
            let key = format!("key-{key}-{killed}");
            other
                .api()
                .open_once("sale", 10, &key)
                .await
                .says_down("BROKER_DOWN");
        }
        let late = format!("late-{killed}");
        let number = door.enter("sale", &late).await.of(201).number();
        joined_so_far += 1;
        eventually(SOON, "several intervals pass", async || {
            let line = api.line("sale").await;
            assert_eq!(
                line.taken(),
                before.taken(),
                "somebody was taken during the outage"
            );
            assert_eq!(api.status("sale", &late).await.of(200).number(), number);
            line.at_ms() - before.at_ms() > 3 * INTERVAL_MS
        })
        .await;
        assert!(control.is_good("/live").await && control.is_good("/ready").await);

        stack.rabbitmq().start_again().await;
        eventually(SOON, "everybody is READY", async || {
            let _ = api.status("sale", &heard).await.of(200);
            api.line("sale").await.count("ready") == joined_so_far
        })
        .await;
        for replica in [&first, &room, &open, &other, &consumer] {
            replica.lives();
            replica.is_healthy().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    no_burst(&joined(watching).await);
    assert_eq!(api.line("sale").await.total("admitted"), joined_so_far);
    stack.ends_well(&api, &["sale"], &[&consumer]).await;
}
