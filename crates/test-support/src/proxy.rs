use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A TCP proxy on loopback between a client and a server, which fails in the ways of networks: cut,
/// silent, refusing, or losing the answer to a request that was executed.
///
/// The switches are independent and apply to live and new connections. Dropping the proxy closes
/// every connection.
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
    /// How often connections were cut; a connection lives as long as this number does not change.
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
    /// If no port can be bound.
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

    /// Starts a proxy in front of the server that a URL names, and returns it with the URL that leads
    /// through it.
    ///
    /// # Panics
    /// When the URL names no host and port, or no port can be bound.
    pub async fn before(url: &str) -> (TcpProxy, String) {
        let authority = url.split('/').nth(2).expect("a URL with a host");
        let server = authority.rsplit('@').next().unwrap_or(authority);
        let proxy = Self::start(server).await;
        let through = url.replace(server, &proxy.address.to_string());
        (proxy, through)
    }

    /// Returns the address for clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects new clients to another server (`host:port`); live connections stay.
    pub fn redirect(&self, upstream: impl Into<String>) {
        *self.upstream.lock() = upstream.into();
    }

    /// Closes all live connections with everything in them. New ones are accepted as before.
    pub fn cut(&self) {
        self.switches.send_modify(|s| s.cuts += 1);
    }

    /// Stops moving bytes in both directions. Connections stay open, and new ones are accepted.
    pub fn stall(&self) {
        self.switches.send_modify(|s| s.stalled = true);
    }

    /// Ends [`TcpProxy::stall`] and delivers what was held back.
    pub fn resume(&self) {
        self.switches.send_modify(|s| s.stalled = false);
    }

    /// While true, new connections are accepted and closed at once. Live ones continue.
    pub fn refuse(&self, refuse: bool) {
        self.switches.send_modify(|s| s.refusing = refuse);
    }

    /// While true, bytes pass upstream but answers are held: the server executes the request and
    /// the client hears nothing. Then [`TcpProxy::cut`] loses the reply, and `false` delivers it.
    pub fn hold_replies(&self, hold: bool) {
        self.switches.send_modify(|s| s.holding_replies = hold);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        // The connections' tasks end by themselves once the sender of the switches is gone.
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

/// Carries one connection from start to end.
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
        // Without this, two small consecutive writes wait for a delayed acknowledgement.
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

/// Moves bytes in one direction until either side ends, then passes the end on.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut switches: watch::Receiver<Switches>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        // Checked after the read, so that nothing slips past a switch set meanwhile.
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
