//! The gate and its parts.

use std::sync::Arc;

use sunbeon_client::Sunbeon;
use sunbeon_domain::ConcertId;
use sunbeon_jwks::RemoteKeys;
use sunbeon_tokens::Verifier;
use tokio_util::sync::CancellationToken;

use crate::{
    modes::Modes,
    revoked::Revoked,
    seen::Seen,
    settings::{InvalidSettings, OnFailure, Settings},
};

/// The gate. A cheap handle.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) on_failure: OnFailure,
    pub(crate) waiting_page: String,
    pub(crate) own_hosts: Vec<String>,
    pub(crate) sunbeon: Sunbeon,
    pub(crate) keys: RemoteKeys<Verifier>,
    pub(crate) seen: Seen,
    pub(crate) revoked: Revoked,
    pub(crate) modes: Arc<Modes>,
}

impl Gate {
    /// Creates a gate. It fetches nothing until [`Gate::watch`] runs.
    pub fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let on_failure = settings.on_failure()?;
        let issuer = settings.issuer.clone();
        let keys = RemoteKeys::new(
            settings.sunbeon_url.at("/.well-known/jwks.json"),
            move |text| Verifier::from_jwks(text, &issuer).ok(),
        );
        Ok(Self(Arc::new(Inner {
            on_failure,
            waiting_page: settings.waiting_page.clone(),
            own_hosts: settings.own_hosts.clone(),
            sunbeon: Sunbeon::new(&settings.sunbeon_url).map_err(|_| InvalidSettings::Client)?,
            keys,
            seen: Seen::default(),
            revoked: Revoked::default(),
            modes: Arc::new(Modes::new()),
        })))
    }

    /// Keeps the keys and the list of revoked tokens fresh until `shutdown` is cancelled. Until it
    /// runs, the gate is blind.
    pub async fn watch(self, shutdown: CancellationToken) {
        self.0.watch(shutdown).await;
    }

    /// Returns the waiting page of a concert, for the shop's own refusals of members who were
    /// admitted to another concert.
    pub fn waiting_page(&self, concert: &ConcertId) -> String {
        self.0.waiting_page(concert)
    }
}
