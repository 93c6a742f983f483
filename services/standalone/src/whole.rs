//! All services, put together.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sunbeon_booking_token::SigningKeys;
use sunbeon_broker::Broker;
use sunbeon_chassis::{Auth, Process, http::Health, settings};
use sunbeon_domain::MemberId;
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::{Store, is_up};
use sunbeon_token::Token;
use sunbeon_waiting_room::WaitingRoom;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{demo, dev_token, options::Options};

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
    database: settings::Database,
    auth: settings::Auth,
    booking_token: settings::BookingToken,
    telemetry: settings::Telemetry,
}

/// Everything, before it runs.
pub(crate) struct Whole {
    process: Process,
    store: Arc<dyn Store>,
    broker: Arc<dyn Broker>,
    registry: Registry,
    auth: Auth,
    token: Token,
    loopback: bool,
}

impl Whole {
    /// From the command line; what it leaves open comes from the settings, and keys that are not
    /// set are made.
    pub(crate) async fn build(options: &Options) -> anyhow::Result<Self> {
        let mut settings: Settings = settings::load()?;
        settings.http.bind = options.bind.to_string();
        let loopback = options.bind.ip().is_loopback();
        ensure!(
            loopback || settings.auth.hs256_secret.is_some() || settings.auth.jwks_file.is_some(),
            "on an address that is not loopback set SUNBEON__AUTH__HS256_SECRET or …JWKS_FILE"
        );
        if settings.auth.hs256_secret.is_none() && settings.auth.jwks_file.is_none() {
            let secret = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
            settings.auth.hs256_secret = Some(SecretString::from(secret));
        }
        if let Some(folder) = &options.data {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("could not make the folder {}", folder.display()))?;
            let file = folder.join("sunbeon.sqlite");
            settings.database.url = format!("sqlite:{}", file.display()).into();
        }
        let process = Process::start("sunbeon", settings.http, &settings.telemetry)?;
        let keys = match &settings.booking_token.signing_key {
            Some(pem) => SigningKeys::from_pem(pem.expose_secret())
                .context("could not read booking_token.signing_key")?,
            None => SigningKeys::generate().context("could not make a signing key")?,
        };
        let store = sunbeon_store::open(&settings.store).context("could not open the store")?;
        let broker = sunbeon_broker::open(&settings.broker, "sunbeon")
            .context("could not open the broker")?;
        if matches!(settings.store, sunbeon_store::Settings::Memory) {
            tracing::warn!("the line is kept in memory alone and is gone when this process ends");
        }
        let registry = Registry::open(settings.database.url.expose_secret())
            .context("could not open the registry")?;
        Ok(Self {
            token: Token::new(store.clone(), keys, &settings.booking_token.issuer),
            auth: Auth::new(&settings.auth).context("could not set up the check of tokens")?,
            process,
            store,
            broker,
            registry,
            loopback,
        })
    }

    /// Runs until told to stop, with a crowd of so many.
    pub(crate) async fn run(mut self, fans: u16) -> anyhow::Result<ExitCode> {
        let waiting_room = WaitingRoom::new(self.store.clone());
        let reservation_open = ReservationOpen::new(
            self.store.clone(),
            self.broker.clone(),
            self.registry.clone(),
        );
        let consumer = EntryConsumer::new(self.store.clone(), self.broker.clone());
        let shutdown = self.process.shutdown();
        let service = &reservation_open;
        self.process
            .spawn("beat", waiting_room.clone().beat(shutdown.clone()));
        self.process
            .spawn("project", service.clone().project(shutdown.clone()));
        self.process
            .spawn("schedule", service.clone().schedule(shutdown.clone()));
        self.process
            .spawn("resend", service.clone().resend(shutdown.clone()));
        self.process
            .spawn("sweep", service.clone().sweep(shutdown.clone()));
        self.process
            .spawn("consume", consumer.run(shutdown.clone()));

        let mut api = OpenApiRouter::new()
            .merge(waiting_room.router(&self.auth))
            .merge(reservation_open.router(&self.auth))
            .merge(self.token.router(&self.auth));
        if self.loopback {
            api = api.merge(dev_token::router(self.auth.clone()));
        }
        let (store, broker, registry) = (self.store, self.broker.clone(), self.registry);
        let health = Health::new()
            .check("store", move || is_up(store.clone()))
            .check("broker", move || std::future::ready(broker.can_publish()))
            .check("database", move || registry.clone().is_up());
        let (auth, loopback) = (self.auth, self.loopback);
        let access = move |member: &str, admin: bool| {
            let id = MemberId::parse(member).expect("demo members have good ids");
            auth.issue(&id, member, admin, dev_token::LIFE)
                .unwrap_or_default()
        };
        let started = move |address| {
            if loopback {
                tokio::spawn(demo::run(address, access, fans, shutdown));
            }
        };
        let code = self.process.serve(api, health, started).await;
        self.broker.close().await;
        code
    }
}
