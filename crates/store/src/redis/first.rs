//! The first connection, which says what is wrong with an address.

use std::{error::Error, time::Duration};

use redis::{AsyncConnectionConfig, Client};
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use super::settings::Settings;

/// Connects once, beside the store, and logs why it cannot: a wrong password, host name or certificate would
/// otherwise only show as a Redis that does not answer. Does nothing outside a Tokio runtime.
pub(super) fn connect(settings: &Settings) {
    let client = Client::open(settings.url.expose_secret());
    if let (Ok(client), Ok(runtime)) = (client, Handle::try_current()) {
        let limit = Duration::from_millis(settings.timeout_ms);
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit));
        runtime.spawn(async move {
            let connected = client.get_multiplexed_async_connection_with_config(&config);
            if let Err(error) = connected.await {
                let error: &dyn Error = &error;
                tracing::warn!(error, "could not connect to Redis; retrying");
            }
        });
    }
}
