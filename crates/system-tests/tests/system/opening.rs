//! Several operators at once.

use std::collections::HashMap;

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack, at_once, joined};
use sunbeon_test_support::{Answer, Api, eventually};

async fn line_up(room: &Api, concert: &'static str, n: usize) -> Vec<String> {
    let members: Vec<_> = (0..n).map(|i| format!("fan-{i}")).collect();
    let work = members.clone().into_iter().map(|member| {
        let room = room.clone();
        async move { drop(room.enter(concert, &member).await.of(201)) }
    });
    // Two at a time arrive in any order, so the line's own order is read.
    at_once(16, work).await;
    room.members(concert)
        .await
        .into_iter()
        .map(|listed| listed.member)
        .collect()
}

/// Returns the status of each member.
async fn standings(
    open: &Api,
    concert: &'static str,
    members: &[String],
) -> HashMap<String, String> {
    let work = members.iter().cloned().map(|member| {
        let open = open.clone();
        async move {
            let standing = open
                .look_up(concert, &member)
                .await
                .of(200)
                .stands()
                .to_owned();
            (member, standing)
        }
    });
    at_once(16, work).await.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_at_once_admit_nobody_twice_and_lose_nobody() {
    let stack = Stack::start().await;
    let (room, first, second, consumer) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
    );
    let (room, first, second) = (room.api(), first.api(), second.api());
    first.create("sale", json!({ "autoOpen": false })).await;
    let line = line_up(&room, "sale", 400).await;
    // Every seventh member leaves while both operators open.
    let goers: Vec<_> = line.iter().step_by(7).cloned().collect();
    let leaving = tokio::spawn({
        let (room, goers) = (room.clone(), goers.clone());
        async move {
            for member in goers {
                let _ = room.exit("sale", &member).await.of(200);
            }
        }
    });
    let openings = (0..30).map(|i| {
        let open = if i % 2 == 0 {
            first.clone()
        } else {
            second.clone()
        };
        async move {
            open.open("sale", 7).await.data(200)["admitted"]
                .as_u64()
                .unwrap()
        }
    });
    let taken: u64 = at_once(30, openings).await.into_iter().sum();
    joined(leaving).await;
    assert_eq!(taken, 210);
    eventually(SOON, "all who were taken are READY", async || {
        room.line("sale").await.count("admitting") == 0
    })
    .await;

    // Members who stayed are READY up to some point of the line, and waiting beyond it.
    let standings = standings(&first, "sale", &line).await;
    let stayed: Vec<_> = line
        .iter()
        .filter(|member| !goers.contains(member))
        .collect();
    let ready = stayed
        .iter()
        .take_while(|member| standings[**member] == "READY")
        .count();
    assert!(
        stayed[ready..]
            .iter()
            .all(|member| standings[*member] == "WAITING")
    );
    assert!(
        goers
            .iter()
            .all(|member| standings[member] == "NOT_IN_QUEUE")
    );
    let numbers = room.line("sale").await;
    assert_eq!(numbers.count("ready"), ready as u64);
    assert_eq!(
        numbers.total("left") + numbers.total("exited"),
        goers.len() as u64
    );

    let rest = stayed.len() - ready;
    let opened = second.open("sale", 1_000).await;
    assert_eq!(opened.data(200)["admitted"], rest);
    eventually(SOON, "everybody who stayed is READY", async || {
        room.line("sale").await.count("ready") == stayed.len() as u64
    })
    .await;
    stack.ends_well(&room, &["sale"], &[&consumer]).await;
}

fn told(answer: &Answer) -> (&str, serde_json::Value) {
    let data = answer.data(200);
    let facts = json!([data["requested"], data["admitted"], data["limitedBy"]]);
    (answer.header("idempotent-replayed"), facts)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_opens_one_batch_on_any_replica_at_any_time() {
    let stack = Stack::start().await;
    let (room, first, second, consumer) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
    );
    let (room, first, second) = (room.api(), first.api(), second.api());
    first.create("sale", json!({ "autoOpen": false })).await;
    line_up(&room, "sale", 1_500).await;
    for round in 0..5_u64 {
        let key = format!("key-{round}");
        let both = tokio::join!(
            first.open_once("sale", 25, &key),
            second.open_once("sale", 25, &key)
        );
        let both = [both.0.of(200), both.1.of(200)];
        let mut replayed = both.each_ref().map(|answer| told(answer).0);
        replayed.sort_unstable();
        assert_eq!(replayed, ["", "true"]);
        let facts = told(&both[0]).1;
        assert_eq!(facts, json!([25, 25, "batchSize"]));
        assert_eq!(told(&both[1]).1, facts);
        let later = second.open_once("sale", 25, &key).await.of(200);
        assert_eq!(told(&later), ("true", facts));
        assert_eq!(room.line("sale").await.taken(), 25 * (round + 1));
    }
    first
        .open_once("sale", 26, "key-0")
        .await
        .fails("IDEMPOTENCY_KEY_REUSED");

    // A batch larger than one call takes: both requests carry it on together.
    let both = tokio::join!(
        first.open_once("sale", 1_200, "big"),
        second.open_once("sale", 1_200, "big")
    );
    for answer in [
        both.0.of(200),
        both.1.of(200),
        first.open_once("sale", 1_200, "big").await,
    ] {
        assert_eq!(told(&answer).1, json!([1_200, 1_200, "batchSize"]));
    }
    assert_eq!(room.line("sale").await.taken(), 1_325);
    eventually(SOON, "all who were taken are READY", async || {
        room.line("sale").await.count("ready") == 1_325
    })
    .await;
    stack.ends_well(&room, &["sale"], &[&consumer]).await;
}
