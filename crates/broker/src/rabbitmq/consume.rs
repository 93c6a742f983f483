//! Consuming ENTER messages.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use lapin::{
    Channel, Connection, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions,
        BasicRejectOptions,
    },
    types::FieldTable,
};
use sunbeon_proto_messages::topology::ENTER_QUEUE;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Connector, LOOK, Lost, Outage, check, close, in_time},
    headers,
};
use crate::{
    Delivered, EnterHandler,
    backoff::Backoff,
    batch::{self, Received, Source},
};

/// Acknowledgements are never answered; closing a channel right after one may undo it.
pub(super) const SETTLING: Duration = Duration::from_millis(100);

/// Consumes until `shutdown`, reconnecting whenever the connection is lost.
pub(super) async fn run(
    connector: &Connector,
    prefetch: u16,
    handler: &Arc<dyn EnterHandler>,
    shutdown: &CancellationToken,
) {
    let mut outage = Outage::new("consume");
    let mut backoff = Backoff::default();
    while let Some(connected) = shutdown
        .run_until_cancelled(Intake::open(connector, prefetch))
        .await
    {
        let ended = match connected {
            Ok(mut intake) => {
                outage.over();
                backoff.reset();
                let ended = intake.work(handler, shutdown).await;
                intake.close(ended.is_ok()).await;
                if ended.is_err() {
                    connector.go_elsewhere();
                }
                ended
            }
            Err(why) => Err(why),
        };
        if let Err(why) = ended {
            outage.lost(&why);
            shutdown
                .run_until_cancelled(sleep(backoff.pause_with_jitter()))
                .await;
        }
    }
}

/// A running consumer.
struct Intake {
    connection: Connection,
    consumer: Consumer,
    acks: Acks,
}

impl Intake {
    async fn open(connector: &Connector, prefetch: u16) -> Result<Self, Lost> {
        let (connection, channel) = connector.connect("consume").await?;
        in_time(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let (queue, tag, none) = (ENTER_QUEUE.into(), "".into(), FieldTable::default());
        let consumer = in_time(channel.basic_consume(queue, tag, options, none)).await?;
        Ok(Self {
            connection,
            consumer,
            acks: Acks { channel },
        })
    }

    async fn work(
        &mut self,
        handler: &Arc<dyn EnterHandler>,
        shutdown: &CancellationToken,
    ) -> Result<(), Lost> {
        while let Some(batch) = shutdown.run_until_cancelled(self.next_batch()).await {
            batch::settle(&mut self.acks, batch?, handler, shutdown).await?;
        }
        Ok(())
    }

    /// Waits for one message and takes whatever else has arrived.
    async fn next_batch(&mut self) -> Result<Vec<Received<u64>>, Lost> {
        let mut batch = vec![receive(&self.first().await?)];
        while batch.len() < batch::LARGEST
            && let Some(delivery) = self.consumer.next().now_or_never()
        {
            batch.push(receive(&delivery.ok_or(Lost::Cancelled)??));
        }
        Ok(batch)
    }

    async fn first(&mut self) -> Result<Delivery, Lost> {
        let mut look = interval(LOOK);
        loop {
            tokio::select! {
                biased;
                delivery = self.consumer.next() => return Ok(delivery.ok_or(Lost::Cancelled)??),
                _ = look.tick() => check(&self.connection)?,
            }
        }
    }

    /// Closes the channel; unsettled messages go back to the queue.
    async fn close(self, politely: bool) {
        if politely {
            let cancel = self
                .acks
                .channel
                .basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
            let _ = in_time(cancel).await;
            sleep(SETTLING).await;
            let _ = in_time(self.acks.channel.close(200, "bye".into())).await;
            close(self.connection).await;
        } else {
            tokio::spawn(close(self.connection));
        }
    }
}

fn receive(delivery: &Delivery) -> Received<u64> {
    if let Some(lag) = headers::lag(&delivery.properties) {
        batch::record_lag(lag);
    }
    let decoded = batch::decode(&delivery.data).map(|enter| Delivered {
        enter,
        redelivered: delivery.redelivered,
        context: headers::context(&delivery.properties),
    });
    (delivery.delivery_tag, decoded)
}

struct Acks {
    channel: Channel,
}

impl Source for Acks {
    type Tag = u64;
    type Error = Lost;

    async fn settle(&mut self, done: &[u64], rejected: &[u64], last: bool) -> Result<(), Lost> {
        let channel = &self.channel;
        in_time(async {
            for tag in rejected {
                channel
                    .basic_reject(*tag, BasicRejectOptions { requeue: false })
                    .await?;
            }
            // Batches do not overlap, so up to its last tag only this batch is unsettled.
            let one_for_all = last.then(|| done.iter().max()).flatten();
            match one_for_all {
                Some(tag) => {
                    channel
                        .basic_ack(*tag, BasicAckOptions { multiple: true })
                        .await?
                }
                None => {
                    for tag in done {
                        channel
                            .basic_ack(*tag, BasicAckOptions { multiple: false })
                            .await?;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    fn check(&self) -> Result<(), Lost> {
        if self.channel.status().connected() {
            Ok(())
        } else {
            Err(Lost::Ended)
        }
    }
}
