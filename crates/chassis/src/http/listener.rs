//! A listener that loses no connections when it closes.

use std::{collections::VecDeque, future::pending, io, net::SocketAddr, time::Duration};

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long the last accepted connections have to send their first bytes.
const FIRST_BYTES: Duration = Duration::from_millis(100);

/// Accepts until `stop` is cancelled. Then it accepts every connection that the kernel has already
/// completed, closes the port, and cancels `stopped` once the last of them had time to send a
/// request: a stopping server drops connections that have not sent any bytes.
pub(super) struct ClosingListener {
    listener: Option<TcpListener>,
    last: VecDeque<(TcpStream, SocketAddr)>,
    address: SocketAddr,
    stop: CancellationToken,
    stopped: CancellationToken,
}

impl ClosingListener {
    pub(super) fn new(
        listener: TcpListener,
        stop: CancellationToken,
        stopped: CancellationToken,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self {
            listener: Some(listener),
            last: VecDeque::new(),
            address,
            stop,
            stopped,
        })
    }

    /// Accepts the whole backlog and closes the port at once.
    fn close(&mut self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.last.push_back((TcpStream::from_std(stream)?, peer));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Listener for ClosingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                (stream, peer) = Listener::accept(listener) => {
                    // Without this, small answers wait for the client's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                () = self.stop.cancelled() => {}
            }
        }
        if let Some(listener) = self.listener.take()
            && let Err(error) = self.close(listener)
        {
            tracing::warn!(%error, "could not accept the last connections while closing the port; some may be lost");
        }
        if let Some((stream, peer)) = self.last.pop_front() {
            let _ = stream.set_nodelay(true);
            return (stream, peer);
        }
        tokio::time::sleep(FIRST_BYTES).await;
        self.stopped.cancel();
        pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
