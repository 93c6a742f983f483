//! All services in one process.

use std::{error::Error, process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::{Extension, middleware::from_fn};
use secrecy::ExposeSecret;
use sunbeon_booking::{Parts, Shop, Stock};
use sunbeon_broker::{Broker, MemoryBroker};
use sunbeon_chassis::{
    Auth, Process,
    http::{self, Health},
    settings::BookingToken,
};
use sunbeon_domain::{Code, Coded, MemberId};
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_gate::Ways;
use sunbeon_realtime::Realtime;
use sunbeon_reservation_open::{Demo, Registry, ReservationOpen};
use sunbeon_store::{Store, is_up};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;
use sunbeon_waiting_room::WaitingRoom;
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    breaking::Breaking, demo, dev_session, dev_token, options::Options, settings::Settings,
};

/// All parts, before they run.
pub(crate) struct Whole {
    process: Process,
    listener: TcpListener,
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
    registry: Registry,
    stock: Stock,
    auth: Auth,
    waiting_room: WaitingRoom,
    realtime: Realtime,
    token: Token,
    shop: Shop,
    ways: Ways,
    /// Whether there are a demo sale and `POST /dev/token`: only if this process generated the
    /// secret that signs access tokens.
    demo: bool,
    /// What the demo's console can break.
    breaking: Option<Breaking>,
}

impl Whole {
    /// Builds everything from the command line and the settings.
    pub(crate) async fn build(options: &Options) -> anyhow::Result<Self> {
        let mut settings = Settings::load(options)?;
        let process = Process::start(
            "sunbeon",
            settings.http.clone(),
            settings.limits.clone(),
            &settings.telemetry,
        )?;
        let listener = http::bind(&settings.http.bind, "--bind ").await?;
        let address = listener.local_addr()?;
        let demo = settings.make_secrets(address)?;
        settings.at(address, demo);
        let store =
            sunbeon_store::open(&settings.store).context("could not open store.redis.url")?;
        let embedded = settings.broker.shared().is_err().then(MemoryBroker::new);
        let broker: Arc<dyn Broker> = match &embedded {
            Some(broker) => Arc::new(broker.clone()),
            None => sunbeon_broker::open(&settings.broker, "sunbeon")
                .context("could not open broker.rabbitmq.url")?,
        };
        if settings.store.shared().is_err() {
            tracing::warn!("the line is kept in memory and will be gone when this process ends");
        }
        let registry = Registry::open(settings.database.url.expose_secret())
            .context("could not open SUNBEON__DATABASE__URL")?;
        let url = settings.database.url.expose_secret();
        usable(registry.migrate().await, url, "SUNBEON__DATABASE__URL")?;
        let keys = signing_keys(&settings.booking_token)?;
        let made = settings.auth.origin_token.clone();
        let origin_token = made.context("no origin token was generated")?;
        let parts = Parts::open(
            &settings.booking,
            &settings.gate,
            origin_token,
            broker.clone(),
        )?;
        let (url, setting) = (
            settings.booking.database_url.expose_secret(),
            "SUNBEON__BOOKING__DATABASE_URL",
        );
        usable(parts.stock.migrate().await, url, setting)?;
        let passes = settings.auth.passes()?;
        Ok(Self {
            waiting_room: WaitingRoom::new(store.clone(), passes),
            realtime: Realtime::new(store.clone(), broker.clone(), settings.auth.passes()?)
                .with_shop(&settings.gate.sunbeon_url)?,
            token: Token::new(store.clone(), keys, &settings.booking_token.issuer),
            auth: Auth::new(&settings.auth, &settings.limits)
                .context("could not set up the checks of access tokens")?,
            ways: Ways::new(&settings.gate).context("could not use the section gate")?,
            stock: parts.stock.clone(),
            shop: Shop::new(parts).in_demo(demo),
            process,
            listener,
            store,
            broker,
            registry,
            breaking: embedded.filter(|_| demo).map(Breaking::new),
            demo,
        })
    }

    /// Runs until told to stop, with a crowd of this size.
    pub(crate) async fn run(mut self, fans: u16) -> anyhow::Result<ExitCode> {
        let api = self.start();
        let health = self.health();
        let (auth, demo, shutdown) = (self.auth, self.demo, self.process.shutdown());
        let access = move |member: &str, admin: bool| {
            let id = MemberId::parse(member).expect("demo members have valid ids");
            auth.issue(&id, member, admin, dev_token::LIFE)
                .unwrap_or_default()
        };
        let started = move |address| {
            if demo {
                tokio::spawn(demo::run(address, access, fans, shutdown));
            }
        };
        let (registry, stock) = (self.registry, self.stock);
        let serving = self.process.serve_on(self.listener, api, health, started);
        let code = serving.await;
        self.broker.close().await;
        tokio::join!(registry.close(), stock.close());
        code
    }

    /// Starts the background jobs, and returns the routes.
    fn start(&mut self) -> OpenApiRouter {
        let (store, broker) = (self.store.clone(), self.broker.clone());
        let control = ReservationOpen::new(store.clone(), broker.clone(), self.registry.clone());
        let ways = self.ways.clone();
        let mut api = OpenApiRouter::new()
            .merge(self.waiting_room.router(&self.auth))
            .merge(self.realtime.router(&self.auth))
            .merge(control.router(&self.auth))
            .merge(self.token.router(&self.auth))
            .merge(self.shop.router(&self.auth))
            .merge(self.shop.pages(&self.auth).into())
            .merge(control.pages(&self.auth).into())
            .merge(self.waiting_room.pages(&self.auth, ways.clone()).into())
            .merge(self.token.forms(&self.auth, ways).into());
        if self.demo {
            let breakable = self.breaking.is_some();
            let breaking = self.breaking.as_ref().map(Breaking::router);
            let here = dev_token::router(self.auth.clone())
                .merge(dev_session::router(self.auth.clone()).into())
                .merge(breaking.unwrap_or_default().into())
                .layer(from_fn(dev_token::only_here));
            api = api.merge(here).layer(Extension(Demo { breakable }));
        }
        let shutdown = self.process.shutdown();
        let stop = || shutdown.clone();
        let process = &mut self.process;
        process.spawn("keys", self.auth.clone().keep_fresh(stop()));
        process.spawn("beat", self.waiting_room.clone().beat(stop()));
        process.spawn("tell", self.realtime.clone().tell(stop()));
        process.spawn("listen", self.realtime.clone().listen(stop()));
        process.spawn("close", self.realtime.clone().close(stop()));
        process.spawn("token beat", self.token.clone().beat(stop()));
        process.spawn("project", control.clone().project(stop()));
        process.spawn("blind gates", control.clone().listen(stop()));
        process.spawn("tick", control.tick(stop()));
        match self.breaking.clone() {
            Some(breaking) => process.spawn("consume", breaking.consume(store, stop())),
            None => {
                let consumer = EntryConsumer::new(store, broker);
                process.spawn("consume", consumer.run(stop()));
            }
        }
        process.spawn("booking", self.shop.clone().run(stop()));
        api
    }

    fn health(&self) -> Health {
        let (store, broker) = (self.store.clone(), self.broker.clone());
        let (registry, stock) = (self.registry.clone(), self.stock.clone());
        Health::new()
            .check("store", move || is_up(store.clone()))
            .check("broker", move || std::future::ready(broker.can_publish()))
            .check("database", move || registry.clone().is_up())
            .check("stock", move || stock.clone().is_up())
    }
}

/// Fails if a first migration shows that a retry will not help. A server that is down is not an
/// error, because jobs retry; a file of this machine that cannot be used is.
fn usable<E>(migrated: Result<(), E>, url: &str, setting: &str) -> anyhow::Result<()>
where
    E: Coded + Error + Send + Sync + 'static,
{
    let file = url.strip_prefix("sqlite:");
    match migrated {
        Err(error) if file.is_some() || error.code() == Code::Internal => {
            Err(error).with_context(|| format!("could not use {}", file.unwrap_or(setting)))
        }
        _ => Ok(()),
    }
}

fn signing_keys(settings: &BookingToken) -> anyhow::Result<SigningKeys> {
    match &settings.signing_key {
        Some(pem) => SigningKeys::from_pem(pem.expose_secret())
            .context("could not read SUNBEON__BOOKING_TOKEN__SIGNING_KEY"),
        None => SigningKeys::generate().context("could not make a signing key"),
    }
}
