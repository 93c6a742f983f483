//! The line on Redis: one Lua script a verb.

mod address;
mod connection;
mod feed;
mod first;
mod guides;
mod keys;
mod link;
mod lists;
mod packed;
mod reply;
mod script;
mod servers;
mod settings;
mod verbs;

use std::sync::Arc;

pub use self::settings::Settings;
use self::{connection::Connection, packed::Concerts};

/// The line on Redis: one server, a primary that Sentinels watch, or a cluster. A cheap handle; one connection a
/// server, which reconnects by itself.
#[derive(Clone)]
pub struct RedisStore {
    connection: Connection,
    concerts: Arc<Concerts>,
}

impl RedisStore {
    /// Opens a store, within a Tokio runtime. Only a malformed address is an error; whether Redis answers shows in the
    /// verbs.
    pub fn open(settings: &Settings) -> crate::Result<Self> {
        Ok(Self {
            connection: Connection::open(settings)?,
            concerts: Arc::default(),
        })
    }
}
