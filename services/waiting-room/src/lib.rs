#![doc = include_str!("../README.md")]

mod admin;
mod gauges;
mod guests;
mod member;
mod serve;
mod snapshots;

use std::sync::Arc;

use axum::extract::FromRef;
use sunbeon_chassis::Auth;
use sunbeon_store::{Heard, Store};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

pub use self::serve::serve;
use self::snapshots::Snapshots;

/// The service. Its routes and its beat share the snapshots.
#[derive(Clone, FromRef)]
pub struct WaitingRoom {
    store: Arc<dyn Store>,
    heard: Heard,
    snapshots: Snapshots,
}

impl WaitingRoom {
    /// Creates the service from a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let heard = Heard::default();
        Self {
            snapshots: Snapshots::new(store.clone(), heard.clone()),
            store,
            heard,
        }
    }

    /// Returns the routes under `/v2/waiting-room`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        member::router()
            .layer(auth.members())
            .merge(member::ending().layer(auth.members().ending()))
            .merge(admin::router().layer(auth.admins()))
            .merge(snapshots::router().layer(auth.anyone()))
            .merge(guests::router(auth).layer(auth.main_page()))
            .with_state(self.clone())
    }

    /// Beats once a second until `shutdown` is cancelled.
    pub async fn beat(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        self.snapshots.keep_fresh(&shutdown).await;
        Ok(())
    }
}
