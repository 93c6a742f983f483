//! A limit on every call, and what its errors mean.

use std::{sync::Arc, time::Duration, time::Instant};

use futures::future::try_join_all;
use opentelemetry::{Context, trace::TraceContextExt};
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind,
    ToRedisArgs, Value,
};
use secrecy::ExposeSecret;
use sunbeon_domain::ConcertId;
use tracing::{Instrument, Span};

use super::{
    address::Address,
    keys,
    link::{Answers, Link, has_failed},
    script::{Answered, Verb},
    servers::{Server, Servers, Terms},
    settings::Settings,
};
use crate::{Result, StoreError};

#[derive(Clone)]
pub(super) struct Connection {
    servers: Servers,
    limit: Duration,
    wait_replicas: u32,
}

impl Connection {
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let bad = |error: RedisError| StoreError::Bug(Box::new(error));
        let address = Address::parse(settings.url.expose_secret()).map_err(bad)?;
        let limit = Duration::from_millis(settings.timeout_ms);
        let terms = Terms {
            limit,
            waits_for_replicas: settings.wait_replicas > 0,
        };
        Ok(Self {
            servers: Servers::open(address, terms).map_err(bad)?,
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
        let call = self.ask(&keys[0], verb.call(&keys, args), replicated);
        let mut answer = call.instrument(span.clone()).await;
        if answer.as_ref().is_err_and(script_is_unknown) {
            let call = self.ask(&keys[0], verb.first_call(&keys, args), replicated);
            answer = call.instrument(span.clone()).await;
        }
        if answer.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        metrics::histogram!("sunbeon_script_seconds", "verb" => verb.name)
            .record(started.elapsed().as_secs_f64());
        answer.map_err(meaning)
    }

    /// Runs one plain command about a key, which changes nothing of a line.
    pub(super) async fn command<T: FromRedisValue>(
        &self,
        name: &str,
        key: &str,
        args: impl ToRedisArgs,
    ) -> Result<T> {
        let mut command = redis::cmd(name);
        command.arg(key).arg(args);
        self.ask(key, command, false).await.map_err(meaning)
    }

    /// Runs plain commands, each about a key, and returns what each answered.
    pub(super) async fn commands(&self, commands: Vec<(String, Cmd)>) -> Result<Vec<Value>> {
        let mut answers = vec![Value::Nil; commands.len()];
        let mut batches: Vec<(Arc<Server>, Pipeline, Vec<usize>)> = Vec::new();
        for (place, (key, command)) in commands.into_iter().enumerate() {
            let server = self.servers.owner(&key).await.map_err(meaning)?;
            let is_its = |(its, ..): &(Arc<Server>, _, _)| Arc::ptr_eq(its, &server);
            let at = batches.iter().position(is_its).unwrap_or_else(|| {
                batches.push((server, redis::pipe(), Vec::new()));
                batches.len() - 1
            });
            let (_, pipeline, places) = &mut batches[at];
            pipeline.ignore_errors().add_command(command);
            places.push(place);
        }
        let sent = batches.iter().map(async |(server, pipeline, places)| {
            let answers = self.send(&server.reads, pipeline).await?;
            let answers: RedisResult<Vec<Value>> = answers.into_iter().collect();
            answers.map(|answers| places.iter().zip(answers))
        });
        for (place, answer) in try_join_all(sent)
            .await
            .map_err(meaning)?
            .into_iter()
            .flatten()
        {
            answers[*place] = answer;
        }
        Ok(answers)
    }

    /// Returns these in groups whose keys one command may name.
    pub(super) fn together<T>(&self, all: Vec<T>, key: impl Fn(&T) -> String) -> Vec<Vec<T>> {
        self.servers.together(all, key)
    }

    /// Writes keys of its own that expire, as every verb must be able to write: a replica, a full
    /// Redis, or one that cannot save refuses it.
    pub(super) async fn probe(&self) -> Result<()> {
        let each = self.servers.each().await.map_err(meaning)?;
        let probes = each.into_iter().map(async |(key, server)| {
            let mut set = redis::cmd("SET");
            set.arg(key).arg("").arg("EX").arg(60);
            self.ask_at(&server, set, true).await
        });
        try_join_all(probes)
            .await
            .map(|_: Vec<()>| ())
            .map_err(meaning)
    }

    async fn send(&self, link: &Link, pipeline: &Pipeline) -> Answers {
        let answers = link.send(pipeline).await;
        if has_failed(&answers) {
            self.servers.look_again();
        }
        answers
    }

    /// Sends a command about a key to the server that has it.
    async fn ask<T: FromRedisValue>(
        &self,
        key: &str,
        command: Cmd,
        replicated: bool,
    ) -> RedisResult<T> {
        let server = self.servers.owner(key).await?;
        self.ask_at(&server, command, replicated).await
    }

    /// Sends a command; with `replicated`, answers once enough replicas have what it wrote. Both go
    /// on one connection in one pipeline, so that the count is of this write.
    async fn ask_at<T: FromRedisValue>(
        &self,
        server: &Server,
        command: Cmd,
        replicated: bool,
    ) -> RedisResult<T> {
        let waits = replicated && self.wait_replicas > 0;
        let link = if waits { &server.writes } else { &server.reads };
        let mut pipeline = redis::pipe();
        pipeline.ignore_errors().add_command(command);
        if waits {
            let half = u64::try_from(self.limit.as_millis() / 2).unwrap_or(u64::MAX);
            pipeline.cmd("WAIT").arg(self.wait_replicas).arg(half);
        }
        let answers = self.send(link, &pipeline).await?;
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
        _ if error.code() == Some("OTHER_RELEASE") => StoreError::OtherRelease(Box::new(error)),
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
