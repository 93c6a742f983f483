#![doc = include_str!("../README.md")]

mod announcer;
mod audit;
mod console;
mod dead_letters;
mod gates;
mod members;
mod open;
mod registry;
mod serve;
mod tick;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::FromRef};
use sunbeon_broker::Broker;
use sunbeon_chassis::{Auth, Rounds};
use sunbeon_store::{Looks, Store};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use self::{announcer::Announcer, audit::Audit, dead_letters::DeadLetterQueue, gates::Gates};
pub use self::{
    console::Demo,
    registry::{Registry, RegistryError},
    serve::serve,
};

/// The service. A cheap handle.
#[derive(Clone, FromRef)]
pub struct ReservationOpen {
    store: Arc<dyn Store>,
    announcer: Announcer,
    dead_letters: DeadLetterQueue,
    gates: Gates,
    registry: Registry,
    audit: Audit,
}

impl ReservationOpen {
    /// Creates the service from a store, a broker and a registry.
    pub fn new(store: Arc<dyn Store>, broker: Arc<dyn Broker>, registry: Registry) -> Self {
        Self {
            store,
            dead_letters: DeadLetterQueue::new(broker.clone()),
            gates: Gates::default(),
            announcer: Announcer::new(broker),
            audit: Audit::new(registry.database().clone()),
            registry,
        }
    }

    /// Returns the console `/admin`, and its styles and scripts.
    pub fn pages(&self, auth: &Auth) -> Router {
        console::router(auth).with_state(self.clone())
    }

    /// Returns the routes `/v2/reservation/open` and `/v2/admin`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        OpenApiRouter::new()
            .merge(open::router())
            .merge(registry::concerts::router())
            .merge(registry::acts::router())
            .merge(members::router())
            .merge(audit::routes::router())
            .merge(dead_letters::router())
            .layer(auth.admins())
            .merge(registry::reading::router().layer(auth.origins()))
            .with_state(self.clone())
    }

    /// Waits at most two seconds until messages can be sent. A replica that took requests earlier
    /// would refuse openings that the other replicas accept.
    pub async fn await_broker(&self) {
        let connected = async {
            while !self.announcer.can_publish() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), connected).await;
    }

    /// Takes groups exactly when they are due, sends unanswered ENTER messages again and removes what has
    /// expired, until `shutdown` is cancelled; then waits for messages still being sent.
    pub async fn tick(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let looks = Looks::default();
        Rounds::every(Looks::ROUND, "tick")
            .run_woken(&shutdown, looks.wake(), || {
                looks.round(&*self.store, |id| tick::tick(&self, id))
            })
            .await;
        self.announcer.finish().await;
        Ok(())
    }

    /// Hears which shops' gates are blind, until `shutdown` is cancelled.
    pub async fn listen(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let heard = self.gates.listen(self.announcer.broker());
        shutdown.run_until_cancelled(heard).await;
        shutdown.cancelled().await;
        Ok(())
    }

    /// Migrates the registry's tables and projects its concerts into the store, at start and every
    /// 10 s, until `shutdown` is cancelled.
    pub async fn project(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        registry::project::run(&self, &shutdown).await;
        Ok(())
    }
}
