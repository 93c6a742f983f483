//! Helpers of the behaviour suite and the fault tests.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    collections::HashMap,
    iter,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, QueueDeclareOptions},
    types::FieldTable,
};
use sunbeon_broker::{Broker, Delivered, EnterHandler, Settings, Settle, rabbitmq};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_proto_messages::{
    Enter,
    topology::{DEAD_QUEUE, ENTER_QUEUE},
};
pub(crate) use sunbeon_test_support::{TestVhost, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) fn concert_id(id: &str) -> ConcertId {
    ConcertId::parse(id).unwrap()
}

/// The ENTER message of an entry.
pub(crate) fn enter(number: u64) -> Enter {
    let member_id = MemberId::parse(format!("member-{number}")).unwrap();
    let (title, name) = ("콘서트 제목".to_owned(), "사용자명".to_owned());
    Enter::new(
        concert_id("c1"),
        title,
        member_id,
        name,
        EntryNumber(number),
        UnixMs(1_704_103_200_000),
    )
}

pub(crate) fn enters(numbers: impl IntoIterator<Item = u64>) -> Vec<Enter> {
    numbers.into_iter().map(enter).collect()
}

/// Publishes a batch and expects every message to be confirmed.
pub(crate) async fn publish(broker: &Arc<dyn Broker>, numbers: impl IntoIterator<Item = u64>) {
    let messages = enters(numbers);
    assert_eq!(
        broker.publish_enters(&messages).await,
        vec![true; messages.len()]
    );
}

type Answer = dyn Fn(u64, usize) -> Settle + Send + Sync;

/// Records the messages it is given and answers by a rule.
pub(crate) struct Recorder {
    batches: Mutex<Vec<Vec<Delivered>>>,
    answer: Box<Answer>,
}

impl Recorder {
    /// Takes `answer(entry number, times it was delivered before)`.
    pub(crate) fn new(answer: impl Fn(u64, usize) -> Settle + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            batches: Mutex::default(),
            answer: Box::new(answer),
        })
    }

    pub(crate) fn done() -> Arc<Self> {
        Self::new(|_, _| Settle::Done)
    }

    pub(crate) fn batches(&self) -> Vec<Vec<Delivered>> {
        self.batches.lock().unwrap().clone()
    }

    /// Returns the entry numbers in the order they came.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.batches()
            .iter()
            .flatten()
            .map(|message| message.enter.entry_number.0)
            .collect()
    }

    /// Whether no message came that had been handed over before.
    pub(crate) fn saw_nothing_again(&self) -> bool {
        let batches = self.batches();
        batches.iter().flatten().all(|message| !message.redelivered)
    }

    /// Returns how often each entry came.
    pub(crate) fn times(&self) -> HashMap<u64, usize> {
        let mut times = HashMap::new();
        self.numbers()
            .into_iter()
            .for_each(|number| *times.entry(number).or_default() += 1);
        times
    }

    /// Waits until each of the entries has come at least once.
    pub(crate) async fn sees(&self, numbers: impl IntoIterator<Item = u64>) {
        let wanted: Vec<u64> = numbers.into_iter().collect();
        let all_seen = async || {
            let times = self.times();
            wanted.iter().all(|number| times.contains_key(number))
        };
        eventually(SOON, "every message reaches the handler", all_seen).await;
    }
}

#[async_trait]
impl EnterHandler for Recorder {
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
        let times = self.times();
        self.batches.lock().unwrap().push(messages.to_vec());
        let numbers = messages.iter().map(|message| message.enter.entry_number.0);
        numbers
            .map(|number| (self.answer)(number, times.get(&number).copied().unwrap_or(0)))
            .collect()
    }
}

/// A running consumer.
pub(crate) struct Consumer {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Consumer {
    pub(crate) fn start(broker: &Arc<dyn Broker>, handler: Arc<dyn EnterHandler>) -> Self {
        let (broker, shutdown) = (broker.clone(), CancellationToken::new());
        let token = shutdown.clone();
        let task = tokio::spawn(async move { broker.consume_enters(handler, token).await });
        Self { shutdown, task }
    }

    pub(crate) fn ask_to_stop(&self) {
        self.shutdown.cancel();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(SOON, self.task)
            .await
            .expect("the consumer stops")
            .unwrap();
    }

    /// Stops it abruptly, whatever it is doing.
    pub(crate) async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

pub(crate) fn settings(url: &str, prefetch: u16) -> Settings {
    Settings::Rabbitmq(rabbitmq::Settings {
        url: url.to_owned().into(),
        prefetch,
    })
}

/// Opens a broker on the server at `url`, ready to publish.
pub(crate) async fn open(url: &str) -> Arc<dyn Broker> {
    let broker = sunbeon_broker::open(&settings(url, 100), "test").unwrap();
    can_publish(&broker).await;
    broker
}

pub(crate) async fn can_publish(broker: &Arc<dyn Broker>) {
    eventually(SOON, "the broker can publish", async || {
        broker.can_publish()
    })
    .await;
}

/// The test's own view of a virtual host.
pub(crate) struct Console {
    connection: Connection,
    pub(crate) channel: Channel,
}

impl Console {
    pub(crate) async fn open(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self {
            connection,
            channel,
        }
    }

    /// Returns how many messages wait on the ENTER queue, not counting those delivered to
    /// consumers.
    pub(crate) async fn waiting(&self) -> u32 {
        // On its own channel: if the queue does not exist, the server closes the channel.
        let channel = self.connection.create_channel().await.unwrap();
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::durable()
        };
        let queue = channel
            .queue_declare(ENTER_QUEUE.into(), options, FieldTable::default())
            .await;
        queue.map_or(0, |queue| queue.message_count())
    }

    /// Takes the dead letters.
    pub(crate) async fn take_dead_letters(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(got) = self
            .channel
            .basic_get(DEAD_QUEUE.into(), options)
            .await
            .unwrap()
        {
            bodies.push(got.delivery.data);
        }
        bodies
    }
}

/// Bodies that are not ENTER messages.
pub(crate) fn hostile_bodies() -> Vec<Vec<u8>> {
    let good = serde_json::to_value(enter(1)).unwrap();
    let fields = [
        ("memberId", serde_json::json!("a b")),
        ("concertId", serde_json::json!("a:b")),
        ("messageType", serde_json::json!("LEAVE")),
        ("entryNumber", serde_json::json!("1")),
        ("timestamp", serde_json::json!(null)),
    ];
    let wrong = fields.iter().map(|(field, bad)| {
        let mut value = good.clone();
        value[field] = bad.clone();
        value.to_string().into_bytes()
    });
    let missing = fields.iter().map(|(field, _)| {
        let mut value = good.clone();
        value.as_object_mut().unwrap().remove(*field);
        value.to_string().into_bytes()
    });
    let texts = ["", "not JSON", "null", "[]", "{}"].map(|text| text.as_bytes().to_vec());
    let bytes = [vec![0xff, 0xfe, b'{'], vec![b'['; 100_000]];
    iter::empty()
        .chain(wrong)
        .chain(missing)
        .chain(texts)
        .chain(bytes)
        .collect()
}

/// Runs each behaviour on both brokers.
macro_rules! suite {
    ($fixture:ident, $module:ident: $($name:ident,)*) => {
        mod $module {
            $(#[tokio::test]
            async fn $name() {
                super::$name::<super::$fixture>().await;
            })*
        }
    };
    ($($name:ident,)*) => {
        suite!(Memory, memory: $($name,)*);
        suite!(Rabbitmq, rabbitmq: $($name,)*);
    };
}
pub(crate) use suite;
