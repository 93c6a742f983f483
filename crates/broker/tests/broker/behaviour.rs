//! The promises of a broker, tested on both of them.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use crate::kit::{
    Console, Consumer, Recorder, SOON, TestVhost, concert_id, enter, enters, eventually, publish,
    suite,
};
use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use lapin::{
    BasicProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use opentelemetry::trace::{SpanKind, TraceContextExt, TracerProvider};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{InMemorySpanExporter, SdkTracerProvider},
};
use sunbeon_broker::{Broker, Delivered, EnterHandler, Heard, MemoryBroker, Settle};
use sunbeon_proto_messages::{
    Event,
    topology::{ENTER_QUEUE, EVENTS_EXCHANGE},
};
use tokio::{
    sync::{Barrier, Semaphore},
    time::timeout,
};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

/// A broker, and a second view of it from outside.
pub(crate) trait Fixture {
    /// The largest batch that a handler may get here.
    const BATCH: usize;

    async fn start() -> Self;
    fn broker(&self) -> Arc<dyn Broker>;
    /// Opens the same broker as another process would.
    async fn another(&self) -> Arc<dyn Broker>;
    /// Lets the server drop a dead letter that it was given back more than 20 times.
    async fn limit_deliveries_of_dead_letters(&self);
    /// Puts a raw body on the queue, as any client could.
    async fn push_raw(&self, body: Vec<u8>);
    /// Returns the dead letters, and may take them.
    async fn take_dead_letters(&self) -> Vec<Vec<u8>>;
    /// Returns how many messages wait on the queue.
    async fn waiting(&self) -> usize;
    /// Subscribes to the events of a routing key.
    async fn subscribe(&self, key: &'static str) -> BoxStream<'static, Event>;
}

pub(crate) struct Memory(MemoryBroker);

impl Fixture for Memory {
    const BATCH: usize = 500;

    async fn start() -> Self {
        Self(MemoryBroker::new())
    }

    fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(self.0.clone())
    }

    async fn another(&self) -> Arc<dyn Broker> {
        self.broker()
    }

    async fn limit_deliveries_of_dead_letters(&self) {}

    async fn push_raw(&self, body: Vec<u8>) {
        self.0.push_raw(body);
    }

    async fn take_dead_letters(&self) -> Vec<Vec<u8>> {
        let letters = self.0.read_dead_letters(1_000).await.unwrap();
        letters.oldest.into_iter().map(|it| it.body).collect()
    }

    async fn waiting(&self) -> usize {
        self.0.len()
    }

    async fn subscribe(&self, key: &'static str) -> BoxStream<'static, Event> {
        let events = futures::stream::unfold(self.0.subscribe_events(key), async |mut heard| {
            loop {
                if let Heard::Event(event) = heard.recv().await? {
                    return Some((event, heard));
                }
            }
        });
        events.boxed()
    }
}

pub(crate) struct Rabbitmq {
    broker: Arc<dyn Broker>,
    console: Console,
    vhost: TestVhost,
}

impl Fixture for Rabbitmq {
    const BATCH: usize = 100;

    async fn start() -> Self {
        let vhost = TestVhost::create().await;
        let broker = crate::kit::open(vhost.url()).await;
        Self {
            broker,
            console: Console::open(vhost.url()).await,
            vhost,
        }
    }

    fn broker(&self) -> Arc<dyn Broker> {
        self.broker.clone()
    }

    async fn another(&self) -> Arc<dyn Broker> {
        crate::kit::open(self.vhost.url()).await
    }

    async fn limit_deliveries_of_dead_letters(&self) {
        let queue = r"^reservation\.enter\.dead$";
        let limit = r#"{"delivery-limit":20}"#;
        self.vhost.set_policy("dead", queue, limit).await;
    }

    async fn push_raw(&self, body: Vec<u8>) {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let queue = ENTER_QUEUE.into();
        self.console
            .channel
            .basic_publish("".into(), queue, options, &body, properties)
            .await
            .unwrap();
    }

    async fn take_dead_letters(&self) -> Vec<Vec<u8>> {
        self.console.take_dead_letters().await
    }

    async fn waiting(&self) -> usize {
        self.console.waiting().await as usize
    }

    async fn subscribe(&self, key: &'static str) -> BoxStream<'static, Event> {
        let (channel, none) = (&self.console.channel, FieldTable::default);
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        let kind = ExchangeKind::Topic;
        channel
            .exchange_declare(EVENTS_EXCHANGE.into(), kind, durable, none())
            .await
            .unwrap();
        let mine = QueueDeclareOptions {
            exclusive: true,
            ..Default::default()
        };
        let queue = channel
            .queue_declare("".into(), mine, none())
            .await
            .unwrap();
        let (name, exchange) = (queue.name(), EVENTS_EXCHANGE.into());
        let bind = QueueBindOptions::default();
        channel
            .queue_bind(name.clone(), exchange, key.into(), bind, none())
            .await
            .unwrap();
        let consume = BasicConsumeOptions {
            no_ack: true,
            ..Default::default()
        };
        let deliveries = channel
            .basic_consume(name.clone(), "".into(), consume, none())
            .await
            .unwrap();
        deliveries
            .map(|delivery| serde_json::from_slice(&delivery.unwrap().data).unwrap())
            .boxed()
    }
}

async fn nothing_is_left(fixture: &impl Fixture) {
    eventually(SOON, "the queue is empty", async || {
        fixture.waiting().await == 0
    })
    .await;
}

async fn published_enters_arrive_once_and_in_order<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    publish(&broker, 1..=2_500).await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees(1..=2_500).await;
    publish(&broker, [2_501]).await;
    recorder.sees([2_501]).await;
    consumer.stop().await;
    assert_eq!(recorder.numbers(), (1..=2_501).collect::<Vec<_>>());
    assert_eq!(recorder.batches()[0][0].enter, enter(1));
    assert!(recorder.saw_nothing_again());
    nothing_is_left(&fixture).await;
}

async fn every_message_gets_its_own_confirm<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    assert!(broker.can_publish());
    for count in [0, 1, 3, 1_001] {
        let messages = enters(0..count);
        assert_eq!(
            broker.publish_enters(&messages).await,
            vec![true; messages.len()]
        );
    }
    let (small, large) = (enters(0..10), enters(0..500));
    let both =
        futures::future::join(broker.publish_enters(&large), broker.publish_enters(&small)).await;
    assert_eq!(both, (vec![true; 500], vec![true; 10]));
    broker.close().await;
    assert!(!broker.can_publish());
    assert_eq!(broker.publish_enters(&small).await, vec![false; 10]);
}

async fn a_retried_message_is_delivered_again_and_nothing_is_lost<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    publish(&broker, 1..=5).await;
    let recorder = Recorder::new(|number, before| match (number, before) {
        (2 | 4, 0..2) => Settle::Retry,
        _ => Settle::Done,
    });
    let begun = Instant::now();
    let consumer = Consumer::start(&broker, recorder.clone());
    publish(&broker, 6..=7).await;
    eventually(SOON, "two arrive three times", async || {
        let times = recorder.times();
        times.len() == 7 && times[&2] == 3 && times[&4] == 3
    })
    .await;
    assert!(
        begun.elapsed().as_millis() >= 300,
        "a pause of 100 ms, then one of 200 ms"
    );
    consumer.stop().await;
    let times = recorder.times();
    assert!(
        [1, 3, 5, 6, 7].iter().all(|number| times[number] == 1),
        "{times:?}"
    );
    assert!(recorder.saw_nothing_again());
    nothing_is_left(&fixture).await;
}

async fn a_missing_answer_counts_as_retry<F: Fixture>() {
    struct Terse(Arc<Recorder>);
    #[async_trait]
    impl EnterHandler for Terse {
        async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
            let mut answers = self.0.handle(messages).await;
            answers.truncate(1);
            answers
        }
    }
    let fixture = F::start().await;
    let broker = fixture.broker();
    publish(&broker, 1..=3).await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, Arc::new(Terse(recorder.clone())));
    let alone = async || {
        recorder
            .batches()
            .last()
            .is_some_and(|batch| batch.len() == 1)
    };
    eventually(SOON, "the third arrives alone", async || {
        alone().await && recorder.numbers().ends_with(&[3])
    })
    .await;
    consumer.stop().await;
    nothing_is_left(&fixture).await;
}

async fn rejected_and_undecodable_messages_are_dead_lettered_and_block_no_others<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let bad = crate::kit::hostile_bodies();
    for (body, number) in bad.iter().zip(1..) {
        fixture.push_raw(body.clone()).await;
        publish(&broker, [number]).await;
    }
    let last = bad.len() as u64;
    let recorder = Recorder::new(|number, _| match number {
        3 => Settle::Reject,
        _ => Settle::Done,
    });
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees(1..=last).await;
    // A batch that leaves nothing for the handler.
    fixture.push_raw(b"alone".to_vec()).await;

    let rejected = serde_json::to_vec(&enter(3)).unwrap();
    let expected: HashSet<_> = bad
        .into_iter()
        .chain([rejected, b"alone".to_vec()])
        .collect();
    let mut dead = HashSet::new();
    eventually(SOON, "all are dead letters", async || {
        dead.extend(fixture.take_dead_letters().await);
        dead.len() >= expected.len()
    })
    .await;
    assert!(dead == expected);
    consumer.stop().await;
    assert!(recorder.times().values().all(|times| *times == 1));
    nothing_is_left(&fixture).await;
}

async fn a_stopping_consumer_returns_its_unsettled_messages<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    publish(&broker, 1..=4).await;
    let undecided = Recorder::new(|number, _| match number {
        1 => Settle::Done,
        _ => Settle::Retry,
    });
    let consumer = Consumer::start(&broker, undecided.clone());
    eventually(SOON, "it is retried", async || {
        undecided.times().get(&2) >= Some(&2)
    })
    .await;
    consumer.stop().await;

    // Another consumer gets them and is killed.
    let killed = Recorder::new(|_, _| Settle::Retry);
    let consumer = Consumer::start(&broker, killed.clone());
    killed.sees([2]).await;
    consumer.abort().await;
    assert!(
        killed
            .batches()
            .iter()
            .flatten()
            .all(|message| message.redelivered)
    );

    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees(2..=4).await;
    consumer.stop().await;
    let mut numbers = recorder.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 4]);
    nothing_is_left(&fixture).await;
}

/// Holds each batch until it gets a permit.
struct Gated {
    recorder: Arc<Recorder>,
    gate: Semaphore,
    at_work: AtomicUsize,
}

impl Gated {
    fn closed() -> Arc<Self> {
        let (recorder, gate) = (Recorder::done(), Semaphore::new(0));
        Arc::new(Self {
            recorder,
            gate,
            at_work: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl EnterHandler for Gated {
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
        assert_eq!(
            self.at_work.fetch_add(1, Ordering::SeqCst),
            0,
            "one batch at a time"
        );
        self.gate.acquire().await.unwrap().forget();
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        self.recorder.handle(messages).await
    }
}

async fn a_consumer_handles_one_bounded_batch_at_a_time<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let count = 3 * F::BATCH as u64;
    publish(&broker, 1..=count).await;
    let gated = Gated::closed();
    let consumer = Consumer::start(&broker, gated.clone());
    let begun = async || gated.at_work.load(Ordering::SeqCst) == 1;
    eventually(SOON, "the first batch is in hand", begun).await;
    gated.gate.add_permits(1_000_000);
    gated.recorder.sees(1..=count).await;
    consumer.stop().await;
    let sizes: Vec<_> = gated.recorder.batches().iter().map(Vec::len).collect();
    assert!(
        sizes.iter().all(|size| (1..=F::BATCH).contains(size)),
        "{sizes:?}"
    );
    assert_eq!(gated.recorder.numbers(), (1..=count).collect::<Vec<_>>());
}

async fn the_current_batch_is_finished_at_shutdown<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    publish(&broker, [1]).await;
    let gated = Gated::closed();
    let consumer = Consumer::start(&broker, gated.clone());
    let begun = async || gated.at_work.load(Ordering::SeqCst) == 1;
    eventually(SOON, "the batch is in hand", begun).await;
    consumer.ask_to_stop();
    tokio::task::yield_now().await;
    assert!(!consumer.is_over());
    gated.gate.add_permits(1);
    consumer.stop().await;
    assert_eq!(gated.recorder.numbers(), [1]);
    nothing_is_left(&fixture).await;
}

async fn two_consumers_share_the_queue<F: Fixture>() {
    /// Holds its first batch until the other consumer has one too.
    struct Together(Arc<Recorder>, Arc<Barrier>);
    #[async_trait]
    impl EnterHandler for Together {
        async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
            if self.0.numbers().is_empty() {
                self.1.wait().await;
            }
            self.0.handle(messages).await
        }
    }
    let fixture = F::start().await;
    let broker = fixture.broker();
    let (one, other, both) = (
        Recorder::done(),
        Recorder::done(),
        Arc::new(Barrier::new(2)),
    );
    let consumers = [&one, &other].map(|recorder| {
        Consumer::start(&broker, Arc::new(Together(recorder.clone(), both.clone())))
    });
    publish(&broker, 1..=1_500).await;
    let all = async || one.numbers().len() + other.numbers().len() >= 1_500;
    eventually(SOON, "all are handled", all).await;
    for consumer in consumers {
        consumer.stop().await;
    }
    let numbers: HashSet<_> = one.numbers().into_iter().chain(other.numbers()).collect();
    assert_eq!(numbers.len(), 1_500);
    assert_eq!(
        one.numbers().len() + other.numbers().len(),
        1_500,
        "none arrives twice"
    );
    assert!(!one.numbers().is_empty() && !other.numbers().is_empty());
    nothing_is_left(&fixture).await;
}

async fn events_reach_a_subscriber_of_their_routing_key<F: Fixture>() {
    let fixture = F::start().await;
    let broker = fixture.broker();
    let mut mine = fixture.subscribe("seat.selected.c1").await;
    let selected = |concert: &str, seat: u32| Event::SeatSelected {
        concert_id: concert_id(concert),
        seat_ids: vec![seat.to_string()],
    };
    broker.publish_event(Event::TicketUpdated {
        concert_id: concert_id("c1"),
        remaining: 1,
        tickets: Vec::new(),
    });
    broker.publish_event(selected("c2", 1));
    for seat in 1..=100 {
        broker.publish_event(selected("c1", seat));
    }
    // Waiting events are sent before the connection closes.
    broker.close().await;
    for seat in 1..=100 {
        let event = timeout(SOON, mine.next()).await.expect("the event arrives");
        assert_eq!(event, Some(selected("c1", seat)));
    }
    broker.publish_event(selected("c1", 101));
}

async fn the_producers_trace_reaches_the_consumer<F: Fixture>() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let fixture = F::start().await;
    let broker = fixture.broker();
    let request = tracing::info_span!("request");
    publish(&broker, [1, 2]).instrument(request).await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees([1, 2]).await;
    consumer.stop().await;

    let spans = exporter.get_finished_spans().unwrap();
    let request = spans.iter().find(|span| span.name == "request").unwrap();
    let batches = recorder.batches();
    let mut producers = HashSet::new();
    for message in batches.iter().flatten() {
        let parent = message.context.span().span_context().clone();
        assert!(parent.is_remote());
        let producer = spans
            .iter()
            .find(|s| s.span_context.span_id() == parent.span_id())
            .unwrap();
        assert_eq!(producer.name, "reservation.enter publish");
        assert_eq!(producer.span_kind, SpanKind::Producer);
        assert_eq!(producer.parent_span_id, request.span_context.span_id());
        assert_eq!(parent.trace_id(), request.span_context.trace_id());
        producers.insert(parent.span_id());
    }
    assert_eq!(producers.len(), 2, "each message has a span of its own");
}

suite! {
    published_enters_arrive_once_and_in_order,
    every_message_gets_its_own_confirm,
    a_retried_message_is_delivered_again_and_nothing_is_lost,
    a_missing_answer_counts_as_retry,
    rejected_and_undecodable_messages_are_dead_lettered_and_block_no_others,
    a_stopping_consumer_returns_its_unsettled_messages,
    a_consumer_handles_one_bounded_batch_at_a_time,
    the_current_batch_is_finished_at_shutdown,
    two_consumers_share_the_queue,
    events_reach_a_subscriber_of_their_routing_key,
    the_producers_trace_reaches_the_consumer,
}
