#![doc = include_str!("../README.md")]

mod decide;
#[cfg(feature = "axum")]
mod extract;
mod layer;
mod modes;
mod refuse;
mod revoked;
mod seen;
mod settings;
mod slots;
mod sunbeon;
mod target;
mod token;
mod turns;
mod watch;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

pub use layer::{GateLayer, Gated};
pub use settings::{InvalidSettings, OnFailure, Settings};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_jwks::RemoteKeys;
use sunbeon_tokens::Verifier;
pub use target::Target;
use tokio_util::sync::CancellationToken;

use crate::{modes::Modes, revoked::Revoked, seen::Seen, sunbeon::Sunbeon};

/// Who visits what: said by the origin, for it alone knows its routes and its logins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// Who; nobody who is not logged in passes.
    pub member: Option<MemberId>,
    /// Which concert, where the address names one. Left out: that of the booking token.
    pub concert: Option<ConcertId>,
}

/// Somebody whom the gate let in; in the extensions of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// To which concert. Compare it with what the request is about.
    pub concert: ConcertId,
    /// Who.
    pub member: MemberId,
    /// By which entry; nothing where nobody lines up (mode `off`, or a gate that fails open).
    pub entry_number: Option<EntryNumber>,
    /// When the booking token ends; nothing where there is none.
    pub until: Option<UnixMs>,
}

/// The gate. A cheap handle.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    on_failure: OnFailure,
    waiting_page: String,
    own_hosts: Vec<String>,
    sunbeon: Arc<Sunbeon>,
    keys: RemoteKeys<Verifier>,
    seen: Seen,
    revoked: Revoked,
    modes: Arc<Modes>,
}

impl Gate {
    /// Fetches nothing yet: [`Gate::watch`] does.
    pub fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let sunbeon = Sunbeon::new(&settings.sunbeon_url)?;
        let on_failure = settings.on_failure()?;
        let (jwks, issuer) = (
            sunbeon.url("/.well-known/jwks.json"),
            settings.issuer.clone(),
        );
        let parse = move |text: &str| Verifier::from_jwks(text, &issuer).ok();
        let keys = RemoteKeys::new(&jwks, parse).map_err(|_| InvalidSettings::SunbeonUrl)?;
        Ok(Self(Arc::new(Inner {
            on_failure,
            waiting_page: settings.waiting_page.clone(),
            own_hosts: settings.own_hosts.clone(),
            sunbeon: Arc::new(sunbeon),
            keys,
            seen: Seen::default(),
            revoked: Revoked::default(),
            modes: Arc::new(Modes::new()),
        })))
    }

    /// Keeps keys and the list of revoked tokens fresh until `shutdown` is cancelled. Without it
    /// the gate is blind.
    pub async fn watch(self, shutdown: CancellationToken) {
        self.0.watch(shutdown).await;
    }

    /// Where one lines up for a concert: for the shop's own refusals of who is in another one's.
    pub fn waiting_page(&self, concert: &ConcertId) -> String {
        self.0.waiting_page(concert)
    }

    /// The layer for gated routes. `visit` says who visits what.
    pub fn layer<F>(&self, visit: F) -> GateLayer<F>
    where
        F: Fn(&http::request::Parts) -> Visit + Clone + Send + Sync + 'static,
    {
        GateLayer::new(self.clone(), visit)
    }
}

/// Seconds since the epoch by this machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a gate has no store whose clock it could ask"
)]
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
