//! Connections, a limit on every call, and what its errors mean.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use redis::{
    Client, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, Script, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use sunbeon_domain::ConcertId;

use super::{Settings, keys};
use crate::{Result, StoreError};

/// A verb's script.
pub(super) struct Verb {
    pub(super) name: &'static str,
    script: LazyLock<Script>,
    writes: bool,
}

impl Verb {
    pub(super) const fn new(name: &'static str, writes: bool, script: fn() -> Script) -> Self {
        Self {
            name,
            script: LazyLock::new(script),
            writes,
        }
    }
}

/// One multiplexed connection, which reconnects when it breaks and is given up when it is silent:
/// a peer that vanished without a word would otherwise hold it for as long as the kernel waits.
struct Link {
    client: Client,
    config: ConnectionManagerConfig,
    /// How many were given up before, and the one in use.
    current: RwLock<(u64, ConnectionManager)>,
}

impl Link {
    fn new(client: Client, config: ConnectionManagerConfig) -> redis::RedisResult<Self> {
        let first = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self {
            client,
            config,
            current: RwLock::new((0, first)),
        })
    }

    fn current(&self) -> (u64, ConnectionManager) {
        self.current.read().clone()
    }

    /// Gives up the connection that was silent, unless somebody else has.
    fn give_up(&self, silent: u64) {
        let mut current = self.current.write();
        let (client, config) = (self.client.clone(), self.config.clone());
        if current.0 == silent
            && let Ok(next) = ConnectionManager::new_lazy_with_config(client, config)
        {
            *current = (silent + 1, next);
        }
    }
}

#[derive(Clone)]
pub(super) struct Connection {
    reads: Arc<Link>,
    /// A connection of its own where writes wait for replicas: Redis answers nothing else on it
    /// meanwhile.
    writes: Arc<Link>,
    limit: Duration,
    wait_replicas: u32,
}

impl Connection {
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let bad = |error: RedisError| StoreError::Bug(Box::new(error));
        let info = settings
            .url
            .expose_secret()
            .into_connection_info()
            .map_err(bad)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let limit = Duration::from_millis(settings.timeout_ms);
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(usize::MAX)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500))
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        let client = Client::open(info).map_err(bad)?;
        let link = || {
            Link::new(client.clone(), config.clone())
                .map(Arc::new)
                .map_err(bad)
        };
        let reads = link()?;
        let writes = if settings.wait_replicas > 0 {
            link()?
        } else {
            reads.clone()
        };
        Ok(Self {
            reads,
            writes,
            limit,
            wait_replicas: settings.wait_replicas,
        })
    }

    /// Runs a verb's script on the concert's keys, those given behind them. Never retried: the
    /// caller knows whether a repeat is safe.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        verb: &Verb,
        id: &ConcertId,
        more_keys: &[String],
        args: &[&str],
    ) -> Result<T> {
        let mut call = verb.script.prepare_invoke();
        for key in keys::concert(id).iter().chain(more_keys) {
            call.key(key);
        }
        for arg in args {
            call.arg(*arg);
        }
        let link = if verb.writes {
            &self.writes
        } else {
            &self.reads
        };
        let (number, mut manager) = link.current();
        let started = Instant::now();
        let answer = self
            .limited(link, number, call.invoke_async(&mut manager))
            .await;
        metrics::histogram!("sunbeon_script_seconds", "verb" => verb.name)
            .record(started.elapsed().as_secs_f64());
        if verb.writes && self.wait_replicas > 0 && answer.is_ok() {
            self.replicated(number, manager).await?;
        }
        answer
    }

    /// Runs one plain command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T> {
        let (number, mut manager) = self.reads.current();
        self.limited(&self.reads, number, command.query_async(&mut manager))
            .await
    }

    /// Waits until enough replicas have what was written on this connection.
    async fn replicated(&self, number: u64, mut manager: ConnectionManager) -> Result<()> {
        let half = u64::try_from(self.limit.as_millis() / 2).unwrap_or(u64::MAX);
        let mut wait = redis::cmd("WAIT");
        let wait = wait.arg(self.wait_replicas).arg(half);
        let have = self.limited(&self.writes, number, wait.query_async::<u32>(&mut manager));
        if have.await? < self.wait_replicas {
            return Err(StoreError::Down("too few replicas have the write".into()));
        }
        Ok(())
    }

    async fn limited<T>(
        &self,
        link: &Link,
        number: u64,
        call: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if error.is_timeout() {
                    link.give_up(number);
                }
                Err(meaning(error))
            }
            Err(elapsed) => {
                link.give_up(number);
                Err(StoreError::Down(Box::new(elapsed)))
            }
        }
    }
}

/// Only an answer that no healthy Redis gives is a bug; all else passes when Redis is well again.
fn meaning(error: RedisError) -> StoreError {
    use ServerErrorKind::{CrossSlot, ResponseError};
    match error.kind() {
        _ if error.code() == Some("UNKNOWN_CONCERT") => StoreError::UnknownConcert,
        _ if error.code() == Some("WRONGTYPE") => StoreError::Bug(Box::new(error)),
        ErrorKind::Parse
        | ErrorKind::UnexpectedReturnType
        | ErrorKind::InvalidClientConfig
        | ErrorKind::Server(ResponseError | CrossSlot) => StoreError::Bug(Box::new(error)),
        _ => StoreError::Down(Box::new(error)),
    }
}
