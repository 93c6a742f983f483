use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A TCP proxy on loopback that a test puts between a client and a server, to fail the way
/// networks do: cut, silent, refusing, or losing the answer to a request that was carried out.
///
/// The switches are independent of each other and hold for live and for new connections.
/// Dropping the proxy closes every connection.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    upstream: Arc<Mutex<String>>,
    switches: watch::Sender<Switches>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Switches {
    stalled: bool,
    holding_replies: bool,
    refusing: bool,
    /// How often connections were cut; a connection lives while this is what it began with.
    cuts: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Request,
    Reply,
}

impl TcpProxy {
    /// Listens on a free loopback port and connects every client to `upstream` (`host:port`).
    ///
    /// # Panics
    /// When no port can be bound.
    pub async fn start(upstream: impl Into<String>) -> TcpProxy {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("no loopback port to listen on");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let (switches, seen) = watch::channel(Switches::default());
        let upstream = Arc::new(Mutex::new(upstream.into()));
        let accepting = tokio::spawn(accept(listener, upstream.clone(), seen));
        TcpProxy {
            address,
            upstream,
            switches,
            accepting,
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects new clients to another server (`host:port`); live connections stay where they are.
    pub fn redirect(&self, upstream: impl Into<String>) {
        *self.upstream.lock() = upstream.into();
    }

    /// Closes all live connections, whatever they hold. New ones are taken as before.
    pub fn cut(&self) {
        self.switches.send_modify(|s| s.cuts += 1);
    }

    /// Moves no bytes either way from now on; connections stay open, new ones are taken.
    pub fn stall(&self) {
        self.switches.send_modify(|s| s.stalled = true);
    }

    /// Ends [`TcpProxy::stall`]: what waited is delivered.
    pub fn resume(&self) {
        self.switches.send_modify(|s| s.stalled = false);
    }

    /// While true, a new connection is accepted and closed at once. Live ones go on.
    pub fn refuse(&self, refuse: bool) {
        self.switches.send_modify(|s| s.refusing = refuse);
    }

    /// While true, bytes go upstream and what comes back is kept: the server carries the request
    /// out and the client hears nothing. Then [`TcpProxy::cut`] loses the reply, `false` delivers
    /// it.
    pub fn hold_replies(&self, hold: bool) {
        self.switches.send_modify(|s| s.holding_replies = hold);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        // The connections' tasks end by themselves when the sender of the switches is gone.
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: Arc<Mutex<String>>,
    switches: watch::Receiver<Switches>,
) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let now = *switches.borrow();
        if !now.refusing {
            let upstream = upstream.lock().clone();
            tokio::spawn(carry(client, upstream, switches.clone(), now.cuts));
        }
    }
}

/// One connection, from its acceptance to its end.
async fn carry(
    client: TcpStream,
    upstream: String,
    mut switches: watch::Receiver<Switches>,
    born: u64,
) {
    let (to_server, to_client) = (switches.clone(), switches.clone());
    let work = async {
        let Ok(server) = TcpStream::connect(&upstream).await else {
            return;
        };
        // Without this, two small writes in a row wait for a delayed acknowledgement.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        tokio::join!(
            pump(client_reads, server_writes, Direction::Request, to_server),
            pump(server_reads, client_writes, Direction::Reply, to_client),
        );
    };
    tokio::select! {
        biased;
        _ = switches.wait_for(|s| s.cuts != born) => {}
        () = work => {}
    }
}

/// Moves bytes one way until either side ends, then passes the end on.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut switches: watch::Receiver<Switches>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        // Asked after the read, so that nothing slips through a switch that was set meanwhile.
        if gate(&mut switches, direction).await.is_break() {
            return;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}

async fn gate(switches: &mut watch::Receiver<Switches>, way: Direction) -> ControlFlow<()> {
    let shut = |s: &Switches| s.stalled || (s.holding_replies && way == Direction::Reply);
    match switches.wait_for(|s| !shut(s)).await {
        Ok(_) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
