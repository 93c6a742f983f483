//! Joining the line, and its order.

use std::{collections::HashSet, time::Duration};

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack, at_once};
use sunbeon_test_support::{Answer, Api, eventually};

async fn enter_all(rooms: &[Api; 2], concert: &'static str, members: Vec<String>) -> Vec<Answer> {
    let width = members.len().min(256);
    let work = members.into_iter().enumerate().map(|(i, member)| {
        let room = rooms[i % 2].clone();
        async move { room.enter(concert, &member).await }
    });
    at_once(width, work).await
}

fn numbers(answers: &[Answer]) -> HashSet<u64> {
    answers.iter().map(Answer::number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_fill_exactly_the_free_slots() {
    let stack = Stack::start().await;
    let (first, second, open, consumer, _token) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
        stack.run(Service::Token),
    );
    let rooms = [first.api(), second.api()];
    let room = &rooms[0];
    let policy = json!({ "mode": "threshold", "maxActive": 37, "entryIntervalSeconds": 1 });
    open.api().create("walk-in", policy).await;

    let members = (0..200).map(|i| format!("fan-{i}")).collect();
    let answers = enter_all(&rooms, "walk-in", members).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(numbers(&answers).len(), 200);
    let (inside, outside): (Vec<_>, Vec<_>) =
        (0..200).partition(|i| answers[*i].stands() == "READY");
    assert_eq!(inside.len(), 37);
    let line = room.line("walk-in").await;
    assert_eq!(
        (
            line.count("ready"),
            line.count("slots"),
            line.count("waiting")
        ),
        (37, 37, 163)
    );

    // Every member who leaves makes room for exactly one.
    for i in &inside[..9] {
        let _ = room.exit("walk-in", &format!("fan-{i}")).await.of(200);
    }
    eventually(SOON, "as many are let in as have left", async || {
        // A crowd that is never heard would not be called.
        let last = format!("fan-{}", outside[162]);
        let _ = room.status("walk-in", &last).await.of(200);
        let line = room.line("walk-in").await;
        assert!(line.count("slots") <= 37, "{line:?}");
        line.count("ready") == 37 && line.total("admitted") == 46
    })
    .await;
    let first_outside = outside
        .iter()
        .min_by_key(|i| answers[**i].number())
        .unwrap();
    let first_outside = room
        .status("walk-in", &format!("fan-{first_outside}"))
        .await
        .of(200);
    assert_eq!(first_outside.stands(), "READY");

    // One member, fifty times at once, in a line that nobody opens.
    let _ = open
        .api()
        .create("line", json!({ "autoOpen": false }))
        .await;
    let _ = room.enter("line", "somebody-else").await.of(201);
    let answers = enter_all(&rooms, "line", vec!["fan".to_owned(); 50]).await;
    let (new, already): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
    assert_eq!((new.len(), already.len()), (1, 49));
    for answer in already {
        answer.fails("ALREADY_IN_QUEUE");
        assert_eq!(answer.number(), new[0].number());
    }
    assert_eq!(room.line("line").await.total("joined"), 2);
    stack
        .ends_well(room, &["walk-in", "line"], &[&consumer])
        .await;
}

/// Returns ids whose alphabetical order differs from their order in line.
fn hostile(i: usize) -> String {
    match i % 4 {
        0 => format!("z{:06}", 999_999 - i),
        1 => format!("{i}"),
        2 => "a".repeat(1 + i % 200) + &i.to_string(),
        _ => format!("~{}-A{i}", 9 - i % 10),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_are_admitted_in_order_of_arrival() {
    let stack = Stack::start().await;
    let (first, second, open, consumer) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
    );
    let rooms = [first.api(), second.api()];
    let room = &rooms[0];
    let policy = json!({ "autoOpen": false, "readyTtlSeconds": 3600, "waitingTtlSeconds": 3600 });
    open.api().create("order", policy).await;

    let arrivals: Vec<String> = (0..5_000).map(hostile).collect();
    let mut last = 0;
    for (i, member) in arrivals.iter().enumerate() {
        let number = rooms[i % 2].enter("order", member).await.of(201).number();
        assert!(number > last, "{member} came after {last} and is {number}");
        last = number;
    }
    let mut admitted = 0;
    for batch in [1, 7, 492, 1_000, 2_000, 1_500] {
        let before = admitted;
        admitted += usize::try_from(batch).unwrap();
        let opened = open.api().open("order", batch).await;
        assert_eq!(opened.data(200)["admitted"], batch);
        eventually(SOON, "the batch is READY", async || {
            room.line("order").await.count("ready") == admitted as u64
        })
        .await;
        let left: Vec<_> = room
            .members("order")
            .await
            .into_iter()
            .map(|m| m.member)
            .collect();
        assert!(
            left == arrivals[admitted..],
            "others than the first {admitted} were taken"
        );
        for member in arrivals[before..admitted].iter().step_by(23) {
            assert_eq!(
                open.api().look_up("order", member).await.of(200).stands(),
                "READY"
            );
        }
    }
    stack.ends_well(room, &["order"], &[&consumer]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_at_once_get_ten_thousand_distinct_numbers() {
    let stack = Stack::start().await;
    let (first, second, open) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
    );
    let rooms = [first.api(), second.api()];
    let _ = open
        .api()
        .create("rush", json!({ "autoOpen": false }))
        .await;
    let members: Vec<_> = (0..10_000).map(|i| format!("fan-{i}")).collect();
    let answers = enter_all(&rooms, "rush", members).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    assert_eq!(numbers(&answers).len(), 10_000);
    let slowest = answers
        .iter()
        .map(|answer| answer.took)
        .max()
        .unwrap_or_default();
    assert!(
        slowest < Duration::from_secs(5),
        "the slowest was answered after {slowest:?}"
    );
    let in_line: Vec<_> = rooms[1]
        .members("rush")
        .await
        .iter()
        .map(|m| m.number)
        .collect();
    assert!(in_line.is_sorted() && in_line.len() == 10_000);
    assert_eq!(rooms[0].line("rush").await.total("joined"), 10_000);
    stack.ends_well(&rooms[0], &["rush"], &[]).await;
}
