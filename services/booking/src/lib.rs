#![doc = include_str!("../README.md")]

mod jobs;
mod pages;
pub mod payments;
mod routes;
mod serve;
mod settings;
pub mod stock;
pub mod sunbeon;
mod views;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, extract::FromRef};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_broker::Broker;
use sunbeon_chassis::{ApiResult, Auth, OrFail, http::Health};
use sunbeon_domain::{Code, Concert, ConcertId};
use sunbeon_gate::Gate;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use self::{
    jobs::{Announcer, Outbox, Reporter, Till},
    pages::Demo,
    sunbeon::Catalog,
    views::Views,
};
pub use self::{
    payments::Payments, serve::serve, settings::Settings, stock::Stock, sunbeon::Sunbeon,
};

/// The parts of a shop.
pub struct Parts {
    /// The tables.
    pub stock: Stock,
    /// The broker for events.
    pub broker: Arc<dyn Broker>,
    /// The gate in front of the routes for admitted members.
    pub gate: Gate,
    /// The client of Sunbeon's API.
    pub sunbeon: Sunbeon,
    /// The payment provider.
    pub payments: Payments,
}

impl Parts {
    /// Opens the parts from the settings, without making any requests yet.
    pub fn open(
        settings: &Settings,
        gate: &sunbeon_gate::Settings,
        origin_token: SecretString,
        broker: Arc<dyn Broker>,
    ) -> anyhow::Result<Self> {
        let url = settings.database_url.expose_secret();
        Ok(Self {
            stock: Stock::open(url).context("could not open SUNBEON__BOOKING__DATABASE_URL")?,
            broker,
            gate: Gate::new(gate, origin_token.clone())
                .context("could not set up the gate (SUNBEON__GATE__…)")?,
            sunbeon: Sunbeon::new(&gate.sunbeon_url, origin_token)
                .context("could not set up the client for Sunbeon")?,
            payments: Payments::open(&settings.payments)
                .context("could not set up SUNBEON__BOOKING__PAYMENTS")?,
        })
    }
}

/// The shop: its routes and its background jobs. A cheap handle.
#[derive(Clone, FromRef)]
pub struct Shop {
    stock: Stock,
    views: Views,
    catalog: Catalog,
    sunbeon: Sunbeon,
    announcer: Announcer,
    reporter: Reporter,
    outbox: Outbox,
    till: Till,
    broker: Arc<dyn Broker>,
    gate: Gate,
    demo: Demo,
}

impl Shop {
    /// Creates a shop. It makes no requests until [`Shop::run`] is called.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            stock,
            broker,
            gate,
            sunbeon,
            payments,
        } = parts;
        let reporter = Reporter::new(stock.clone(), sunbeon.clone());
        let announcer = Announcer::new(broker.clone(), stock.clone(), reporter.clone());
        let outbox = Outbox::new(stock.clone(), sunbeon.clone(), payments.clone());
        Self {
            catalog: Catalog::new(sunbeon.clone()),
            views: Views::new(stock.clone()),
            till: Till::new(stock.clone(), payments, announcer.clone(), outbox.clone()),
            stock,
            sunbeon,
            announcer,
            reporter,
            outbox,
            broker,
            gate,
            demo: Demo(false),
        }
    }

    /// Offers, where `demo`, the demo's form for signing in as anybody. A real shop has its own login.
    pub fn in_demo(self, demo: bool) -> Self {
        Self {
            demo: Demo(demo),
            ..self
        }
    }

    /// Returns the routes `/v2/concerts`, `/v2/seats`, `/v2/bookings` and `/v2/stock`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        routes::router(self, auth)
    }

    /// Returns the pages `/`, `/concerts/{concertId}` and `/bookings`, and their styles and scripts.
    pub fn pages(&self, auth: &Auth) -> Router {
        pages::router(self, auth)
    }

    /// Returns the checks for `/health`: the database and the broker. Sunbeon is not checked,
    /// because Sunbeon may check the shop.
    pub fn health(&self) -> Health {
        let (stock, broker) = (self.stock.clone(), self.broker.clone());
        Health::new()
            .check("database", move || stock.clone().is_up())
            .check("broker", move || std::future::ready(broker.can_publish()))
    }

    /// Runs the background jobs until `shutdown` is cancelled: migrates the tables, keeps the gate
    /// fresh and says when it is blind, listens for changed concerts, works through the outbox, settles payments,
    /// announces expired holds and tells the lines what is left.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        tokio::join!(
            self.gate.clone().watch(shutdown.clone()),
            self.catalog.listen(&*self.broker, &shutdown),
            shutdown.run_until_cancelled(jobs::blind::run(&self.gate, &*self.broker)),
            jobs::run(&self, &shutdown),
        );
        Ok(())
    }

    /// Returns how long a new hold lasts.
    async fn hold(&self, id: &ConcertId) -> ApiResult<Duration> {
        let concert = self.concert(id).await?;
        let minutes = concert.policy.hold_duration_minutes;
        Ok(Duration::from_secs(u64::from(minutes) * 60))
    }

    async fn concert(&self, id: &ConcertId) -> ApiResult<Concert> {
        let concert = self.catalog.find(id).await.or_fail()?;
        Ok(concert.ok_or(Code::ConcertNotFound)?)
    }
}
