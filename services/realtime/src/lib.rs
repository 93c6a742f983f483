#![doc = include_str!("../README.md")]

mod asked;
mod asks;
mod connect;
mod event;
mod expired;
mod joined;
mod listen;
mod restore;
mod rooms;
mod round;
mod serve;
mod shops;
mod visitors;

use std::{sync::Arc, time::Duration};

use axum::Router;
use socketioxide::{SocketIo, SocketIoBuilder, handler::ConnectHandler};
use sunbeon_broker::Broker;
use sunbeon_chassis::Auth;
use sunbeon_client::{Sunbeon, SunbeonUrl};
use sunbeon_snapshot::{Places, Snapshots, Together};
use sunbeon_store::{Asker, StandingFacts, Store};
use sunbeon_tokens::Passes;
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

pub use self::serve::serve;
use self::{rooms::Rooms, shops::Shops, visitors::Visitors};

const PATH: &str = "/socket.io/";
/// How often a socket is pinged. A long poll lasts as long, so it must be below
/// `http.request_timeout_seconds`.
const PING: Duration = Duration::from_secs(10);
/// How long a socket may take to answer a ping.
const PONG: Duration = Duration::from_secs(10);
/// How long a connection may take to say whose it is.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// How long sockets may take to close.
const CLOSE: Duration = Duration::from_secs(3);
/// How long the shop may take to say what a member holds.
const SHOP: Duration = Duration::from_secs(1);
/// How many messages wait for a socket that does not read.
const BUFFER: usize = 32;
/// The largest message that a client may send.
const LARGEST: usize = 16 * 1_024;

/// The service. A cheap handle.
#[derive(Clone)]
pub struct Realtime {
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
    places: Places,
    asking: Together<Asker, StandingFacts>,
    rooms: Rooms,
    shops: Shops,
    visitors: Visitors,
    /// The shop that knows what members hold; without one, pages read it by themselves.
    shop: Option<Sunbeon>,
    io: SocketIo,
    /// The route of the sockets, before anybody is let in.
    route: Router,
    /// This instance's name among the others.
    instance: Arc<str>,
    /// Starts the next round at once.
    wake: Arc<Notify>,
    /// Cancelled once no new socket is let in.
    closing: CancellationToken,
}

impl Realtime {
    /// Creates the service from a store and a broker. Without passes, standings carry none.
    pub fn new(store: Arc<dyn Store>, broker: Arc<dyn Broker>, passes: Option<Passes>) -> Self {
        let asked = store.clone();
        let asking = Together::by(move |id, askers: Vec<Asker>| {
            let store = asked.clone();
            async move { store.status_all(&id, &askers).await }
        });
        let (service, io) = sockets().build_svc();
        Self {
            places: Places::new(Snapshots::new(store.clone()), passes),
            store,
            broker,
            asking,
            rooms: Rooms::default(),
            shops: Shops::default(),
            visitors: Visitors::default(),
            shop: None,
            io,
            route: Router::new().route_service(PATH, service),
            instance: Uuid::new_v4().to_string().into(),
            wake: Arc::default(),
            closing: CancellationToken::new(),
        }
    }

    /// Reads what members hold in a shop, such as [`sunbeon_booking`](../sunbeon_booking/index.html), when they
    /// connect.
    ///
    /// # Errors
    /// If the system's certificates cannot be read.
    pub fn with_shop(mut self, url: &SunbeonUrl) -> anyhow::Result<Self> {
        self.shop = Some(Sunbeon::new(url)?.within(SHOP));
        Ok(self)
    }

    /// Returns the route `/socket.io/`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        let (realtime, known) = (self.clone(), auth.clone());
        let connect = async move |socket, handshake| {
            connect::connect(&realtime, &known, socket, handshake).await
        };
        let here = self.clone();
        let restore = async move |socket| restore::restore(&here, socket).await;
        self.io.ns("/", restore.with(connect));
        let closing = self.closing.clone();
        let turned_away = axum::middleware::from_fn(move |request, next| {
            connect::turn_away(closing.is_cancelled(), request, next)
        });
        OpenApiRouter::from(self.route.clone())
            .layer(axum::middleware::map_request(connect::lean))
            .layer(turned_away)
            .layer(auth.anyone())
    }

    /// Waits until `shutdown` is cancelled, then closes all sockets, whose clients connect to another instance.
    pub async fn close(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        shutdown.cancelled().await;
        self.closing.cancel();
        if timeout(CLOSE, self.io.close()).await.is_err() {
            tracing::warn!("some sockets do not read; their connections are dropped");
        }
        Ok(())
    }
}

fn sockets() -> SocketIoBuilder {
    SocketIo::builder()
        .ping_interval(PING)
        .ping_timeout(PONG)
        .connect_timeout(INTRODUCTION)
        .max_buffer_size(BUFFER)
        .max_payload(LARGEST as u64)
        .ws_max_message_size(LARGEST)
        .ws_max_frame_size(LARGEST)
        .ws_read_buffer_size(1_024)
}
