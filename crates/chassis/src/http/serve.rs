//! Listening, and stopping without failing a request.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use anyhow::Context;
use axum::{Extension, Router, extract::ConnectInfo, middleware::AddExtension, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Layer;

use super::{Readiness, listener::ClosingListener, timer::ConnectionTimer};
use crate::settings;

/// How many connections may wait to be accepted. When a sale opens thousands connect at once, and
/// beyond this number they are left to retry after a second or more. The kernel caps it
/// (`net.core.somaxconn`, 4096 on Linux).
const BACKLOG: u32 = 4_096;

/// How long a peer may leave what it was sent unread or unacknowledged; then its connection fails.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(20);

/// Listens on an address such as `127.0.0.1:8080` or `localhost:8080`; port 0 picks a free one.
/// `setting` is the text that precedes the address where users set it; errors use it in their
/// example.
pub async fn bind(address: &str, setting: &str) -> anyhow::Result<TcpListener> {
    let error = match listen(address).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let advice = match (error.kind(), next_port(address)) {
        (io::ErrorKind::AddrInUse, Some(next)) => format!("try {setting}{next}"),
        _ => format!("an address is host:port, for example {setting}127.0.0.1:8080"),
    };
    Err(error).with_context(|| format!("could not listen on {address} ({advice})"))
}

/// Listens on the first address of a name that is free.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Does what [`TcpListener::bind`] does, with a longer [`BACKLOG`].
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restarted process gets its port back while old connections are still being closed. On
    // Windows the option would let two processes share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    // What a listener has set, its connections have.
    #[cfg(target_os = "linux")]
    SockRef::from(&socket).set_tcp_user_timeout(Some(UNREAD))?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Returns the same host with the next port.
fn next_port(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    let next = port.parse::<u16>().ok()?.checked_add(1)?;
    Some(format!("{host}:{next}"))
}

/// Serves until `shutdown` is cancelled, then drains.
///
/// For `drain_delay_ms` everything is still accepted and served, but `/ready` is 503 and every
/// answer closes its connection, so that load balancers have time to react. Then the port closes,
/// and running requests have `drain_seconds` to finish. A connection that takes longer than
/// `header_timeout_seconds` to send the headers of its next request is closed, including an idle
/// one. Handlers find the peer in `ConnectInfo<SocketAddr>`.
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
    let serving = connections(listener, router, &settings, stopped);
    let limit = async {
        shutdown.cancelled().await;
        readiness.drain();
        tokio::time::sleep(Duration::from_millis(settings.drain_delay_ms)).await;
        stop.cancel();
        tokio::time::sleep(Duration::from_secs(settings.drain_seconds)).await;
    };
    tokio::select! {
        () = serving => {}
        () = limit => {
            let seconds = settings.drain_seconds;
            tracing::warn!(seconds, "requests still running after the drain; dropping them");
        }
    }
    Ok(())
}

/// Returns how one connection is served.
fn protocol(settings: &settings::Http) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(ConnectionTimer::default())
        .header_read_timeout(Duration::from_secs(settings.header_timeout_seconds));
    protocol
}

/// Serves each connection in its own task until `stopped` is cancelled and all tasks have ended.
async fn connections(
    mut listener: ClosingListener,
    router: Router,
    settings: &settings::Http,
    stopped: CancellationToken,
) {
    let open = TaskTracker::new();
    while let Some((stream, peer)) = stopped.run_until_cancelled(listener.accept()).await {
        let service = Extension(ConnectInfo(peer)).layer(router.clone());
        open.spawn(connection(
            stream,
            service,
            protocol(settings),
            stopped.clone(),
        ));
    }
    open.close();
    open.wait().await;
}

/// Serves a connection until it ends or, once `stopped` is cancelled, its running request does. One that
/// is upgraded ends here: whoever upgraded it closes it.
async fn connection(
    stream: TcpStream,
    service: AddExtension<Router, ConnectInfo<SocketAddr>>,
    protocol: http1::Builder,
    stopped: CancellationToken,
) {
    let service = TowerToHyperService::new(service);
    let connection = protocol.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection.with_upgrades());
    // An error is the client's: it went away, or sent what is not HTTP.
    tokio::select! {
        _ended = &mut connection => return,
        () = stopped.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}
