//! The promises to subscribers of events, tested on both brokers.

use std::sync::Arc;

use crate::kit::{Console, SOON, TestVhost, concert_id, eventually, suite};
use lapin::{
    BasicProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use sunbeon_broker::{Broker, Heard, MemoryBroker};
use sunbeon_proto_messages::{Event, topology::EVENTS_EXCHANGE};
use sunbeon_test_support::{RabbitServer, TcpProxy};
use tokio::{
    sync::mpsc::{Receiver, error::TryRecvError},
    time::timeout,
};

/// Keeps a broker alive.
trait Fixture {
    async fn start() -> Self;
    fn broker(&self) -> Arc<dyn Broker>;
}

struct Memory(MemoryBroker);

impl Fixture for Memory {
    async fn start() -> Self {
        Self(MemoryBroker::new())
    }

    fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(self.0.clone())
    }
}

struct Rabbitmq {
    broker: Arc<dyn Broker>,
    vhost: TestVhost,
}

impl Fixture for Rabbitmq {
    async fn start() -> Self {
        let vhost = TestVhost::create().await;
        let broker = crate::kit::open(vhost.url()).await;
        Self { broker, vhost }
    }

    fn broker(&self) -> Arc<dyn Broker> {
        self.broker.clone()
    }
}

fn changed(concert: &str, version: u64) -> Event {
    Event::ConcertChanged {
        concert_id: concert_id(concert),
        version,
    }
}

fn selected(concert: &str) -> Event {
    Event::SeatSelected {
        concert_id: concert_id(concert),
        seat_ids: vec!["R-1-1".to_owned()],
    }
}

async fn next(heard: &mut Receiver<Heard>) -> Heard {
    let next = timeout(SOON, heard.recv()).await;
    next.expect("an event or a notice arrives")
        .expect("the subscription continues")
}

/// Returns a subscription that is up.
async fn listening(broker: &Arc<dyn Broker>, binding: &str) -> Receiver<Heard> {
    let mut heard = broker.subscribe_events(binding);
    assert_eq!(next(&mut heard).await, Heard::Missed, "{binding}");
    heard
}

async fn a_subscriber_receives_the_events_of_its_binding_in_order<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let events = [
        changed("c1", 1),
        selected("c1"),
        selected("demo"),
        changed("c1", 2),
        changed("demo", 3),
    ];
    let bindings: [(&str, &[usize]); 12] = [
        ("#", &[0, 1, 2, 3, 4]),
        ("concert.changed.#", &[0, 3, 4]),
        ("concert.changed.*", &[0, 3, 4]),
        ("concert.changed.demo.#", &[4]),
        ("#.demo", &[2, 4]),
        ("*.*.demo", &[2, 4]),
        ("#.changed.#.demo", &[4]),
        ("seat.*.demo", &[2]),
        ("seat.selected.c1", &[1]),
        ("concert.*", &[]),
        ("*.changed", &[]),
        ("concert.changed.*.*", &[]),
    ];
    let mut subscriptions = Vec::new();
    for (binding, wanted) in bindings {
        subscriptions.push((binding, wanted, listening(&broker, binding).await));
    }
    for event in &events {
        broker.publish_event(event.clone());
    }
    for (binding, wanted, heard) in &mut subscriptions {
        for index in *wanted {
            let event = Heard::Event(events[*index].clone());
            assert_eq!(next(heard).await, event, "{binding}");
        }
    }
    for (binding, _, heard) in &mut subscriptions {
        assert_eq!(heard.try_recv(), Err(TryRecvError::Empty), "{binding}");
    }
}

async fn a_lagging_subscriber_learns_that_it_missed_events_and_blocks_nobody<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let mut slow = listening(&broker, "#").await;
    let mut quick = listening(&broker, "#").await;
    for version in 1..=1_500 {
        broker.publish_event(changed("c1", version));
        assert_eq!(next(&mut quick).await, Heard::Event(changed("c1", version)));
    }
    eventually(SOON, "there is no place left", async || {
        slow.capacity() == 0
    })
    .await;
    for version in 1..=1_000 {
        assert_eq!(next(&mut slow).await, Heard::Event(changed("c1", version)));
    }
    assert_eq!(next(&mut slow).await, Heard::Missed);
    // Events sent before that may still arrive; the next new one comes after them.
    broker.publish_event(changed("c2", 1));
    while next(&mut slow).await != Heard::Event(changed("c2", 1)) {}
}

async fn a_subscription_ends_with_the_broker<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let mut heard = listening(&broker, "#").await;
    broker.close().await;
    assert_eq!(timeout(SOON, heard.recv()).await, Ok(None));
}

async fn a_subscriber_that_leaves_does_not_disturb_the_others<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let (gone, mut stays) = (listening(&broker, "#").await, listening(&broker, "#").await);
    drop(gone);
    for version in 1..=10 {
        broker.publish_event(changed("c1", version));
        assert_eq!(next(&mut stays).await, Heard::Event(changed("c1", version)));
    }
}

suite! {
    a_subscriber_receives_the_events_of_its_binding_in_order,
    a_lagging_subscriber_learns_that_it_missed_events_and_blocks_nobody,
    a_subscription_ends_with_the_broker,
    a_subscriber_that_leaves_does_not_disturb_the_others,
}

#[tokio::test]
async fn a_message_that_is_not_a_known_event_is_skipped() {
    let fixture = Rabbitmq::start().await;
    let broker = fixture.broker();
    let mut heard = listening(&broker, "concert.#").await;
    let console = Console::open(fixture.vhost.url()).await;
    let confirm = ConfirmSelectOptions::default();
    console.channel.confirm_select(confirm).await.unwrap();
    let mut bodies = crate::kit::hostile_bodies();
    bodies.push(br#"{"type":"concert.renamed","concertId":"c1"}"#.to_vec());
    bodies.push(br#"{"type":"concert.changed","concertId":"a:b","version":1}"#.to_vec());
    for body in bodies {
        let (exchange, key) = (EVENTS_EXCHANGE.into(), "concert.changed.c1".into());
        let (options, none) = (BasicPublishOptions::default(), BasicProperties::default());
        let sent = console
            .channel
            .basic_publish(exchange, key, options, &body, none);
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    }
    broker.publish_event(changed("c1", 1));
    assert_eq!(next(&mut heard).await, Heard::Event(changed("c1", 1)));
}

/// Publishes until the subscriber receives an event, and returns what it received before.
async fn heard_again(broker: &Arc<dyn Broker>, heard: &mut Receiver<Heard>) -> Vec<Heard> {
    crate::kit::can_publish(broker).await;
    let (mut before, event) = (Vec::new(), changed("again", 1));
    eventually(SOON, "events arrive again", async || {
        broker.publish_event(event.clone());
        let Ok(next) = timeout(std::time::Duration::from_millis(100), heard.recv()).await else {
            return false;
        };
        let next = next.expect("the subscription continues");
        let is_heard = next == Heard::Event(event.clone());
        before.push(next);
        is_heard
    })
    .await;
    before
}

#[tokio::test]
async fn a_subscriber_that_was_cut_off_hears_missed_and_then_further_events() {
    let vhost = TestVhost::create().await;
    let (proxy, through) = TcpProxy::before(vhost.url()).await;
    let publisher = crate::kit::open(vhost.url()).await;
    let listener = crate::kit::open(&through).await;
    let mut heard = listening(&listener, "#").await;
    proxy.refuse(true);
    proxy.cut();
    publisher.publish_event(changed("c1", 1));
    eventually(SOON, "the loss is noticed", async || {
        !listener.can_publish()
    })
    .await;
    proxy.refuse(false);
    // The event may have been quicker than the cut.
    while next(&mut heard).await != Heard::Missed {}
    publisher.publish_event(changed("c1", 2));
    assert_eq!(next(&mut heard).await, Heard::Event(changed("c1", 2)));
}

#[tokio::test]
async fn after_a_restart_of_the_server_a_subscriber_hears_missed_and_then_events() {
    let server = RabbitServer::start().await;
    let broker = crate::kit::open(server.amqp_url()).await;
    let mut heard = listening(&broker, "#").await;
    broker.publish_event(changed("c1", 1));
    assert_eq!(next(&mut heard).await, Heard::Event(changed("c1", 1)));
    server.stop().await;
    eventually(SOON, "the loss is noticed", async || !broker.can_publish()).await;
    server.start_again().await;
    let before = heard_again(&broker, &mut heard).await;
    assert_eq!(before.first(), Some(&Heard::Missed));
}

#[tokio::test]
async fn no_events_pile_up_on_the_server_for_a_subscriber_that_is_gone() {
    let fixture = Rabbitmq::start().await;
    let heard = listening(&fixture.broker(), "#").await;
    let console = Console::open(fixture.vhost.url()).await;
    let confirm = ConfirmSelectOptions::default();
    console.channel.confirm_select(confirm).await.unwrap();
    let finds_a_queue = async || {
        let (exchange, key) = (EVENTS_EXCHANGE.into(), "concert.changed.c1".into());
        let mandatory = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        let none = BasicProperties::default();
        let sent = console
            .channel
            .basic_publish(exchange, key, mandatory, b"{}", none);
        sent.await.unwrap().await.unwrap().take_message().is_none()
    };
    assert!(finds_a_queue().await);
    drop(heard);
    eventually(SOON, "its queue is gone", async || !finds_a_queue().await).await;
}
