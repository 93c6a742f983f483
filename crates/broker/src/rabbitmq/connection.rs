//! Connections: making, checking and losing them.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use lapin::{
    Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};
use sunbeon_proto_messages::topology::{
    DEAD_EXCHANGE, DEAD_QUEUE, DEAD_QUEUE_LENGTH, ENTER_QUEUE, EVENTS_EXCHANGE,
};
use tokio::time::timeout;

use crate::{BrokerDown, OpenError};

/// How long the server may take to answer anything.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// Seconds; after twice as many a connection that went silent has ended. RabbitMQ proposes 60.
const HEARTBEAT: u16 = 5;
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
/// How often a connection is checked, in case its end is never announced.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error("no answer within {} s", LIMIT.as_secs())]
    Silent,
    #[error("the connection has ended")]
    Ended,
    #[error("the server has cancelled the consumer")]
    Cancelled,
    #[error("the server blocks publishers: {0}")]
    Blocked(String),
    #[error("a batch could not be confirmed")]
    Unconfirmed,
}

impl From<Lost> for BrokerDown {
    fn from(why: Lost) -> Self {
        Self(Box::new(why))
    }
}

/// Makes connections to one server, or to one of a cluster's: after a failure to the next one. A clone begins
/// with the first.
pub(super) struct Connector {
    uris: Arc<[AMQPUri]>,
    turn: AtomicUsize,
    name: String,
}

impl Clone for Connector {
    fn clone(&self) -> Self {
        Self {
            uris: self.uris.clone(),
            turn: AtomicUsize::default(),
            name: self.name.clone(),
        }
    }
}

impl Connector {
    /// Takes an address with one host, or several with commas between them.
    pub(super) fn new(url: &str, name: &str) -> Result<Self, OpenError> {
        let uris: Result<Vec<_>, _> = each_host(url).iter().map(|url| uri(url)).collect();
        Ok(Self {
            uris: uris?.into(),
            turn: AtomicUsize::default(),
            name: name.to_owned(),
        })
    }

    /// Connects and declares the topology, within the limit. Operators see `purpose`.
    pub(super) async fn connect(&self, purpose: &str) -> Result<(Connection, Channel), Lost> {
        let uri = self.uris[self.turn.load(Relaxed) % self.uris.len()].clone();
        let connected = in_time(async {
            let name = format!("{} {purpose}", self.name);
            let properties = ConnectionProperties::default().with_connection_name(name.into());
            let connection = Connection::connect_uri(uri, properties).await?;
            let channel = connection.create_channel().await?;
            declare(&channel).await?;
            Ok((connection, channel))
        })
        .await;
        if connected.is_err() {
            self.go_elsewhere();
        }
        connected
    }

    /// Makes the next connection to another server, because one was lost.
    pub(super) fn go_elsewhere(&self) {
        self.turn.fetch_add(1, Relaxed);
    }
}

fn uri(url: &str) -> Result<AMQPUri, OpenError> {
    let mut uri: AMQPUri = url.parse().map_err(|_| OpenError::InvalidUrl)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    Ok(uri)
}

/// Makes `amqp://login@one/…` and `amqp://login@two/…` of `amqp://login@one,two/…`.
fn each_host(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let login = authority.rfind('@').map_or(0, |at| at + 1);
    let (login, hosts) = authority.split_at(login);
    let each = hosts.split(',');
    each.map(|host| format!("{scheme}://{login}{host}{path}"))
        .collect()
}

/// Waits for the server's answer, within the limit.
pub(super) async fn in_time<T>(
    answer: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, Lost> {
    Ok(timeout(LIMIT, answer).await.map_err(|_| Lost::Silent)??)
}

/// Fails when a connection is no longer up.
pub(super) fn check(connection: &Connection) -> Result<(), Lost> {
    if connection.status().connected() {
        Ok(())
    } else {
        Err(Lost::Ended)
    }
}

/// Closes a connection politely if it is still up.
pub(super) async fn close(connection: Connection) {
    let _ = timeout(CLOSE_LIMIT, connection.close(200, "bye".into())).await;
}

/// Declares the queues and exchanges. Queue arguments cannot change later, so everything else is
/// left to a policy on the server.
async fn declare(channel: &Channel) -> lapin::Result<()> {
    exchange(channel, DEAD_EXCHANGE, ExchangeKind::Fanout).await?;
    let capped = [
        ("x-queue-type", text("quorum")),
        ("x-max-length", AMQPValue::LongLongInt(DEAD_QUEUE_LENGTH)),
        ("x-overflow", text("drop-head")),
    ];
    queue(channel, DEAD_QUEUE, capped).await?;
    let options = QueueBindOptions::default();
    let (dead_queue, dead_exchange) = (DEAD_QUEUE.into(), DEAD_EXCHANGE.into());
    channel
        .queue_bind(
            dead_queue,
            dead_exchange,
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    let lossless = [
        ("x-queue-type", text("quorum")),
        ("x-dead-letter-exchange", text(DEAD_EXCHANGE)),
        ("x-overflow", text("reject-publish")),
    ];
    queue(channel, ENTER_QUEUE, lossless).await?;
    exchange(channel, EVENTS_EXCHANGE, ExchangeKind::Topic).await
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .exchange_declare(name.into(), kind, options, FieldTable::default())
        .await
}

async fn queue<const N: usize>(
    channel: &Channel,
    name: &str,
    arguments: [(&str, AMQPValue); N],
) -> lapin::Result<()> {
    let mut table = FieldTable::default();
    for (key, value) in arguments {
        table.insert(key.into(), value);
    }
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), table)
        .await
        .map(drop)
}

pub(super) fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// Logs the loss of a connection once and its return once, however many attempts lie between.
pub(super) struct Outage {
    purpose: &'static str,
    lasts: bool,
}

impl Outage {
    pub(super) fn new(purpose: &'static str) -> Self {
        Self {
            purpose,
            lasts: false,
        }
    }

    pub(super) fn lost(&mut self, why: &Lost) {
        if !self.lasts {
            let error: &dyn Error = why;
            tracing::warn!(
                error,
                purpose = self.purpose,
                "RabbitMQ connection lost; retrying"
            );
        }
        self.lasts = true;
    }

    pub(super) fn over(&mut self) {
        tracing::info!(purpose = self.purpose, "connected to RabbitMQ");
        self.lasts = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_several_hosts() {
        let all = "amqp://guest:guest@a:1,b:2,[::1]:3/%2f?heartbeat=7";
        assert_eq!(
            each_host(all),
            ["a:1", "b:2", "[::1]:3"]
                .map(|host| format!("amqp://guest:guest@{host}/%2f?heartbeat=7"))
        );
        assert_eq!(each_host("amqps://a"), ["amqps://a"]);
        let connector = Connector::new(all, "test").unwrap();
        assert_eq!(connector.uris[1].authority.port, 2);
        assert_eq!(connector.uris[1].query.heartbeat, Some(7));
        assert!(Connector::new("amqp://a,b:x/", "test").is_err());
    }

    #[tokio::test]
    async fn after_a_failure_another_host_is_tried() {
        let connector =
            Connector::new("amqp://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", "test").unwrap();
        for turn in 0..4 {
            assert_eq!(connector.turn.load(Relaxed), turn);
            assert!(connector.connect("test").await.is_err());
        }
        connector.go_elsewhere();
        assert_eq!(connector.turn.load(Relaxed), 5);
        assert_eq!(connector.clone().turn.load(Relaxed), 0);
    }
}
