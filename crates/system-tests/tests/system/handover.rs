//! From the line to READY, with a kill at every step.

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack};
use sunbeon_test_support::{Api, eventually};

async fn line_up(room: &Api, concert: &str, n: u32) {
    for i in 0..n {
        let _ = room.enter(concert, &format!("fan-{i}")).await.of(201);
    }
}

async fn until(room: &Api, concert: &str, count: &str, n: u64) {
    eventually(SOON, &format!("{n} are {count}"), async || {
        room.line(concert).await.count(count) == n
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_killed_before_publishing_or_before_the_confirm_loses_nobody() {
    let stack = Stack::start().await;
    let proxy = stack.rabbitmq_proxy().await;
    let (room, mut doomed, other, mut consumer) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack
            .plan(Service::ReservationOpen)
            .rabbitmq_by(&proxy)
            .start(),
        stack.run(Service::ReservationOpen),
        stack.run(Service::EntryConsumer),
    );
    let (room, console) = (room.api(), stack.console().await);

    // Killed between taking and publishing: nothing it sends arrives.
    let _ = doomed
        .api()
        .create("unsent", json!({ "autoOpen": false }))
        .await;
    line_up(&room, "unsent", 30).await;
    proxy.stall();
    let opening = tokio::spawn({
        let doomed = doomed.api();
        async move { doomed.open("unsent", 20).await }
    });
    until(&room, "unsent", "admitting", 20).await;
    doomed.kill();
    assert!(opening.await.is_err(), "the opening was answered");
    proxy.cut();
    proxy.resume();
    let line = room.line("unsent").await;
    assert_eq!((line.count("admitting"), line.total("admitted")), (20, 0));
    until(&room, "unsent", "ready", 20).await;
    assert_eq!(room.line("unsent").await.total("admitted"), 20);

    // Killed between publishing and the confirm: everything arrives, but it never learns so. Nobody
    // consumes, so the messages are still there when the other replica sends them again.
    doomed.start_again().await;
    consumer.end().await;
    let _ = doomed
        .api()
        .create("unconfirmed", json!({ "autoOpen": false }))
        .await;
    line_up(&room, "unconfirmed", 30).await;
    proxy.hold_replies(true);
    let opening = tokio::spawn({
        let doomed = doomed.api();
        async move { doomed.open("unconfirmed", 20).await }
    });
    eventually(SOON, "the messages are sent", async || {
        console.waiting().await >= 20
    })
    .await;
    doomed.kill();
    assert!(opening.await.is_err(), "the opening was answered");
    eventually(SOON, "the messages are sent again", async || {
        console.waiting().await >= 40
    })
    .await;
    consumer.start_again().await;
    until(&room, "unconfirmed", "ready", 20).await;
    eventually(SOON, "every message is consumed", async || {
        console.waiting().await == 0
    })
    .await;
    let line = room.line("unconfirmed").await;
    assert_eq!((line.total("admitted"), line.count("waiting")), (20, 10));
    other.lives();
    stack
        .ends_well(&room, &["unsent", "unconfirmed"], &[&consumer])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_killed_with_messages_in_hand_loses_nobody() {
    let stack = Stack::start().await;
    let proxy = stack.redis_proxy().await;
    let (room, mut open, mut doomed) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.plan(Service::EntryConsumer).redis_by(&proxy).start(),
    );
    let (room, console) = (room.api(), stack.console().await);
    let concerts = ["unasked", "unanswered"];
    for concert in concerts {
        let _ = open
            .api()
            .create(concert, json!({ "autoOpen": false }))
            .await;
        line_up(&room, concert, 60).await;
    }

    // The store never receives the call.
    proxy.stall();
    let _ = open.api().open("unasked", 50).await.of(200);
    eventually(SOON, "it has the messages in hand", async || {
        console.waiting().await == 0
    })
    .await;
    // Without an opener nothing is sent again: the returned messages are all there is.
    open.end().await;
    doomed.kill();
    proxy.cut();
    proxy.resume();
    eventually(SOON, "the messages are back", async || {
        console.waiting().await == 50
    })
    .await;
    let line = room.line("unasked").await;
    assert_eq!((line.count("admitting"), line.total("admitted")), (50, 0));
    doomed.start_again().await;
    until(&room, "unasked", "ready", 50).await;

    // The store receives the call, but its answer is lost.
    open.start_again().await;
    proxy.hold_replies(true);
    let _ = open.api().open("unanswered", 50).await.of(200);
    eventually(SOON, "the store was asked", async || {
        room.line("unanswered").await.count("ready") > 0
    })
    .await;
    open.end().await;
    let survivor = stack.run(Service::EntryConsumer).await;
    doomed.kill();
    until(&room, "unanswered", "ready", 50).await;
    for concert in concerts {
        let line = room.line(concert).await;
        assert_eq!((line.total("admitted"), line.count("waiting")), (50, 10));
    }
    stack.ends_well(&room, &concerts, &[&survivor]).await;
}
