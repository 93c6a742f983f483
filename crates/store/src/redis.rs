//! The line on Redis: one Lua script a verb.

mod connection;
mod keys;
mod reply;
mod script;
mod settings;
mod verbs;

use self::connection::Connection;
pub use self::settings::Settings;

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
