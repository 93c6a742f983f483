//! Messages that should never have been sent.

use serde_json::{Value, json};
use sunbeon_system_tests::{Console, SOON, Service, Stack};
use sunbeon_test_support::{access::admin, eventually};

fn enter(concert: &str, member: &str, number: u64) -> Value {
    json!({
        "memberId": member, "concertId": concert, "memberName": "사용자명",
        "concertTitle": "콘서트 제목", "timestamp": "2026-01-01T19:00:00",
        "messageType": "ENTER", "entryNumber": number,
    })
}

async fn send(console: &Console, message: &Value) {
    console.publish(message.to_string().as_bytes()).await;
}

/// Bodies that are not ENTER messages.
fn bad_bodies() -> Vec<Vec<u8>> {
    let good = enter("sale", "fan", 1);
    let fields = [
        ("memberId", json!("a b")),
        ("memberId", json!(42)),
        ("concertId", json!("a:b")),
        ("messageType", json!("LEAVE")),
        ("entryNumber", json!("1")),
        ("entryNumber", json!(-1)),
        ("entryNumber", json!(1.5)),
        ("timestamp", json!("yesterday")),
    ];
    let wrong = fields.iter().map(|(field, bad)| {
        let mut message = good.clone();
        message[field] = bad.clone();
        message.to_string().into_bytes()
    });
    let missing = fields.iter().map(|(field, _)| {
        let mut message = good.clone();
        message.as_object_mut().unwrap().remove(*field);
        message.to_string().into_bytes()
    });
    let texts = ["", "ENTER", "null", "[]", "{}", "\"ENTER\""].map(|text| text.as_bytes().to_vec());
    let bytes = [vec![0xff, 0xfe, 0x00], vec![b'['; 100_000]];
    wrong.chain(missing).chain(texts).chain(bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_stale_messages_admit_nobody_and_block_nobody() {
    let stack = Stack::start().await;
    let proxy = stack.rabbitmq_proxy().await;
    let (room, open, mut consumer) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack
            .plan(Service::ReservationOpen)
            .rabbitmq_by(&proxy)
            .start(),
        stack.run(Service::EntryConsumer),
    );
    let (room, open, console) = (room.api(), open.api(), stack.console().await);
    for concert in ["sale", "held", "other"] {
        open.create(concert, json!({ "autoOpen": false })).await;
    }
    let bad = bad_bodies();
    for body in &bad {
        console.publish(body).await;
    }

    // Messages for an earlier entry, for an entry still in line, for a stranger, and for an unknown
    // concert.
    let stale = room.enter("sale", "returner").await.of(201).number();
    let _ = room.exit("sale", "returner").await.of(200);
    let number = room.enter("sale", "returner").await.of(201).number();
    send(&console, &enter("sale", "returner", stale)).await;
    send(&console, &enter("sale", "returner", number)).await;
    send(&console, &enter("sale", "stranger", number)).await;
    send(&console, &enter("never-made", "fan", number)).await;

    // A message for an earlier entry, while the new one is between line and READY because its own
    // message is delayed.
    let stale_held = room.enter("held", "returner").await.of(201).number();
    let _ = room.exit("held", "returner").await.of(200);
    let held = room.enter("held", "returner").await.of(201).number();
    proxy.stall();
    assert_eq!(open.open("held", 1).await.data(200)["confirmed"], 0);
    send(&console, &enter("held", "returner", stale_held)).await;

    let all = u32::try_from(bad.len()).unwrap();
    eventually(SOON, "the bad ones are dead letters", async || {
        console.dead().await == all
    })
    .await;
    eventually(SOON, "the rest is consumed", async || {
        console.waiting().await == 0
    })
    .await;
    // The consumer stops with nothing in hand; otherwise it would be back in the queue.
    consumer.end().await;
    assert_eq!(console.waiting().await, 0);
    let line = room.line("sale").await;
    assert_eq!((line.count("waiting"), line.total("admitted")), (1, 0));
    assert_eq!(
        room.status("sale", "returner").await.of(200).number(),
        number
    );
    let line = room.line("held").await;
    assert_eq!((line.count("admitting"), line.total("admitted")), (1, 0));
    consumer.start_again().await;

    // The right message, with all that behind it, and the same one again.
    proxy.resume();
    eventually(SOON, "the right message takes effect", async || {
        room.status("held", "returner").await.of(200).stands() == "READY"
    })
    .await;
    send(&console, &enter("held", "returner", held)).await;
    let _ = room.enter("other", "fan").await.of(201);
    eventually(SOON, "nobody is blocked", async || {
        let _ = open.open("other", 1).await;
        room.line("other").await.count("ready") == 1
    })
    .await;
    assert_eq!(room.line("held").await.total("admitted"), 1);

    let mut letters = console.take_dead_letters().await;
    let mut bad = bad;
    letters.sort();
    bad.sort();
    assert!(letters == bad, "other dead letters than the bad messages");
    stack
        .ends_well(&room, &["sale", "held", "other"], &[&consumer])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_dead_letter_calls_whoever_waits_for_it_and_nobody_else() {
    let stack = Stack::start().await;
    let (room, open) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
    );
    let (room, open, console) = (room.api(), open.api(), stack.console().await);
    open.create("sale", json!({ "autoOpen": false })).await;
    for who in ["fan", "leaver"] {
        let _ = room.enter("sale", who).await.of(201);
    }
    assert_eq!(open.open("sale", 2).await.data(200)["confirmed"], 2);
    console.refuse_enters().await;
    eventually(SOON, "both are dead letters", async || {
        console.dead().await >= 2
    })
    .await;
    let _ = room.exit("sale", "leaver").await.of(200);

    let letters = open.get("/v2/admin/dead-letters", &admin()).await;
    let letters = letters.data(200)["deadLetters"].as_array().unwrap();
    let members: Vec<_> = letters.iter().map(|it| &it["memberId"]).collect();
    assert_eq!(members[..2], ["fan", "leaver"]);
    let again = open.post("/v2/admin/dead-letters/repeat", &admin()).await;
    let again = again.data(200);
    assert_eq!(again["repeated"], letters.len());
    assert_eq!(again["left"], 0);
    assert!(console.waiting().await >= 2);

    let consumer = stack.run(Service::EntryConsumer).await;
    eventually(SOON, "the fan is called", async || {
        room.status("sale", "fan").await.of(200).stands() == "READY"
    })
    .await;
    eventually(SOON, "every message is consumed", async || {
        console.waiting().await == 0
    })
    .await;
    let leaver = room.status("sale", "leaver").await.of(200);
    assert_eq!(leaver.stands(), "NOT_IN_QUEUE");
    assert_eq!(room.line("sale").await.total("admitted"), 1);
    stack.ends_well(&room, &["sale"], &[&consumer]).await;
}
