//! The broker in this process.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};

use async_trait::async_trait;
use metrics::histogram;
use parking_lot::{Mutex, MutexGuard};
use sunbeon_domain::UnixMs;
use sunbeon_proto_messages::{Enter, Event, topology::DEAD_QUEUE_LENGTH};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    Broker, BrokerDown, DEAD_LETTERS_AT_ONCE, DeadLetter, DeadLetters, Delivered, EnterHandler,
    Heard, Removed, Repeated,
    batch::{self, Received, Source},
    dead,
    events::{Ear, binds},
    trace,
};

/// A broker in this process that follows RabbitMQ's rules: unsettled messages go back to the front
/// of the queue when their consumer stops, and dead letters are capped. A cheap handle; clones
/// share the queue.
#[derive(Debug, Clone)]
pub struct MemoryBroker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    subscribers: Mutex<Vec<Subscriber>>,
    closed: AtomicBool,
    away: AtomicBool,
}

#[derive(Debug)]
struct Subscriber {
    binding: String,
    ear: Ear,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    unsettled: usize,
    dead: VecDeque<DeadLetter>,
}

impl State {
    fn bury(&mut self, body: Vec<u8>) {
        self.dead.push_back(DeadLetter {
            enter: dead::enter(&body),
            body,
            reason: Some("rejected".to_owned()),
            died_at: Some(now()),
        });
        let excess = self.dead.len().saturating_sub(DEAD_QUEUE_LENGTH as usize);
        self.dead.drain(..excess);
    }

    fn dead_count(&self) -> u32 {
        u32::try_from(self.dead.len()).unwrap_or(u32::MAX)
    }
}

#[derive(Debug)]
struct Message {
    body: Vec<u8>,
    headers: HashMap<String, String>,
    published: Instant,
    redelivered: bool,
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBroker {
    /// Creates an empty broker.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                arrived: Notify::new(),
                subscribers: Mutex::default(),
                closed: AtomicBool::new(false),
                away: AtomicBool::new(false),
            }),
        }
    }

    /// Makes the broker behave as if its server was gone, or back again. While it is away nothing can be
    /// published and nothing is handed out; what is on the queue stays there, and events are lost.
    pub fn set_away(&self, away: bool) {
        let was_away = self.shared.away.swap(away, Ordering::Relaxed);
        if was_away && !away {
            self.subscribers().iter().for_each(|it| it.ear.miss());
            self.shared.arrived.notify_one();
        }
    }

    fn is_away(&self) -> bool {
        self.shared.away.load(Ordering::Relaxed)
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), BrokerDown> {
        match self.can_publish() {
            true => Ok(()),
            false => Err(BrokerDown("the embedded broker is away".into())),
        }
    }

    /// Puts a raw body on the queue, as any client with access to the broker could.
    pub fn push_raw(&self, body: Vec<u8>) {
        self.push(body, HashMap::new());
    }

    /// Returns the number of unsettled messages, both waiting and in a handler's hands.
    pub fn len(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.unsettled
    }

    /// Returns whether every message is settled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn push(&self, body: Vec<u8>, headers: HashMap<String, String>) {
        let message = Message {
            body,
            headers,
            published: Instant::now(),
            redelivered: false,
        };
        self.state().waiting.push_back(message);
        self.shared.arrived.notify_one();
    }

    fn publish_enter(&self, message: &Enter) {
        let span = trace::producer_span(message);
        let mut headers = HashMap::new();
        trace::inject(&span, &mut headers);
        let body = serde_json::to_vec(message).expect("an ENTER message is always JSON");
        self.push(body, headers);
    }

    async fn take(&self) -> Hand {
        loop {
            let arrived = self.shared.arrived.notified();
            if let Some(hand) = self.take_now() {
                return hand;
            }
            arrived.await;
        }
    }

    fn take_now(&self) -> Option<Hand> {
        let mut state = self.state();
        let count = state.waiting.len().min(batch::LARGEST);
        if count == 0 || self.is_away() {
            return None;
        }
        let messages = state.waiting.drain(..count).map(Some).collect();
        state.unsettled += count;
        if !state.waiting.is_empty() {
            // Two notifications may have woken one consumer only: wake another for the rest.
            self.shared.arrived.notify_one();
        }
        Some(Hand {
            broker: self.clone(),
            messages,
        })
    }

    fn tell_subscribers(&self, event: &Event) {
        let key = event.routing_key();
        let mut subscribers = self.subscribers();
        subscribers.retain(|subscriber| !subscriber.ear.is_deaf());
        for subscriber in subscribers.iter() {
            if binds(&subscriber.binding, &key) {
                subscriber.ear.tell(event.clone());
            }
        }
    }

    fn subscribers(&self) -> MutexGuard<'_, Vec<Subscriber>> {
        self.shared.subscribers.lock()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock()
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    fn can_publish(&self) -> bool {
        !self.is_closed() && !self.is_away()
    }

    async fn publish_enters(&self, messages: &[Enter]) -> Vec<bool> {
        if !self.can_publish() {
            return vec![false; messages.len()];
        }
        let begun = Instant::now();
        messages
            .iter()
            .for_each(|message| self.publish_enter(message));
        histogram!("sunbeon_publish_confirm_seconds").record(begun.elapsed());
        vec![true; messages.len()]
    }

    fn publish_event(&self, event: Event) {
        if self.can_publish() {
            self.tell_subscribers(&event);
        }
    }

    fn subscribe_events(&self, binding: &str) -> mpsc::Receiver<Heard> {
        let (ear, heard) = Ear::new();
        ear.miss();
        let binding = binding.to_owned();
        let mut subscribers = self.subscribers();
        if !self.is_closed() {
            subscribers.push(Subscriber { binding, ear });
        }
        heard
    }

    async fn consume_enters(&self, handler: Arc<dyn EnterHandler>, shutdown: CancellationToken) {
        while let Some(mut hand) = shutdown.run_until_cancelled(self.take()).await {
            let received = hand.received();
            let Ok(()) = batch::settle(&mut hand, received, &handler, &shutdown).await;
        }
    }

    async fn count_dead_letters(&self) -> Result<u32, BrokerDown> {
        self.check()?;
        Ok(self.state().dead_count())
    }

    async fn read_dead_letters(&self, limit: u32) -> Result<DeadLetters, BrokerDown> {
        self.check()?;
        let state = self.state();
        Ok(DeadLetters {
            total: state.dead_count(),
            oldest: state.dead.iter().take(reach(limit)).cloned().collect(),
        })
    }

    async fn repeat_dead_letters(&self, limit: u32) -> Result<Repeated, BrokerDown> {
        self.check()?;
        let (mut repeated, mut not_enter) = (Vec::new(), 0);
        let left = {
            let mut state = self.state();
            let reached = reach(limit).min(state.dead.len());
            let mut kept = VecDeque::new();
            for letter in state.dead.drain(..reached) {
                match letter.enter {
                    Some(enter) => repeated.push(enter),
                    None => kept.push_back(letter),
                }
            }
            not_enter += kept.len() as u32;
            kept.append(&mut state.dead);
            state.dead = kept;
            state.dead_count()
        };
        repeated.iter().for_each(|enter| self.publish_enter(enter));
        Ok(Repeated {
            repeated: repeated.len() as u32,
            not_enter,
            unconfirmed: 0,
            left,
        })
    }

    async fn remove_dead_letters(&self, limit: u32) -> Result<Removed, BrokerDown> {
        self.check()?;
        let mut state = self.state();
        let reached = reach(limit).min(state.dead.len());
        let removed = state.dead.drain(..reached).count() as u32;
        Ok(Removed {
            removed,
            left: state.dead_count(),
        })
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.subscribers().clear();
    }
}

fn reach(limit: u32) -> usize {
    limit.min(DEAD_LETTERS_AT_ONCE) as usize
}

#[expect(
    clippy::disallowed_methods,
    reason = "shown to operators; nothing depends on it"
)]
fn now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The unsettled messages of one batch. On drop they go back to their places in the queue.
struct Hand {
    broker: MemoryBroker,
    messages: Vec<Option<Message>>,
}

impl Hand {
    fn received(&self) -> Vec<Received<usize>> {
        let messages = self.messages.iter().flatten().enumerate();
        messages
            .map(|(tag, message)| (tag, message.deliver()))
            .collect()
    }
}

impl Message {
    fn deliver(&self) -> Result<Delivered, batch::Undecodable> {
        batch::record_lag(self.published.elapsed());
        Ok(Delivered {
            enter: batch::decode(&self.body)?,
            redelivered: self.redelivered,
            context: trace::extract(&self.headers),
        })
    }
}

impl Source for Hand {
    type Tag = usize;
    type Error = std::convert::Infallible;

    async fn settle(
        &mut self,
        done: &[usize],
        rejected: &[usize],
        _last: bool,
    ) -> Result<(), Self::Error> {
        let mut state = self.broker.state();
        state.unsettled -= done.len() + rejected.len();
        for tag in done {
            self.messages[*tag] = None;
        }
        for message in rejected.iter().filter_map(|tag| self.messages[*tag].take()) {
            state.bury(message.body);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut state = self.broker.state();
        for mut message in mem::take(&mut self.messages).into_iter().flatten().rev() {
            message.redelivered = true;
            state.waiting.push_front(message);
            state.unsettled -= 1;
        }
        drop(state);
        self.broker.shared.arrived.notify_one();
    }
}
