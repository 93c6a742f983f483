//! Connections, a limit on every call, and what its errors mean.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::{Context, trace::TraceContextExt};
use parking_lot::RwLock;
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    ServerErrorKind, ToRedisArgs, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use sunbeon_domain::ConcertId;
use tracing::{Instrument, Span};

use super::{
    keys,
    script::{Answered, Verb},
    settings::Settings,
};
use crate::{Result, StoreError};

/// One multiplexed connection, which reconnects when it breaks. It is given up when it is silent (a
/// peer that vanished without a word would hold it for as long as the kernel waits), and when its
/// server cannot serve writes: behind the same address a failover may have put another.
struct Link {
    client: Client,
    config: ConnectionManagerConfig,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    manager: ConnectionManager,
    /// How many were given up before.
    number: u64,
    since: Instant,
}

/// A connection younger than this is not given up because its server refuses writes, so that a
/// server that is still loading is not asked for a connection by every request.
const GIVE_UP_AFTER: Duration = Duration::from_millis(250);

impl Link {
    fn new(client: Client, config: ConnectionManagerConfig) -> RedisResult<Self> {
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        let current = Current {
            manager,
            number: 0,
            since: Instant::now(),
        };
        Ok(Self {
            client,
            config,
            current: RwLock::new(current),
        })
    }

    /// Sends a pipeline and returns the answer of each command.
    async fn send(
        &self,
        pipeline: &Pipeline,
        limit: Duration,
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut used = self.current.read().clone();
        let call = pipeline.query_async::<Vec<RedisResult<Value>>>(&mut used.manager);
        let Ok(answers) = tokio::time::timeout(limit, call).await else {
            self.give_up(&used);
            return Err((ErrorKind::Io, "no answer within the limit").into());
        };
        let of_no_use = match &answers {
            Err(error) => error.is_timeout(),
            Ok(each) => {
                let mut errors = each.iter().filter_map(|answer| answer.as_ref().err());
                used.since.elapsed() >= GIVE_UP_AFTER && errors.any(serves_no_writes)
            }
        };
        if of_no_use {
            self.give_up(&used);
        }
        answers
    }

    /// Replaces the connection that was used, unless somebody else has.
    fn give_up(&self, used: &Current) {
        let mut current = self.current.write();
        let (client, config) = (self.client.clone(), self.config.clone());
        if current.number == used.number
            && let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config)
        {
            *current = Current {
                manager,
                number: used.number + 1,
                since: Instant::now(),
            };
        }
    }
}

/// Whether a server said that it is a replica, lost its primary, is loading, or is cut off from its
/// cluster.
fn serves_no_writes(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly};
    matches!(
        error.kind(),
        ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly)
    )
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

    /// Runs a verb's script on the concert's keys, then those given. Never retried: the caller knows
    /// whether a repeat is safe.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        verb: &Verb,
        id: &ConcertId,
        more_keys: &[String],
        args: &[impl ToRedisArgs],
    ) -> Result<T> {
        let keys = [keys::concert(id).as_slice(), more_keys].concat();
        let replicated = verb.answered == Answered::Replicated;
        let span = span_of(verb, id);
        let started = Instant::now();
        let call = self.ask(verb.call(&keys, args), replicated);
        let mut answer = call.instrument(span.clone()).await;
        if answer.as_ref().is_err_and(script_is_unknown) {
            let call = self.ask(verb.first_call(&keys, args), replicated);
            answer = call.instrument(span.clone()).await;
        }
        if answer.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        metrics::histogram!("sunbeon_script_seconds", "verb" => verb.name)
            .record(started.elapsed().as_secs_f64());
        answer.map_err(meaning)
    }

    /// Runs one plain command that changes nothing of a line.
    pub(super) async fn command<T: FromRedisValue>(&self, command: Cmd) -> Result<T> {
        self.ask(command, false).await.map_err(meaning)
    }

    /// Runs plain commands, which may concern different concerts.
    pub(super) async fn commands(&self, pipeline: &Pipeline) -> Result<Vec<Value>> {
        let answers = self
            .reads
            .send(pipeline, self.limit)
            .await
            .map_err(meaning)?;
        let answers: RedisResult<Vec<Value>> = answers.into_iter().collect();
        answers.map_err(meaning)
    }

    /// Writes a key of its own that expires, as every verb must be able to write: a replica, a full
    /// Redis, or one that cannot save refuses it.
    pub(super) async fn probe(&self) -> Result<()> {
        let mut set = redis::cmd("SET");
        set.arg(keys::PROBE).arg("").arg("EX").arg(60);
        self.ask(set, true).await.map_err(meaning)
    }

    /// Sends a command; with `replicated`, answers once enough replicas have what it wrote. Both go
    /// on one connection in one pipeline, so that the count is of this write.
    async fn ask<T: FromRedisValue>(&self, command: Cmd, replicated: bool) -> RedisResult<T> {
        let waits = replicated && self.wait_replicas > 0;
        let link = if waits { &self.writes } else { &self.reads };
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors().add_command(command);
        if waits {
            let half = u64::try_from(self.limit.as_millis() / 2).unwrap_or(u64::MAX);
            pipeline.cmd("WAIT").arg(self.wait_replicas).arg(half);
        }
        let answers = link.send(&pipeline, self.limit).await?;
        let mut answers = answers.into_iter();
        let answer = answers.next().unwrap_or(Ok(Value::Nil))?;
        if let Some(have) = answers.next() {
            let have: u32 = redis::from_redis_value(have?)?;
            if have < self.wait_replicas {
                let text = "too few replicas have the write";
                return Err((ErrorKind::Io, text).into());
            }
        }
        Ok(redis::from_redis_value(answer)?)
    }
}

/// Opens the span of a call, a child of the current one. Only where that one is exported: most calls belong
/// to no trace, and should not pay for a span.
fn span_of(verb: &Verb, id: &ConcertId) -> Span {
    if !Context::map_current(|current| current.span().span_context().is_sampled()) {
        return Span::none();
    }
    tracing::info_span!(
        "redis",
        otel.name = format!("redis {}", verb.name),
        otel.kind = "client",
        otel.status_code = tracing::field::Empty,
        db.system.name = "redis",
        db.operation.name = verb.name,
        concert = %id,
    )
}

fn script_is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Only an answer that no healthy Redis gives is a bug; all else passes when Redis is well again.
fn meaning(error: RedisError) -> StoreError {
    use ServerErrorKind::{CrossSlot, ResponseError};
    match error.kind() {
        _ if error.code() == Some("UNKNOWN_CONCERT") => StoreError::UnknownConcert,
        _ if error.code() == Some("EARLIER_RELEASE") => StoreError::EarlierRelease(Box::new(error)),
        _ if error.code() == Some("OOM") => StoreError::Full(Box::new(error)),
        _ if matches!(error.code(), Some("WRONGTYPE" | "BAD_RECORD")) => {
            StoreError::Bug(Box::new(error))
        }
        ErrorKind::Parse
        | ErrorKind::UnexpectedReturnType
        | ErrorKind::InvalidClientConfig
        | ErrorKind::Server(ResponseError | CrossSlot) => StoreError::Bug(Box::new(error)),
        _ => StoreError::Down(Box::new(error)),
    }
}
