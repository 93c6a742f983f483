//! The gate and its parts.

use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::SecretString;
use sunbeon_client::{Caller, Sunbeon};
use sunbeon_domain::ConcertId;
use sunbeon_jwks::RemoteKeys;
use sunbeon_tokens::Verifier;
use tokio_util::sync::CancellationToken;

use crate::{
    feeds::Feeds,
    modes::Modes,
    seen::Seen,
    settings::{InvalidSettings, OnFailure, Settings},
    ways::Ways,
};

/// The gate. A cheap handle.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) on_failure: OnFailure,
    pub(crate) ways: Ways,
    pub(crate) sunbeon: Sunbeon,
    /// The same, asked as the shop.
    pub(crate) origin: Caller,
    pub(crate) keys: RemoteKeys<Verifier>,
    pub(crate) seen: Seen,
    pub(crate) feeds: Feeds,
    pub(crate) modes: Arc<Modes>,
    /// What it does with everybody, if the last look found it blind.
    pub(crate) meanwhile: Mutex<Option<OnFailure>>,
}

impl Gate {
    /// Creates a gate. It fetches nothing until [`Gate::watch`] runs. It asks which sessions have ended
    /// with the shop's origin token.
    pub fn new(
        settings: &Settings,
        origin_token: impl Into<SecretString>,
    ) -> Result<Self, InvalidSettings> {
        let ways = Ways::new(settings)?;
        let on_failure = settings.on_failure.ok_or(InvalidSettings::OnFailure)?;
        let issuer = settings.issuer.clone();
        let keys = RemoteKeys::new(
            settings.sunbeon_url.at("/.well-known/jwks.json"),
            move |text| Verifier::from_jwks(text, &issuer).ok(),
        );
        let sunbeon = Sunbeon::new(&settings.sunbeon_url).map_err(|_| InvalidSettings::Client)?;
        Ok(Self(Arc::new(Inner {
            on_failure,
            ways,
            origin: sunbeon.by(origin_token),
            sunbeon,
            keys,
            seen: Seen::default(),
            feeds: Feeds::default(),
            modes: Arc::new(Modes::new()),
            meanwhile: Mutex::default(),
        })))
    }

    /// Keeps the keys, and the ended sessions of each concert whose tokens were shown in the last hour,
    /// fresh until `shutdown` is cancelled. Until it runs, the gate is blind.
    pub async fn watch(self, shutdown: CancellationToken) {
        self.0.watch(shutdown).await;
    }

    /// Returns what the gate does with everybody while it is blind for all concerts or for one; `None` if it
    /// sees. [`Gate::watch`] looks once a second.
    pub fn blind(&self) -> Option<OnFailure> {
        *self.0.meanwhile.lock()
    }

    /// Returns the waiting page of a concert, for the shop's own refusals of members who were
    /// admitted to another concert.
    pub fn waiting_page(&self, concert: &ConcertId) -> String {
        self.0.ways.waiting_page(concert)
    }

    /// Returns the shop's login, which leads to an address of the shop; `None` if the settings name none.
    pub fn login_before(&self, address: &str) -> Option<String> {
        self.0.ways.login_before(address)
    }
}
