//! Receiving events.

use futures::StreamExt;
use lapin::{
    Channel, Connection, Consumer,
    message::Delivery,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use sunbeon_proto_messages::topology::EVENTS_EXCHANGE;
use tokio::time::{interval, sleep};

use super::connection::{Connector, LOOK, Lost, Outage, check, close, in_time, text};
use crate::{backoff::Backoff, events::Ear};

/// How many events wait on the server for this process; beyond that the oldest are dropped.
const QUEUE_LENGTH: i64 = 10_000;

/// Subscribes, and reconnects whenever the connection is lost. Runs until dropped.
pub(super) async fn run(connector: &Connector, binding: &str, ear: &Ear) {
    let mut outage = Outage::new("listen");
    let mut backoff = Backoff::default();
    loop {
        let lost = match connect(connector, binding).await {
            Ok((connection, consumer)) => {
                outage.over();
                backoff.reset();
                // The queue is bound: nothing is missed from here on.
                ear.miss();
                let lost = hear(&connection, consumer, ear).await;
                tokio::spawn(close(connection));
                connector.go_elsewhere();
                lost
            }
            Err(why) => why,
        };
        outage.lost(&lost);
        sleep(backoff.pause_with_jitter()).await;
    }
}

async fn connect(connector: &Connector, binding: &str) -> Result<(Connection, Consumer), Lost> {
    let (connection, channel) = connector.connect("listen").await?;
    let queue = in_time(own_queue(&channel, binding)).await?;
    let options = BasicConsumeOptions {
        no_ack: true,
        ..Default::default()
    };
    let consumer = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    Ok((connection, in_time(consumer).await?))
}

/// Declares a queue that goes away with its connection, so that no events pile up for a subscriber
/// that is gone.
async fn own_queue(channel: &Channel, binding: &str) -> lapin::Result<ShortString> {
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..Default::default()
    };
    let mut bounded = FieldTable::default();
    bounded.insert("x-queue-type".into(), text("classic"));
    bounded.insert("x-max-length".into(), AMQPValue::LongLongInt(QUEUE_LENGTH));
    bounded.insert("x-overflow".into(), text("drop-head"));
    let queue = channel.queue_declare("".into(), options, bounded).await?;
    let (name, exchange, key) = (queue.name(), EVENTS_EXCHANGE.into(), binding.into());
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel
        .queue_bind(name.clone(), exchange, key, options, none)
        .await?;
    Ok(name.clone())
}

/// Passes on events until the connection or the queue is gone.
async fn hear(connection: &Connection, mut consumer: Consumer, ear: &Ear) -> Lost {
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            biased;
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => pass_on(&delivery, ear),
                Some(Err(error)) => return error.into(),
                None => return Lost::Cancelled,
            },
            _ = look.tick() => if let Err(why) = check(connection) {
                return why;
            },
        }
    }
}

/// Passes on one event. Skips anything else, including events that only a later version knows. The
/// log line never shows the body: `serde_json` quotes values in its messages.
fn pass_on(delivery: &Delivery, ear: &Ear) {
    match serde_json::from_slice(&delivery.data) {
        Ok(event) => ear.tell(event),
        Err(error) => tracing::debug!(
            bytes = delivery.data.len(),
            kind = ?error.classify(),
            line = error.line(),
            column = error.column(),
            "skipping a message that is not a known event"
        ),
    }
}
