#![doc = include_str!("../README.md")]

mod audit;
mod concerts;
mod members;
mod open;
mod project;
mod publish;
mod reading;
mod registry;
mod resend;
mod schedule;
mod sweep;

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use sunbeon_broker::Broker;
use sunbeon_chassis::Auth;
use sunbeon_domain::{Coded, ConcertId};
use sunbeon_store::{Store, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use self::registry::{Registry, RegistryError};
use self::{audit::Audit, publish::Announcer};

/// The service.
#[derive(Clone, FromRef)]
pub struct ReservationOpen {
    store: Arc<dyn Store>,
    announcer: Announcer,
    registry: Registry,
    audit: Audit,
}

impl ReservationOpen {
    /// On a store, a broker and a registry.
    pub fn new(store: Arc<dyn Store>, broker: Arc<dyn Broker>, registry: Registry) -> Self {
        let audit = Audit::new(registry.clone());
        Self {
            store,
            announcer: Announcer::new(broker),
            registry,
            audit,
        }
    }

    /// The routes `/v2/reservation/open` and `/v2/admin`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(open::router())
            .merge(concerts::router())
            .merge(members::router())
            .merge(audit::router())
            .layer(auth.admins())
            .merge(reading::router().layer(auth.origins()))
            .with_state(self.clone())
    }

    /// Waits until messages can be sent, at most two seconds. A replica that takes requests before
    /// refuses openings that its neighbour would have taken.
    pub async fn await_broker(&self) {
        let connected = async {
            while !self.announcer.can_publish() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), connected).await;
    }

    /// Takes groups when they are due, until `shutdown` is cancelled. Messages under way are
    /// waited for.
    pub async fn schedule(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let every = Duration::from_millis(250);
        self.for_every_line("schedule", every, &shutdown, schedule::take)
            .await;
        self.announcer.finish().await;
        Ok(())
    }

    /// Announces again what nobody has answered, until `shutdown` is cancelled.
    pub async fn resend(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        self.for_every_line("resend", Duration::from_secs(1), &shutdown, resend::again)
            .await;
        Ok(())
    }

    /// Collects what has run out, until `shutdown` is cancelled.
    pub async fn sweep(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        self.for_every_line("sweep", Duration::from_secs(1), &shutdown, sweep::collect)
            .await;
        Ok(())
    }

    /// Brings the registry up to date and projects it into the store, at start and every 10 s,
    /// until `shutdown` is cancelled.
    pub async fn project(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        project::run(&self, shutdown).await;
        Ok(())
    }

    /// Does a job for every line, again and again. With the store down the round ends; a line that
    /// fails for a reason of its own keeps nobody else's from being done. A failure is logged once
    /// until a round succeeds, and never ends the loop.
    async fn for_every_line(
        &self,
        job: &'static str,
        every: Duration,
        shutdown: &CancellationToken,
        each: impl AsyncFn(&Self, &ConcertId) -> sunbeon_store::Result<()>,
    ) {
        let mut every = interval(every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut well = true;
        while shutdown.run_until_cancelled(every.tick()).await.is_some() {
            let round = async {
                let mut done = Ok(());
                for id in self.store.concerts().await? {
                    match each(self, &id).await {
                        Err(StoreError::UnknownConcert) => {} // dropped meanwhile
                        Err(error @ StoreError::Bug(_)) => done = Err(error),
                        each => each?,
                    }
                }
                done
            };
            let done: sunbeon_store::Result<()> = round.await;
            report(job, &mut well, &done);
        }
    }
}

/// Logs the first failure in a row, and the return.
fn report<E: Coded>(job: &'static str, well: &mut bool, done: &Result<(), E>) {
    match done {
        Err(error) if *well => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(job, %error, cause, "a job of the control plane cannot be done");
        }
        Ok(()) if !*well => tracing::info!(job, "a job of the control plane goes on"),
        _ => {}
    }
    *well = done.is_ok();
}
