//! The line on Redis: one Lua script a verb.

mod connection;
mod keys;
mod reply;
mod script;
mod verbs;

use secrecy::SecretString;
use serde::Deserialize;

use self::connection::Connection;

/// Where Redis is and how long it may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `redis://…` or `rediss://…`.
    pub url: SecretString,
    /// Replicas that must have a write before it is answered; fewer within the time limit count
    /// as down. 0: do not wait.
    #[serde(default)]
    pub wait_replicas: u32,
    /// Limit of one verb in milliseconds, reconnecting included.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

fn default_timeout_ms() -> u64 {
    2_000
}

/// The line on a Redis server. A cheap handle; one connection, which reconnects by itself.
#[derive(Clone)]
pub struct RedisStore {
    connection: Connection,
}

impl RedisStore {
    /// Opens a store. Only a malformed address is an error; whether Redis answers shows in the
    /// verbs.
    pub fn open(settings: &Settings) -> crate::Result<Self> {
        Ok(Self {
            connection: Connection::open(settings)?,
        })
    }
}
