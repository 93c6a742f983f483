//! Listening, and stopping without a failed request.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{Extension, Router, extract::ConnectInfo, serve::IncomingStream};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Layer, service_fn};

use super::{Readiness, listener::ClosingListener};
use crate::settings;

/// Listens on an address as `127.0.0.1:8080`; port 0 takes any free one.
pub async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen on {address}"))
}

/// Serves until `shutdown` is cancelled, then drains.
///
/// For `drain_delay_ms` everything is still taken and served while `/ready` is 503 and every answer
/// closes its connection: whoever routes here has that long to stop. Then the port closes, and what
/// runs has `drain_seconds` to finish. Handlers find the peer in `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: settings::Http,
    shutdown: CancellationToken,
    readiness: Readiness,
) -> anyhow::Result<()> {
    let (stop, stopped) = (CancellationToken::new(), CancellationToken::new());
    let listener = ClosingListener::new(listener, stop.clone(), stopped.clone())
        .context("the listener has no address")?;
    let with_peer = service_fn(move |stream: IncomingStream<'_, ClosingListener>| {
        let peer: SocketAddr = *stream.remote_addr();
        let service = Extension(ConnectInfo(peer)).layer(router.clone());
        async move { Ok::<_, Infallible>(service) }
    });
    let serving = axum::serve(listener, with_peer)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let limit = async {
        shutdown.cancelled().await;
        readiness.drain();
        tokio::time::sleep(Duration::from_millis(settings.drain_delay_ms)).await;
        stop.cancel();
        tokio::time::sleep(Duration::from_secs(settings.drain_seconds)).await;
    };
    tokio::select! {
        ended = serving => ended.context("the HTTP server failed"),
        () = limit => {
            tracing::warn!(seconds = settings.drain_seconds, "connections outlived the drain");
            Ok(())
        }
    }
}
