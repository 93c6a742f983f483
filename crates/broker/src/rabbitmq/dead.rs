//! Dead letters: reading, repeating and removing the oldest ones.
//!
//! A quorum queue cannot be looked into: a message has to be taken, and given back. What RabbitMQ does with it
//! then depends on its release and on policies, so:
//!
//! - Always the same number is taken, whatever was asked for: what was given back comes before all
//!   others, in the order in which it came back.
//! - Messages are given back by closing the channel. `basic.nack` puts them at the end of a queue
//!   without a delivery limit.
//! - Giving back counts as a delivery, and beyond a delivery limit (since RabbitMQ 4.0 there always is one,
//!   20 unless set) the message is dropped. So messages that were given back often are replaced
//!   by fresh copies, the whole queue in its order; each only once its copy is confirmed.
//! - Two who take at a time would each see a part: an exclusive queue lets one at a time.

use std::time::Duration;

use futures::StreamExt;
use lapin::{
    Channel, Connection, Consumer, ErrorKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::FieldTable,
};
use sunbeon_proto_messages::topology::{DEAD_QUEUE, DEAD_TURN};
use tokio::time::{Instant, sleep, timeout};

use super::{
    connection::{Connector, LIMIT, Lost, close, in_time},
    consume::SETTLING,
    headers,
    publish::Publisher,
};
use crate::{DEAD_LETTERS_AT_ONCE, DeadLetter, DeadLetters, Removed, Repeated, dead};

/// How often a message may have been given back before it is replaced by a copy: well below the limit.
const WORN: i64 = 10;
/// How many copies may be unconfirmed at once.
const COPIES: usize = 500;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long the server may take until messages given back are on the queue.
const BACK: Duration = Duration::from_secs(1);

/// Returns how many messages wait on the queue, over any channel.
pub(super) async fn count(channel: &Channel) -> Result<u32, Lost> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::durable()
    };
    let asked = channel.queue_declare(DEAD_QUEUE.into(), passive, FieldTable::default());
    Ok(in_time(asked).await?.message_count())
}

pub(super) async fn read(connector: &Connector, limit: u32) -> Result<DeadLetters, Lost> {
    let hand = Hand::take(connector).await?;
    let letters = DeadLetters {
        total: hand.total,
        oldest: hand.reach(limit).iter().map(letter).collect(),
    };
    hand.give_back(Vec::new()).await?;
    Ok(letters)
}

pub(super) async fn repeat(
    connector: &Connector,
    publisher: &Publisher,
    limit: u32,
) -> Result<Repeated, Lost> {
    let hand = Hand::take(connector).await?;
    let reached = hand.reach(limit);
    let decoded = reached
        .iter()
        .filter_map(|it| Some((it.delivery_tag, dead::enter(&it.data)?)));
    let (tags, enters): (Vec<_>, Vec<_>) = decoded.unzip();
    let not_enter = (reached.len() - enters.len()) as u32;
    let confirms = publisher.publish_enters(&enters).await;
    let confirmed = tags
        .iter()
        .zip(confirms)
        .filter(|(_, confirmed)| *confirmed);
    let gone: Vec<_> = confirmed.map(|(tag, _)| *tag).collect();
    let repeated = gone.len() as u32;
    let left = hand.total.saturating_sub(repeated);
    hand.give_back(gone).await?;
    Ok(Repeated {
        repeated,
        not_enter,
        unconfirmed: enters.len() as u32 - repeated,
        left,
    })
}

pub(super) async fn remove(connector: &Connector, limit: u32) -> Result<Removed, Lost> {
    let hand = Hand::take(connector).await?;
    let gone: Vec<_> = hand.reach(limit).iter().map(|it| it.delivery_tag).collect();
    let removed = gone.len() as u32;
    let left = hand.total.saturating_sub(removed);
    hand.give_back(gone).await?;
    Ok(Removed { removed, left })
}

fn letter(delivery: &Delivery) -> DeadLetter {
    let (reason, died_at) = headers::death(&delivery.properties);
    DeadLetter {
        body: delivery.data.clone(),
        enter: dead::enter(&delivery.data),
        reason,
        died_at,
    }
}

/// The oldest dead letters, taken. If it is dropped, they go back as well.
struct Hand {
    connection: Connection,
    consumer: Consumer,
    /// Whose end gives back what is taken.
    taking: Channel,
    aside: Channel,
    /// How many there were on the queue.
    total: u32,
    letters: Vec<Delivery>,
}

impl Hand {
    async fn take(connector: &Connector) -> Result<Self, Lost> {
        let (connection, taking) = connector.connect("dead letters").await?;
        let aside = turn(&connection).await?;
        let total = count(&aside).await?;
        let window = DEAD_LETTERS_AT_ONCE as u16;
        in_time(taking.basic_qos(window, BasicQosOptions::default())).await?;
        let (queue, tag, none) = (DEAD_QUEUE.into(), "".into(), FieldTable::default());
        let consume = taking.basic_consume(queue, tag, BasicConsumeOptions::default(), none);
        let consumer = in_time(consume).await?;
        let mut hand = Self {
            connection,
            consumer,
            taking,
            aside,
            total,
            letters: Vec::new(),
        };
        hand.letters = hand.next(total.min(DEAD_LETTERS_AT_ONCE) as usize).await?;
        Ok(hand)
    }

    /// Takes so many messages, or fewer if somebody else took some.
    async fn next(&mut self, count: usize) -> Result<Vec<Delivery>, Lost> {
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count
            && let Ok(delivery) = timeout(BACK, self.consumer.next()).await
        {
            taken.push(delivery.ok_or(Lost::Cancelled)??);
        }
        Ok(taken)
    }

    /// Returns the oldest, at most `limit`.
    fn reach(&self, limit: u32) -> &[Delivery] {
        &self.letters[..self.letters.len().min(limit as usize)]
    }

    /// Removes some of what is taken, gives the rest back, and waits until it is on the queue.
    async fn give_back(mut self, gone: Vec<u64>) -> Result<(), Lost> {
        for tag in &gone {
            self.ack(*tag, false).await?;
        }
        let stays = self.total.saturating_sub(gone.len() as u32);
        let worn = self
            .letters
            .iter()
            .any(|it| headers::times_given_back(&it.properties) >= WORN);
        if worn {
            self.letters.retain(|it| !gone.contains(&it.delivery_tag));
            self.renew(stays as usize).await?;
        }
        if worn || !gone.is_empty() {
            sleep(SETTLING).await;
        }
        in_time(self.taking.close(200, "bye".into())).await?;
        let limit = Instant::now() + BACK;
        while count(&self.aside).await? < stays && Instant::now() < limit {
            sleep(LOOK_AGAIN).await;
        }
        let options = QueueDeleteOptions::default();
        in_time(self.aside.queue_delete(DEAD_TURN.into(), options)).await?;
        close(self.connection).await;
        Ok(())
    }

    /// Replaces messages by copies at the end of the queue: first those in hand, then those behind
    /// them, as many as there were.
    async fn renew(&mut self, mut count: usize) -> Result<(), Lost> {
        in_time(self.taking.confirm_select(ConfirmSelectOptions::default())).await?;
        let mut letters = std::mem::take(&mut self.letters);
        while count > 0 {
            if letters.is_empty() {
                letters = self.next(count.min(COPIES)).await?;
            }
            let some: Vec<_> = letters.drain(..letters.len().min(COPIES)).collect();
            let Some(last) = some.last() else { break };
            self.copy(&some).await?;
            // Whatever was taken before them is settled.
            self.ack(last.delivery_tag, true).await?;
            count = count.saturating_sub(some.len());
        }
        Ok(())
    }

    /// Publishes copies; fails unless every one is confirmed on the queue.
    async fn copy(&self, letters: &[Delivery]) -> Result<(), Lost> {
        let mut confirms = Vec::with_capacity(letters.len());
        for letter in letters {
            let options = BasicPublishOptions {
                mandatory: true,
                ..Default::default()
            };
            let (exchange, queue) = ("".into(), DEAD_QUEUE.into());
            let properties = headers::copied(&letter.properties);
            let sent =
                self.taking
                    .basic_publish(exchange, queue, options, &letter.data, properties);
            confirms.push(in_time(sent).await?);
        }
        for confirm in confirms {
            let confirmation = in_time(confirm).await?;
            if !confirmation.is_ack() || confirmation.take_message().is_some() {
                return Err(Lost::Unconfirmed);
            }
        }
        Ok(())
    }

    async fn ack(&self, tag: u64, multiple: bool) -> Result<(), Lost> {
        in_time(self.taking.basic_ack(tag, BasicAckOptions { multiple })).await
    }
}

/// Waits until nobody else works on the dead letters, and returns the channel that keeps others out.
async fn turn(connection: &Connection) -> Result<Channel, Lost> {
    let limit = Instant::now() + LIMIT;
    loop {
        let channel = in_time(connection.create_channel()).await?;
        let mine = QueueDeclareOptions {
            exclusive: true,
            ..Default::default()
        };
        let declared = channel.queue_declare(DEAD_TURN.into(), mine, FieldTable::default());
        match in_time(declared).await {
            Ok(_) => return Ok(channel),
            Err(why) if is_locked(&why) && Instant::now() < limit => sleep(LOOK_AGAIN).await,
            Err(why) => return Err(why),
        }
    }
}

fn is_locked(why: &Lost) -> bool {
    let Lost::Amqp(error) = why else { return false };
    let ErrorKind::ProtocolError(error) = error.kind() else {
        return false;
    };
    *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED)
}
