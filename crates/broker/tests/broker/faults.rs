//! The RabbitMQ broker when the network or the server fails.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use crate::kit::{Console, Consumer, Recorder, SOON, TestVhost, enters, eventually, publish};
use async_trait::async_trait;
use lapin::options::QueueDeleteOptions;
use sunbeon_broker::{Broker, Delivered, EnterHandler, Settle};
use sunbeon_proto_messages::topology::ENTER_QUEUE;
use sunbeon_test_support::{RabbitServer, TcpProxy};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, broadcast},
    time::{Instant, timeout},
};

/// How long a batch waits for a silent server.
const LIMIT: Duration = Duration::from_secs(5);

/// A broker behind a proxy.
struct Line {
    broker: Arc<dyn Broker>,
    proxy: TcpProxy,
    console: Console,
    _vhost: TestVhost,
}

impl Line {
    async fn open() -> Self {
        let vhost = TestVhost::create().await;
        let (proxy, through) = TcpProxy::before(vhost.url()).await;
        let broker = crate::kit::open(&through).await;
        Self {
            broker,
            proxy,
            console: Console::open(vhost.url()).await,
            _vhost: vhost,
        }
    }

    async fn publish_until_confirmed(&self, number: u64) {
        let again = async || self.broker.publish_enters(&enters([number])).await == [true];
        eventually(SOON, "a message is confirmed", again).await;
    }

    /// Publishes and waits until the server has delivered everything to the consumer.
    async fn publish_and_deliver(&self, numbers: RangeInclusive<u64>) {
        publish(&self.broker, numbers).await;
        let delivered = async || self.console.waiting().await == 0;
        eventually(SOON, "the server has delivered all", delivered).await;
    }
}

/// `host:port` of an AMQP URL.
fn address(url: &str) -> String {
    let authority = url.split('/').nth(2).unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}

/// Returns the URL of the same virtual host through a local port.
fn through(url: &str, port: u16) -> String {
    url.replace(&address(url), &format!("127.0.0.1:{port}"))
}

#[tokio::test]
async fn every_message_reported_true_is_consumed_even_if_the_connection_is_cut() {
    let line = Line::open().await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&line.broker, recorder.clone());
    let (mut confirmed, mut unconfirmed) = (Vec::new(), 0);
    for round in 0..40 {
        let messages = enters(round * 500..(round + 1) * 500);
        let publishing = line.broker.publish_enters(&messages);
        let cutting = async {
            if round % 4 == 3 {
                tokio::task::yield_now().await;
                line.proxy.cut();
            }
        };
        let (replies, ()) = futures::future::join(publishing, cutting).await;
        for (message, reply) in messages.iter().zip(&replies) {
            match reply {
                true => confirmed.push(message.entry_number.0),
                false => unconfirmed += 1,
            }
        }
        crate::kit::can_publish(&line.broker).await;
    }
    assert!(confirmed.len() >= 10_000, "{} confirmed", confirmed.len());
    assert!(unconfirmed > 0, "no cut was noticed");
    recorder.sees(confirmed).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_message_whose_confirm_is_lost_is_reported_false_even_if_it_arrives() {
    let line = Line::open().await;
    line.proxy.hold_replies(true);
    let messages = enters(1..=3);
    let publishing = line.broker.publish_enters(&messages);
    let arrival = async {
        let arrived = async || line.console.waiting().await == 3;
        eventually(SOON, "the server has the messages", arrived).await;
        line.proxy.cut();
    };
    let (replies, ()) = futures::future::join(publishing, arrival).await;
    assert_eq!(replies, [false; 3]);
    line.proxy.hold_replies(false);
    line.publish_until_confirmed(4).await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&line.broker, recorder.clone());
    recorder.sees(1..=4).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_silent_server_delays_no_publisher_beyond_the_limit() {
    let line = Line::open().await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&line.broker, recorder.clone());
    publish(&line.broker, [1]).await;
    recorder.sees([1]).await;
    line.proxy.stall();
    let begun = Instant::now();
    let (one, other) = (enters(2..=900), enters([901]));
    let replies = futures::future::join(
        line.broker.publish_enters(&one),
        line.broker.publish_enters(&other),
    );
    assert_eq!(replies.await, (vec![false; 899], vec![false]));
    // Both wait at the same time, not one after the other.
    assert!(begun.elapsed() < LIMIT * 2, "{:?}", begun.elapsed());
    assert!(!line.broker.can_publish());
    // Without a link the answer comes at once.
    assert_eq!(line.broker.publish_enters(&other).await, [false]);
    assert!(begun.elapsed() < LIMIT * 2, "{:?}", begun.elapsed());
    line.proxy.resume();
    line.publish_until_confirmed(1_000).await;
    recorder.sees([1_000]).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_silent_server_delays_neither_a_consumer_nor_close() {
    let line = Line::open().await;
    let recorder = Recorder::new(|_, _| Settle::Retry);
    let consumer = Consumer::start(&line.broker, recorder.clone());
    publish(&line.broker, [1]).await;
    recorder.sees([1]).await;
    line.proxy.stall();
    let stopping = futures::future::join(consumer.stop(), line.broker.close());
    timeout(SOON, stopping).await.expect("both end");
    assert!(!line.broker.can_publish());
}

#[tokio::test]
async fn a_consumer_and_a_publisher_come_back_when_the_server_does() {
    let line = Line::open().await;
    let recorder = Recorder::new(|number, before| match (number, before) {
        (1, 0) => Settle::Retry,
        _ => Settle::Done,
    });
    let consumer = Consumer::start(&line.broker, recorder.clone());
    publish(&line.broker, [1]).await;
    recorder.sees([1]).await;
    line.proxy.refuse(true);
    line.proxy.cut();
    eventually(SOON, "the loss is noticed", async || {
        !line.broker.can_publish()
    })
    .await;
    let begun = Instant::now();
    assert_eq!(line.broker.publish_enters(&enters(2..=3)).await, [false; 2]);
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    line.proxy.refuse(false);
    line.publish_until_confirmed(4).await;
    recorder.sees([4]).await;
    let nothing_left = async || line.console.waiting().await == 0;
    eventually(SOON, "the queue is empty", nothing_left).await;
    consumer.stop().await;
    assert!(recorder.times()[&1] >= 2);
}

#[tokio::test]
async fn a_batch_dropped_by_its_caller_does_not_confuse_the_next() {
    let line = Line::open().await;
    line.proxy.hold_replies(true);
    let messages = enters(1..=2);
    let given_up = timeout(
        Duration::from_millis(100),
        line.broker.publish_enters(&messages),
    )
    .await;
    assert!(given_up.is_err());
    assert!(!line.broker.can_publish());
    line.proxy.hold_replies(false);
    line.publish_until_confirmed(3).await;
}

#[tokio::test]
async fn messages_to_a_deleted_queue_are_reported_false_and_the_queue_is_declared_again() {
    let line = Line::open().await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&line.broker, recorder.clone());
    publish(&line.broker, [1]).await;
    recorder.sees([1]).await;
    consumer.stop().await;
    let options = QueueDeleteOptions::default();
    line.console
        .channel
        .queue_delete(ENTER_QUEUE.into(), options)
        .await
        .unwrap();
    assert_eq!(
        line.broker.publish_enters(&enters(2..=1_001)).await,
        [false; 1_000]
    );
    line.publish_until_confirmed(1_002).await;
    assert_eq!(line.console.waiting().await, 1);
}

/// Holds its batches until it gets a permit for each.
struct Gated(Arc<Recorder>, Semaphore);

#[async_trait]
impl EnterHandler for Gated {
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
        self.1.acquire().await.unwrap().forget();
        self.0.handle(messages).await
    }
}

impl Gated {
    fn closed(recorder: &Arc<Recorder>) -> Arc<Self> {
        Arc::new(Self(recorder.clone(), Semaphore::new(0)))
    }
}

#[tokio::test]
async fn a_consumer_whose_queue_is_deleted_declares_it_again() {
    let line = Line::open().await;
    let recorder = Recorder::done();
    let gated = Gated::closed(&recorder);
    let consumer = Consumer::start(&line.broker, gated.clone());
    // One message in the handler's hands and one behind it, before the deletion.
    line.publish_and_deliver(1..=1).await;
    line.publish_and_deliver(2..=2).await;
    let options = QueueDeleteOptions::default();
    let deleted = line
        .console
        .channel
        .queue_delete(ENTER_QUEUE.into(), options)
        .await;
    deleted.unwrap();
    gated.1.add_permits(1_000);
    line.publish_until_confirmed(3).await;
    recorder.sees([3]).await;
    consumer.stop().await;
}

#[tokio::test]
async fn a_message_done_before_an_earlier_one_settles_only_itself() {
    let line = Line::open().await;
    let recorder = Recorder::new(|number, _| match number {
        1..=3 => Settle::Retry,
        _ => Settle::Done,
    });
    let gated = Gated::closed(&recorder);
    let consumer = Consumer::start(&line.broker, gated.clone());
    // The first keeps the handler busy while the others gather behind it.
    line.publish_and_deliver(0..=0).await;
    line.publish_and_deliver(1..=4).await;
    gated.1.add_permits(1_000);
    let again = async || recorder.times().get(&1) >= Some(&2);
    eventually(SOON, "the first three are retried", again).await;
    consumer.stop().await;
    assert_eq!(recorder.times()[&4], 1, "the fourth was done beside them");
    let next = Recorder::done();
    let consumer = Consumer::start(&line.broker, next.clone());
    next.sees(1..=3).await;
    consumer.stop().await;
    assert_eq!(next.numbers().len(), 3);
}

#[tokio::test]
async fn a_restart_of_the_server_loses_nothing_that_was_confirmed() {
    let server = RabbitServer::start().await;
    let broker = crate::kit::open(server.amqp_url()).await;
    publish(&broker, 1..=100).await;
    // Stopped cleanly first: RabbitMQ 3.10 forgets a quorum queue's log when it is killed right
    // after the queue's declaration.
    server.stop().await;
    eventually(SOON, "the loss is noticed", async || !broker.can_publish()).await;
    assert_eq!(broker.publish_enters(&enters([101])).await, [false]);
    server.start_again().await;
    crate::kit::can_publish(&broker).await;
    publish(&broker, 102..=200).await;
    server.kill().await;
    eventually(SOON, "the loss is noticed", async || !broker.can_publish()).await;
    server.start_again().await;
    let recorder = Recorder::done();
    let consumer = Consumer::start(&broker, recorder.clone());
    recorder.sees((1..=100).chain(102..=200)).await;
    // This time with a running consumer.
    server.stop().await;
    server.start_again().await;
    crate::kit::can_publish(&broker).await;
    publish(&broker, [201]).await;
    recorder.sees([201]).await;
    consumer.stop().await;
    broker.close().await;
}

#[tokio::test]
async fn a_broker_without_a_server_opens_confirms_nothing_and_closes() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("amqp://guest:secret@{nobody}/%2f");
    let broker = sunbeon_broker::open(&crate::kit::settings(&url, 100), "test").unwrap();
    let consumer = Consumer::start(&broker, Recorder::done());
    let all = async {
        assert_eq!(broker.publish_enters(&enters(1..=2)).await, [false; 2]);
        assert!(!broker.can_publish());
        consumer.stop().await;
        broker.close().await;
    };
    timeout(LIMIT, all)
        .await
        .expect("nothing waits for the server");
}

#[tokio::test]
async fn an_unreadable_url_is_refused_without_being_shown() {
    for url in [
        "",
        "localhost",
        "redis://guest:secret@localhost",
        "amqp://guest:secret@[/x",
    ] {
        let error = sunbeon_broker::open(&crate::kit::settings(url, 100), "test")
            .err()
            .unwrap();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    assert!(
        !format!("{:?}", crate::kit::settings("amqp://guest:secret@h", 100)).contains("secret")
    );
}

/// A proxy that can speak to the clients itself, as a server with a memory alarm does.
struct Impostor {
    port: u16,
    says: broadcast::Sender<Vec<u8>>,
}

impl Impostor {
    async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let says = broadcast::Sender::new(10);
        let words = says.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                let (client_reads, client_writes) = client.into_split();
                let (server_reads, server_writes) = server.into_split();
                // Nothing of its own is ever sent to the server.
                let silence = broadcast::Sender::new(1).subscribe();
                tokio::spawn(carry(client_reads, server_writes, silence));
                tokio::spawn(carry(server_reads, client_writes, words.subscribe()));
            }
        });
        Self { port, says }
    }

    /// Sends the clients an AMQP method with one text argument, on channel 0, class `connection`.
    fn say(&self, method: u16, text: &str) {
        let mut arguments = Vec::new();
        if !text.is_empty() {
            arguments.push(text.len() as u8);
            arguments.extend(text.as_bytes());
        }
        let size = 4 + arguments.len() as u32;
        let frame = [
            &[1, 0, 0][..],
            &size.to_be_bytes(),
            &10_u16.to_be_bytes(),
            &method.to_be_bytes(),
            &arguments,
            &[0xCE],
        ];
        self.says.send(frame.concat()).unwrap();
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut words: broadcast::Receiver<Vec<u8>>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            read = from.read(&mut buffer) => match read {
                Ok(1..) => to.write_all(&buffer[..read.unwrap()]).await.unwrap_or_default(),
                _ => return,
            },
            Ok(said) = words.recv() => to.write_all(&said).await.unwrap_or_default(),
        }
    }
}

const BLOCKED: u16 = 60;
const UNBLOCKED: u16 = 61;

#[tokio::test]
async fn nothing_is_published_to_a_server_that_blocks_publishers() {
    let vhost = TestVhost::create().await;
    let impostor = Impostor::start(address(vhost.url())).await;
    let broker = crate::kit::open(&through(vhost.url(), impostor.port)).await;
    publish(&broker, [1]).await;
    impostor.say(BLOCKED, "low on memory");
    eventually(SOON, "the block is noticed", async || !broker.can_publish()).await;
    let begun = Instant::now();
    assert_eq!(broker.publish_enters(&enters([2])).await, [false]);
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    impostor.say(UNBLOCKED, "");
    crate::kit::can_publish(&broker).await;
    publish(&broker, [3]).await;
    assert_eq!(Console::open(vhost.url()).await.waiting().await, 2);
}

/// A server with an alarm tells a connection that it blocks it only once the connection publishes
/// something; nobody publishes here.
#[tokio::test]
async fn a_memory_alarm_shows_before_anything_is_published_and_ends_with_the_alarm() {
    let server = RabbitServer::start().await;
    let broker = crate::kit::open(server.amqp_url()).await;
    crate::kit::can_publish(&broker).await;
    server
        .ctl(&["set_vm_memory_high_watermark", "0.000001"])
        .await;
    let blocked = async || !broker.can_publish();
    eventually(SOON, "the alarm shows", blocked).await;
    server.ctl(&["set_vm_memory_high_watermark", "0.6"]).await;
    crate::kit::can_publish(&broker).await;
    publish(&broker, [1]).await;
}
