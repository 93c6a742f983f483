//! The floors: what bare axum does with the same libraries.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    routing::{get, post},
    serve::ListenerExt,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use redis::{
    Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::data::secret;

const LINE: &str = "floor:line";
const EXPIRING: &str = "floor:expiring";
/// Members that [`serve`] puts into the line, at most this many a command.
const CHUNK: u64 = 10_000;

const READ: &str = "redis.call('EXPIRE', KEYS[2], 300) \
    return {redis.call('ZSCORE', KEYS[1], ARGV[1]) or '0', redis.call('ZRANK', KEYS[1], ARGV[1]) or 0, \
    redis.call('ZCARD', KEYS[1])}";
const WRITE: &str = "local time = redis.call('TIME') \
    local number = string.format('%.0f', time[1] * 1000000 + time[2]) \
    redis.call('ZADD', KEYS[1], 'NX', number, ARGV[1]) \
    return {number, redis.call('ZRANK', KEYS[1], ARGV[1]), redis.call('ZCARD', KEYS[1])}";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to listen
    #[arg(long)]
    bind: String,
    /// The Redis of the line
    #[arg(long)]
    redis: String,
    /// How long the line is at the start
    #[arg(long, default_value_t = 1_000_000)]
    members: u64,
}

struct Floor {
    redis: ConnectionManager,
    read: Script,
    write: Script,
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// The member whom an HS256 access token names.
struct Member(String);

impl FromRequestParts<Arc<Floor>> for Member {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, floor: &Arc<Floor>) -> Result<Self, StatusCode> {
        let bearer = parts.headers.get(header::AUTHORIZATION);
        let token = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let token = token.ok_or(StatusCode::UNAUTHORIZED)?;
        jsonwebtoken::decode::<Claims>(token, &floor.key, &floor.validation)
            .map(|token| Self(token.claims.sub))
            .map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

/// As long as a standing.
#[derive(Serialize)]
pub(crate) struct Answer {
    message: &'static str,
    number: u64,
    rank: u64,
    length: u64,
    filler: &'static str,
}

impl Answer {
    fn new((number, rank, length): (u64, u64, u64)) -> Json<Self> {
        Json(Self {
            message: "This is a floor.",
            number,
            rank,
            length,
            filler: "................................................................................\
                     ................................................................................\
                     ........................................",
        })
    }
}

pub(crate) async fn json() -> Json<Answer> {
    Answer::new((1_763_640_000_123_456, 654_321, 1_000_000))
}

async fn jwt(_: Member) -> Json<Answer> {
    json().await
}

async fn read(State(floor): State<Arc<Floor>>, member: Member) -> Result<Json<Answer>, StatusCode> {
    run(&floor, &floor.read, &member).await
}

async fn write(
    State(floor): State<Arc<Floor>>,
    member: Member,
) -> Result<Json<Answer>, StatusCode> {
    run(&floor, &floor.write, &member).await
}

async fn run(floor: &Floor, script: &Script, member: &Member) -> Result<Json<Answer>, StatusCode> {
    let mut redis = floor.redis.clone();
    let mut call = script.key(LINE);
    let call = call.key(EXPIRING).arg(&member.0);
    let answer = call.invoke_async(&mut redis).await;
    answer
        .map(Answer::new)
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

pub(crate) async fn serve(options: Options) -> anyhow::Result<()> {
    let client = redis::Client::open(options.redis).context("--redis is no address")?;
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
    let mut redis = ConnectionManager::new_with_config(client, config).await?;
    fill(&mut redis, options.members).await?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 5;
    let floor = Floor {
        redis,
        read: Script::new(READ),
        write: Script::new(WRITE),
        key: DecodingKey::from_secret(secret()?.as_bytes()),
        validation,
    };
    let router = Router::new()
        .route("/json", get(json))
        .route("/jwt", get(jwt))
        .route("/read", get(read))
        .route("/write", post(write))
        .with_state(Arc::new(floor));
    let listener = TcpListener::bind(&options.bind)
        .await
        .with_context(|| format!("could not listen on {}", options.bind))?;
    let without_delay = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(without_delay, router).await?;
    Ok(())
}

async fn fill(redis: &mut ConnectionManager, members: u64) -> anyhow::Result<()> {
    redis::cmd("DEL").arg(LINE).exec_async(redis).await?;
    redis::cmd("SET")
        .arg(EXPIRING)
        .arg(1)
        .exec_async(redis)
        .await?;
    for first in (0..members).step_by(CHUNK as usize) {
        let mut add = redis::cmd("ZADD");
        add.arg(LINE);
        for index in first..(first + CHUNK).min(members) {
            add.arg(1_763_640_000_000_000 + index)
                .arg(format!("{:032x}", index));
        }
        add.exec_async(redis).await?;
    }
    Ok(())
}
