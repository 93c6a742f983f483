use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Api;

/// A service running inside the test on a free loopback port. Dropping it stops the service.
#[derive(Debug)]
pub struct Server {
    /// The service's client.
    pub api: Api,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Server {
    /// Starts `serve` on a free port; it must stop when its token is cancelled.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start<Serving>(
        serve: impl FnOnce(TcpListener, CancellationToken) -> Serving,
    ) -> Server
    where
        Serving: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let bound = TcpListener::bind("127.0.0.1:0").await;
        let listener = bound.expect("could not find a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, stop.clone()));
        Server {
            api: Api::at(port),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Returns the token that stops it, for tasks that run beside it.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}
