#![doc = include_str!("../README.md")]

mod announce;
mod bookings;
mod catalog;
mod collect;
mod confirm;
mod fields;
mod inside;
mod list;
mod outbox;
pub mod payments;
mod rounds;
mod seats;
mod settings;
mod show;
pub mod stock;
mod stocks;
pub mod sunbeon;
mod till;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{extract::FromRef, middleware::from_fn_with_state};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_broker::Broker;
use sunbeon_chassis::{ApiResult, Auth, OrFail, http::Health};
use sunbeon_domain::{Code, Concert, ConcertId};
use sunbeon_gate::Gate;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use self::{announce::Announcer, catalog::Catalog, outbox::Outbox, till::Till};
pub use self::{payments::Payments, settings::Settings, stock::Stock, sunbeon::Sunbeon};

/// What a shop is built on.
pub struct Parts {
    /// The tables.
    pub stock: Stock,
    /// For events.
    pub broker: Arc<dyn Broker>,
    /// In front of the routes of those who were admitted.
    pub gate: Gate,
    /// The client of Sunbeon's API.
    pub sunbeon: Sunbeon,
    /// Who takes the money.
    pub payments: Payments,
}

impl Parts {
    /// As the settings say. Asks nothing and nobody yet.
    pub fn open(
        settings: &Settings,
        gate: &sunbeon_gate::Settings,
        origin_token: SecretString,
        broker: Arc<dyn Broker>,
    ) -> anyhow::Result<Self> {
        let url = settings.database_url.expose_secret();
        Ok(Self {
            stock: Stock::open(url).context("could not open booking.database_url")?,
            broker,
            gate: Gate::new(gate).context("could not set up the gate")?,
            sunbeon: Sunbeon::new(&gate.sunbeon_url, origin_token)
                .context("could not set up the client of Sunbeon")?,
            payments: Payments::open(&settings.payments)
                .context("could not set up booking.payments")?,
        })
    }
}

/// The service. A cheap handle.
#[derive(Clone, FromRef)]
pub struct Booking {
    stock: Stock,
    catalog: Catalog,
    sunbeon: Sunbeon,
    announcer: Announcer,
    outbox: Outbox,
    till: Till,
    broker: Arc<dyn Broker>,
    gate: Gate,
}

impl Booking {
    /// Asks nothing and nobody yet: [`Booking::run`] does.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            stock,
            broker,
            gate,
            sunbeon,
            payments,
        } = parts;
        let announcer = Announcer::new(broker.clone(), stock.clone());
        let outbox = Outbox::new(stock.clone(), sunbeon.clone(), payments.clone());
        Self {
            catalog: Catalog::new(sunbeon.clone()),
            till: Till::new(stock.clone(), payments, announcer.clone(), outbox.clone()),
            stock,
            sunbeon,
            announcer,
            outbox,
            broker,
            gate,
        }
    }

    /// The routes `/v2/concerts`, `/v2/seats`, `/v2/bookings` and `/v2/stock`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        let gated = OpenApiRouter::new()
            .merge(show::router())
            .merge(seats::router())
            .merge(confirm::router())
            .layer(self.gate.layer(inside::visit));
        let paid = from_fn_with_state(self.clone(), confirm::paid_before);
        let confirming = confirm::last_router()
            .layer(self.gate.layer(inside::visit))
            .layer(paid);
        let members = bookings::router().merge(gated).merge(confirming);
        let members = members.layer(auth.members());
        OpenApiRouter::new()
            .merge(list::router().layer(auth.main_page()))
            .merge(members)
            .merge(stocks::router().layer(auth.admins()))
            .with_state(self.clone())
    }

    /// What `/health` asks: the database and the broker. Sunbeon is not among them, for it may ask
    /// back.
    pub fn health(&self) -> Health {
        let (stock, broker) = (self.stock.clone(), self.broker.clone());
        Health::new()
            .check("database", move || stock.clone().is_up())
            .check("broker", move || std::future::ready(broker.can_publish()))
    }

    /// All that is done beside answering, until `shutdown` is cancelled: the tables are brought up
    /// to date, the gate is kept fresh, changes of concerts are heard, what the outbox holds is
    /// done, payments are settled, and holds that ran out are announced.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let on_the_tables = async {
            rounds::until_migrated(&self.stock, &shutdown).await;
            tokio::join!(
                self.outbox.run(&shutdown),
                self.till.run(&shutdown),
                collect::run(&self.stock, &self.announcer, &shutdown),
                self.announcer.run(&shutdown),
            )
        };
        tokio::join!(
            self.gate.clone().watch(shutdown.clone()),
            self.catalog.listen(&*self.broker, &shutdown),
            on_the_tables,
        );
        Ok(())
    }

    /// How long what is taken now is held.
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
