//! One connection, a limit on every call, and what its errors mean.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

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

#[derive(Clone)]
pub(super) struct Connection {
    manager: ConnectionManager,
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
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(bad)?;
        Ok(Self {
            manager,
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
        let started = Instant::now();
        let mut manager = self.manager.clone();
        let answer = self.limited(call.invoke_async(&mut manager)).await;
        metrics::histogram!("sunbeon_script_seconds", "verb" => verb.name)
            .record(started.elapsed().as_secs_f64());
        if verb.writes && self.wait_replicas > 0 && answer.is_ok() {
            self.replicated().await?;
        }
        answer
    }

    /// Runs one plain command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T> {
        let mut manager = self.manager.clone();
        self.limited(command.query_async(&mut manager)).await
    }

    async fn replicated(&self) -> Result<()> {
        let half = u64::try_from(self.limit.as_millis() / 2).unwrap_or(u64::MAX);
        let mut wait = redis::cmd("WAIT");
        let have: u32 = self.command(wait.arg(self.wait_replicas).arg(half)).await?;
        if have < self.wait_replicas {
            return Err(StoreError::Down("too few replicas have the write".into()));
        }
        Ok(())
    }

    async fn limited<T>(&self, call: impl Future<Output = redis::RedisResult<T>>) -> Result<T> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(answer) => answer.map_err(meaning),
            Err(elapsed) => Err(StoreError::Down(Box::new(elapsed))),
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
