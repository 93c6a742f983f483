//! The task that keeps the publishing connection up.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use lapin::{
    BasicProperties, Channel, Connection, Event as ConnectionEvent,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use sunbeon_proto_messages::{Event, topology::EVENTS_EXCHANGE};
use tokio::{
    pin,
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{Connector, LOOK, Lost, Outage, check, close, in_time},
    publish::{Link, Publisher},
};
use crate::backoff::Backoff;

/// How often a message is published that reaches no queue. A server tells a connection that it
/// blocks publishers only when the connection publishes something.
const PROBE: Duration = Duration::from_secs(2);
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// What lapin reports about a connection.
type News = BoxStream<'static, ConnectionEvent>;

pub(super) struct Supervisor {
    connector: Connector,
    publisher: Arc<Publisher>,
    outbox: mpsc::Receiver<Event>,
    closing: CancellationToken,
    outage: Outage,
    backoff: Backoff,
}

impl Supervisor {
    pub(super) fn new(
        connector: Connector,
        publisher: Arc<Publisher>,
        outbox: mpsc::Receiver<Event>,
        closing: CancellationToken,
    ) -> Self {
        let (outage, backoff) = (Outage::new("publish"), Backoff::default());
        Self {
            connector,
            publisher,
            outbox,
            closing,
            outage,
            backoff,
        }
    }

    /// Builds the link and rebuilds it whenever it is lost, until closed.
    pub(super) async fn run(mut self) {
        let closing = self.closing.clone();
        while let Some(connected) = closing.run_until_cancelled(self.connect()).await {
            match connected {
                Ok((connection, link)) => self.stand(connection, link).await,
                Err(why) => self.outage.lost(&why),
            }
            closing
                .run_until_cancelled(tokio::time::sleep(self.backoff.pause_with_jitter()))
                .await;
        }
    }

    async fn connect(&self) -> Result<(Connection, Link), Lost> {
        let (connection, enters) = self.connector.connect("publish").await?;
        in_time(enters.confirm_select(ConfirmSelectOptions::default())).await?;
        let events = in_time(connection.create_channel()).await?;
        Ok((
            connection,
            Link {
                enters,
                events,
                over: CancellationToken::new(),
            },
        ))
    }

    /// Serves one connection until it ends.
    async fn stand(&mut self, connection: Connection, link: Link) {
        let _over = link.over.clone().drop_guard();
        // Listen before anything can be published, so that no block goes unnoticed.
        let mut news = connection.events_listener().boxed();
        self.outage.over();
        self.backoff.reset();
        self.publisher.set_link(Some(link.clone()));
        let ended = self.watch(&connection, &mut news, &link).await;
        self.publisher.set_link(None);
        match ended {
            Ok(()) => {
                self.flush(&link.events).await;
                close(connection).await;
            }
            Err(why) => {
                self.outage.lost(&why);
                self.connector.go_elsewhere();
                tokio::spawn(close(connection));
            }
        }
    }

    /// Watches the connection. Returns when closed; fails when the connection must be rebuilt.
    async fn watch(
        &mut self,
        connection: &Connection,
        news: &mut News,
        link: &Link,
    ) -> Result<(), Lost> {
        let (mut look, mut probes) = (interval(LOOK), interval(PROBE));
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let pump = pump(&link.events, &mut self.outbox);
        pin!(pump);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return Ok(()),
                event = news.next() => {
                    if let ControlFlow::Break(reason) = weigh(event)? {
                        link.over.cancel();
                        self.outage.lost(&Lost::Blocked(reason));
                        // Do not go on with the pump: it would only run into its limit.
                        return wait_out(news, connection, &self.closing).await;
                    }
                }
                () = link.over.cancelled() => return Err(Lost::Unconfirmed),
                _ = look.tick() => check(connection)?,
                _ = probes.tick() => probe(&link.events).await?,
                Err(why) = &mut pump => return Err(why),
            }
        }
    }

    /// Sends the waiting events, briefly, and lets the server confirm that it has them.
    async fn flush(&mut self, channel: &Channel) {
        let all = async {
            while let Ok(event) = self.outbox.try_recv() {
                publish(channel, &event).await?;
            }
            in_time(channel.close(200, "bye".into())).await
        };
        let _ = timeout(FLUSH_LIMIT, all).await;
    }
}

/// Waits until a blocked connection is unblocked, closed or lost. An unblocked connection is
/// rebuilt too, because confirms still outstanding would be mistaken for a later batch's.
async fn wait_out(
    news: &mut News,
    connection: &Connection,
    closing: &CancellationToken,
) -> Result<(), Lost> {
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            () = closing.cancelled() => return Ok(()),
            event = news.next() => match event {
                Some(ConnectionEvent::ConnectionUnblocked) => return Err(Lost::Ended),
                event => drop(weigh(event)?),
            },
            _ = look.tick() => check(connection)?,
        }
    }
}

/// Breaks with the server's reason when it blocks publishers; fails when the connection is lost.
fn weigh(event: Option<ConnectionEvent>) -> Result<ControlFlow<String>, Lost> {
    match event {
        Some(ConnectionEvent::ConnectionBlocked(reason)) => Ok(ControlFlow::Break(reason)),
        Some(ConnectionEvent::Error(error)) => Err(error.into()),
        Some(_) => Ok(ControlFlow::Continue(())),
        None => Err(Lost::Ended),
    }
}

async fn probe(channel: &Channel) -> Result<(), Lost> {
    let (exchange, nowhere) = ("".into(), "".into());
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    in_time(channel.basic_publish(exchange, nowhere, options, b"", properties))
        .await
        .map(drop)
}

async fn pump(channel: &Channel, outbox: &mut mpsc::Receiver<Event>) -> Result<(), Lost> {
    while let Some(event) = outbox.recv().await {
        publish(channel, &event).await?;
    }
    Ok(())
}

async fn publish(channel: &Channel, event: &Event) -> Result<(), Lost> {
    let body = serde_json::to_vec(event).expect("an event is always JSON");
    let (exchange, key) = (EVENTS_EXCHANGE.into(), event.routing_key().into());
    let options = BasicPublishOptions::default();
    let properties = BasicProperties::default().with_content_type("application/json".into());
    in_time(channel.basic_publish(exchange, key, options, &body, properties))
        .await
        .map(drop)
}
