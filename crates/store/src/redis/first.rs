//! The first connection, which says what is wrong with an address.

use std::{error::Error, time::Duration};

use redis::{AsyncConnectionConfig, Client, ConnectionInfo};
use tokio::runtime::Handle;

/// Connects once, beside what is asked there later, and logs why it cannot: a wrong password, host name or
/// certificate would otherwise only show as a server that does not answer. Does nothing outside a Tokio runtime.
pub(super) fn connect(info: &ConnectionInfo, limit: Duration) {
    let client = Client::open(info.clone());
    if let (Ok(client), Ok(runtime)) = (client, Handle::try_current()) {
        let at = info.addr().to_string();
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit));
        runtime.spawn(async move {
            let connected = client.get_multiplexed_async_connection_with_config(&config);
            if let Err(error) = connected.await {
                let error: &dyn Error = &error;
                tracing::warn!(error, at, "could not connect to Redis; retrying");
            }
        });
    }
}
