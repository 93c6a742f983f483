//! Reading, repeating and removing dead letters, on both brokers.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicPublishOptions, BasicRejectOptions},
    types::{AMQPValue, FieldTable},
};
use sunbeon_broker::{Broker, DeadLetters, MemoryBroker, Removed, Repeated, Settle};
use sunbeon_proto_messages::topology::{DEAD_QUEUE, ENTER_QUEUE};
use sunbeon_test_support::TcpProxy;
use tokio::time::Instant;

use crate::{
    behaviour::{Fixture, Memory, Rabbitmq},
    kit::{Console, Consumer, Recorder, SOON, TestVhost, enter, eventually, suite},
};

const ALL: u32 = u32::MAX;

fn body(number: u64) -> Vec<u8> {
    serde_json::to_vec(&enter(number)).unwrap()
}

async fn there_are(broker: &Arc<dyn Broker>, count: u32) {
    eventually(SOON, &format!("{count} dead letters"), async || {
        broker.count_dead_letters().await.unwrap() == count
    })
    .await;
}

/// Makes dead letters of bodies, one after the other: of one batch, those that are not ENTER
/// messages die first.
async fn bury(fixture: &impl Fixture, bodies: &[Vec<u8>]) {
    let broker = fixture.broker();
    let mut count = broker.count_dead_letters().await.unwrap();
    let consumer = Consumer::start(&broker, Recorder::new(|_, _| Settle::Reject));
    for body in bodies {
        fixture.push_raw(body.clone()).await;
        count += 1;
        there_are(&broker, count).await;
    }
    consumer.stop().await;
}

/// Makes dead letters of many bodies that are not ENTER messages, in their order.
async fn bury_garbage(fixture: &impl Fixture, count: u64) -> Vec<Vec<u8>> {
    let broker = fixture.broker();
    let all: Vec<_> = (1..=count).map(garbage).collect();
    for body in &all {
        fixture.push_raw(body.clone()).await;
    }
    let consumer = Consumer::start(&broker, Recorder::done());
    there_are(&broker, count as u32).await;
    consumer.stop().await;
    all
}

fn garbage(number: u64) -> Vec<u8> {
    format!("garbage {number}").into_bytes()
}

/// Every third is an ENTER message.
fn mixed(count: u64) -> Vec<Vec<u8>> {
    let each = |number| match number % 3 {
        0 => body(number),
        _ => garbage(number),
    };
    (1..=count).map(each).collect()
}

async fn read(broker: &Arc<dyn Broker>, limit: u32) -> DeadLetters {
    broker.read_dead_letters(limit).await.unwrap()
}

async fn bodies(broker: &Arc<dyn Broker>) -> Vec<Vec<u8>> {
    let letters = read(broker, ALL).await.oldest;
    letters.into_iter().map(|letter| letter.body).collect()
}

async fn dead_letters_read_fifty_times_are_all_there_and_in_order<F: Fixture>() {
    let fixture = F::start().await;
    fixture.limit_deliveries_of_dead_letters().await;
    let broker = fixture.broker();
    let all = mixed(9);
    bury(&fixture, &all).await;
    for round in 0..50 {
        let limit = [1, 4, 9, ALL][round % 4];
        let letters = read(&broker, limit).await;
        assert_eq!(letters.total, 9, "round {round}");
        let bodies: Vec<_> = letters.oldest.into_iter().map(|it| it.body).collect();
        assert_eq!(bodies, all[..limit.min(9) as usize], "round {round}");
        assert_eq!(broker.count_dead_letters().await.unwrap(), 9);
    }
    bury(&fixture, &[b"last".to_vec()]).await;
    let mut expected = all;
    expected.push(b"last".to_vec());
    assert_eq!(bodies(&broker).await, expected);
}

async fn a_dead_letter_says_what_it_is_and_when_and_why_it_died<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    assert_eq!(read(&broker, ALL).await.oldest, []);
    bury(&fixture, &[b"\xff garbage".to_vec(), body(7)]).await;
    let letters = read(&broker, ALL).await;
    assert_eq!(letters.total, 2);
    let [garbage, entry] = &letters.oldest[..] else {
        panic!("{letters:?}")
    };
    assert_eq!(
        (&garbage.body[..], &garbage.enter),
        (&b"\xff garbage"[..], &None)
    );
    assert_eq!((&entry.body, &entry.enter), (&body(7), &Some(enter(7))));
    for letter in [garbage, entry] {
        assert_eq!(letter.reason.as_deref(), Some("rejected"));
        let age = now_ms() - letter.died_at.expect("a time").0;
        assert!((-1_000..60_000).contains(&age), "{age} ms ago");
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    since.as_millis() as i64
}

async fn repeating_sends_enter_messages_again_and_leaves_the_rest<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let letters = [
        garbage(1),
        body(1),
        garbage(2),
        body(2),
        garbage(3),
        body(3),
    ];
    bury(&fixture, &letters).await;
    let none = Repeated {
        repeated: 0,
        not_enter: 1,
        unconfirmed: 0,
        left: 6,
    };
    assert_eq!(broker.repeat_dead_letters(1).await.unwrap(), none);
    let some = Repeated {
        repeated: 2,
        not_enter: 2,
        unconfirmed: 0,
        left: 4,
    };
    assert_eq!(broker.repeat_dead_letters(4).await.unwrap(), some);
    let left = [garbage(1), garbage(2), garbage(3), body(3)];
    assert_eq!(bodies(&broker).await, left);
    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees([1, 2]).await;
    let rest = Repeated {
        repeated: 1,
        not_enter: 3,
        unconfirmed: 0,
        left: 3,
    };
    assert_eq!(broker.repeat_dead_letters(ALL).await.unwrap(), rest);
    recorder.sees([3]).await;
    consumer.stop().await;
    assert_eq!(recorder.numbers(), [1, 2, 3], "each once");
    assert_eq!(recorder.batches()[0][0].enter, enter(1));
    assert_eq!(bodies(&broker).await, [1, 2, 3].map(garbage));
}

async fn removing_takes_the_oldest_and_says_how_many_are_left<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let all = mixed(5);
    bury(&fixture, &all).await;
    let some = Removed {
        removed: 2,
        left: 3,
    };
    assert_eq!(broker.remove_dead_letters(2).await.unwrap(), some);
    assert_eq!(bodies(&broker).await, all[2..]);
    assert_eq!(broker.count_dead_letters().await.unwrap(), 3);
    let rest = Removed {
        removed: 3,
        left: 0,
    };
    assert_eq!(broker.remove_dead_letters(ALL).await.unwrap(), rest);
    let nothing = Removed {
        removed: 0,
        left: 0,
    };
    assert_eq!(broker.remove_dead_letters(ALL).await.unwrap(), nothing);
    let nothing = Repeated {
        repeated: 0,
        not_enter: 0,
        unconfirmed: 0,
        left: 0,
    };
    assert_eq!(broker.repeat_dead_letters(ALL).await.unwrap(), nothing);
    assert_eq!(
        read(&broker, ALL).await,
        DeadLetters {
            total: 0,
            oldest: vec![]
        }
    );
}

async fn a_call_reaches_a_thousand_and_the_others_come_next<F: Fixture>() {
    let fixture = F::start().await;
    fixture.limit_deliveries_of_dead_letters().await;
    let broker = fixture.broker();
    let all = bury_garbage(&fixture, 1_203).await;
    for _ in 0..22 {
        let letters = read(&broker, ALL).await;
        assert_eq!((letters.total, letters.oldest.len()), (1_203, 1_000));
        assert_eq!(letters.oldest[999].body, all[999]);
    }
    let some = Removed {
        removed: 1_000,
        left: 203,
    };
    assert_eq!(broker.remove_dead_letters(ALL).await.unwrap(), some);
    assert!(bodies(&broker).await == all[1_000..], "the rest, in order");
}

async fn several_who_read_at_the_same_time_each_see_all<F: Fixture>() {
    let fixture = F::start().await;
    let all = bury_garbage(&fixture, 30).await;
    let (one, other) = (fixture.broker(), fixture.another().await);
    for _ in 0..5 {
        let reads = [&one, &other, &one, &other].map(bodies);
        for seen in join_all(reads).await {
            assert_eq!(seen, all);
        }
    }
}

suite! {
    dead_letters_read_fifty_times_are_all_there_and_in_order,
    a_dead_letter_says_what_it_is_and_when_and_why_it_died,
    repeating_sends_enter_messages_again_and_leaves_the_rest,
    removing_takes_the_oldest_and_says_how_many_are_left,
    a_call_reaches_a_thousand_and_the_others_come_next,
    several_who_read_at_the_same_time_each_see_all,
}

#[tokio::test]
async fn while_the_embedded_broker_is_away_its_dead_letters_cannot_be_reached() {
    let memory = MemoryBroker::new();
    memory.set_away(true);
    assert!(memory.count_dead_letters().await.is_err());
    assert!(memory.read_dead_letters(1).await.is_err());
    assert!(memory.repeat_dead_letters(1).await.is_err());
    assert!(memory.remove_dead_letters(1).await.is_err());
}

#[tokio::test]
async fn while_rabbitmq_is_out_of_reach_every_call_fails_and_nothing_is_lost() {
    let vhost = TestVhost::create().await;
    let (proxy, through) = TcpProxy::before(vhost.url()).await;
    let broker = crate::kit::open(&through).await;
    let console = Console::open(vhost.url()).await;
    put(&console, DEAD_QUEUE, body(1), BasicProperties::default()).await;
    there_are(&broker, 1).await;
    proxy.refuse(true);
    proxy.cut();
    let begun = Instant::now();
    assert!(broker.read_dead_letters(1).await.is_err());
    assert!(broker.repeat_dead_letters(1).await.is_err());
    assert!(broker.remove_dead_letters(1).await.is_err());
    eventually(SOON, "the loss is noticed", async || {
        broker.count_dead_letters().await.is_err()
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    proxy.refuse(false);
    crate::kit::can_publish(&broker).await;
    assert_eq!(bodies(&broker).await, [body(1)]);
}

/// Publishes as any client could, and waits until the queue has it.
async fn put(console: &Console, queue: &str, body: Vec<u8>, properties: BasicProperties) {
    let (exchange, options) = ("".into(), BasicPublishOptions::default());
    let sent = console
        .channel
        .basic_publish(exchange, queue.into(), options, &body, properties);
    sent.await.unwrap().await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_whose_repetition_is_not_confirmed_stays() {
    let vhost = TestVhost::create().await;
    let console = Console::open(vhost.url()).await;
    let broker = crate::kit::open(vhost.url()).await;
    put(&console, DEAD_QUEUE, body(1), BasicProperties::default()).await;
    there_are(&broker, 1).await;
    // A full queue refuses.
    vhost
        .set_policy(
            "enter-delivery-limit",
            r"^reservation\.enter$",
            r#"{"max-length":1}"#,
        )
        .await;
    eventually(SOON, "the queue is full", async || {
        broker.publish_enters(&[enter(2)]).await == [false]
    })
    .await;
    crate::kit::can_publish(&broker).await;
    let refused = Repeated {
        repeated: 0,
        not_enter: 0,
        unconfirmed: 1,
        left: 1,
    };
    assert_eq!(broker.repeat_dead_letters(ALL).await.unwrap(), refused);
    assert_eq!(bodies(&broker).await, [body(1)]);
}

#[tokio::test]
async fn a_repeated_message_is_persistent_and_has_its_old_id() {
    let vhost = TestVhost::create().await;
    let console = Console::open(vhost.url()).await;
    let broker = crate::kit::open(vhost.url()).await;
    put(&console, DEAD_QUEUE, body(1), BasicProperties::default()).await;
    there_are(&broker, 1).await;
    broker.repeat_dead_letters(ALL).await.unwrap();
    let again = console
        .channel
        .basic_get(ENTER_QUEUE.into(), BasicGetOptions::default());
    let again = again.await.unwrap().expect("the message").delivery;
    assert_eq!(again.data, body(1));
    let id = again.properties.message_id().as_ref().map(|id| id.as_str());
    assert_eq!(
        (id, *again.properties.delivery_mode()),
        (Some("c1:1"), Some(2))
    );
}

#[tokio::test]
async fn what_is_delivered_too_often_says_so_and_keeps_its_facts_when_it_is_copied() {
    let vhost = TestVhost::create().await;
    let console = Console::open(vhost.url()).await;
    let broker = crate::kit::open(vhost.url()).await;
    let mut headers = FieldTable::default();
    headers.insert(
        "CC".into(),
        AMQPValue::FieldArray(vec![AMQPValue::LongString("nowhere".into())].into()),
    );
    let properties = BasicProperties::default()
        .with_message_id("its id".into())
        .with_app_id("its sender".into())
        .with_user_id("guest".into())
        .with_headers(headers);
    put(&console, ENTER_QUEUE, body(1), properties).await;
    for _ in 0..=20 {
        eventually(SOON, "it is delivered", async || {
            let got = console
                .channel
                .basic_get(ENTER_QUEUE.into(), BasicGetOptions::default());
            let Some(got) = got.await.unwrap() else {
                return false;
            };
            got.delivery
                .acker
                .reject(BasicRejectOptions { requeue: true })
                .await
                .unwrap()
        })
        .await;
    }
    there_are(&broker, 1).await;
    let at_first = read(&broker, ALL).await;
    assert_eq!(at_first.oldest[0].reason.as_deref(), Some("delivery_limit"));
    assert!(at_first.oldest[0].died_at.is_some());
    for _ in 0..25 {
        assert_eq!(read(&broker, ALL).await, at_first);
    }
    let letter = console
        .channel
        .basic_get(DEAD_QUEUE.into(), BasicGetOptions::default());
    let properties = letter
        .await
        .unwrap()
        .expect("the letter")
        .delivery
        .properties;
    let text = |value: &Option<lapin::types::ShortString>| value.as_ref().map(ToString::to_string);
    assert_eq!(text(properties.message_id()).as_deref(), Some("its id"));
    assert_eq!(text(properties.app_id()).as_deref(), Some("its sender"));
}
