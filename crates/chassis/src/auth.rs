//! The caller: access tokens, static tokens, and the layers that guard routes by audience.
//!
//! ```
//! # use sunbeon_chassis::{Auth, Member};
//! # use utoipa_axum::router::OpenApiRouter;
//! async fn whoami(member: Member) -> String {
//!     member.id.to_string()
//! }
//!
//! fn router(auth: &Auth) -> OpenApiRouter {
//!     let router = OpenApiRouter::new().route("/whoami", axum::routing::get(whoami));
//!     router.layer(auth.members())
//! }
//! ```

mod caller;
mod claims;
mod cookies;
mod headers;
mod issue;
mod keys;
mod layer;
mod verify;
mod who;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use axum::http::request::Parts;
pub use cookies::{is_behind_tls, is_own_page};
pub use layer::{AuthLayer, AuthService};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_domain::MemberId;
use sunbeon_tokens::{Guest, Guests};
use tokio_util::sync::CancellationToken;
pub use verify::LEEWAY_SECONDS;
pub use who::{Admin, ByCookie, Member, Origin};

use self::{headers::Headers, issue::Issuing, verify::Verifier};
use crate::{ApiResult, limits::Limits, settings};

/// Checks access tokens and enforces the limits of a process. Cheap to clone; clones share their
/// counters.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    headers: Headers,
    verifier: Verifier,
    guests: Option<Guests>,
    admin_token: Option<SecretString>,
    origin_token: Option<SecretString>,
    /// The name of the cookie with a browser's access token; empty for none.
    cookie: String,
    issuing: Option<Issuing>,
    limits: Limits,
}

impl Auth {
    /// Creates the checks. Fails unless exactly one of the secret, the path and the URL of the JWKS
    /// is set, and unless all secrets are long enough and different. Fetches nothing yet.
    pub fn new(settings: &settings::Auth, limits: &settings::Limits) -> anyhow::Result<Self> {
        let own = [cookies::GUEST_COOKIE, cookies::OPERATOR_COOKIE];
        ensure!(
            cookies::is_name(&settings.cookie) && !own.contains(&settings.cookie.as_str()),
            "SUNBEON__AUTH__COOKIE must be a name of letters, digits, '-', '_' and '.', and none of Sunbeon's own"
        );
        for (name, token) in [
            ("ADMIN_TOKEN", &settings.admin_token),
            ("ORIGIN_TOKEN", &settings.origin_token),
        ] {
            let long = |token: &SecretString| token.expose_secret().chars().count() >= 16;
            ensure!(
                token.as_ref().is_none_or(long),
                "SUNBEON__AUTH__{name} must have at least 16 characters"
            );
        }
        let secrets = [
            ("HS256_SECRET", &settings.hs256_secret),
            ("GUEST_SECRET", &settings.guest_secret),
            ("PASS_SECRET", &settings.pass_secret),
            ("ADMIN_TOKEN", &settings.admin_token),
            ("ORIGIN_TOKEN", &settings.origin_token),
        ];
        for (place, (one, secret)) in secrets.iter().enumerate() {
            let mut before = secrets[..place].iter();
            if let Some((other, _)) = before.find(|(_, it)| same(it, secret)) {
                bail!("SUNBEON__AUTH__{one} and SUNBEON__AUTH__{other} must differ");
            }
        }
        Ok(Self(Arc::new(Inner {
            headers: Headers::default(),
            verifier: Verifier::new(settings)?,
            guests: settings.guest_secret.as_ref().map(guests).transpose()?,
            admin_token: settings.admin_token.clone(),
            origin_token: settings.origin_token.clone(),
            cookie: settings.cookie.clone(),
            issuing: Issuing::new(settings),
            limits: Limits::new(limits),
        })))
    }

    /// Keeps the keys of `auth.jwks_url` fresh until `shutdown` is cancelled. Other keys need no
    /// refresh; then it only waits for `shutdown`.
    pub async fn keep_fresh(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        match self.0.verifier.remote() {
            Some(keys) => keys.clone().keep_fresh(shutdown).await,
            None => shutdown.cancelled().await,
        }
        Ok(())
    }

    /// Signs an access token that this [`Auth`] accepts. Needs an HS256 secret; for development and
    /// tests.
    pub fn issue(
        &self,
        id: &MemberId,
        name: &str,
        admin: bool,
        ttl: Duration,
    ) -> anyhow::Result<String> {
        let configured = self.0.issuing.as_ref();
        let issuing = configured.context("issuing tokens needs SUNBEON__AUTH__HS256_SECRET")?;
        issuing.token(id, name, admin, ttl)
    }

    /// Counts a new guest against the address of a request. Fails with 429 if the address had too
    /// many within the last hour.
    pub fn count_guest(&self, request: &Parts) -> ApiResult<()> {
        let limits = &self.0.limits;
        let client = limits.client(request);
        client.map_or(Ok(()), |client| limits.guest(client))
    }

    /// Counts what a member asks by a connection that began with this request. Fails with 429 if it was too
    /// much within the last second.
    pub fn count_member(&self, member: &MemberId, request: &Parts) -> ApiResult<()> {
        let limits = &self.0.limits;
        let client = limits.client(request);
        client.map_or(Ok(()), |_| limits.member(member))
    }

    /// Creates a guest whom every service with the same `auth.guest_secret` accepts for 24 hours.
    /// Fails if the secret is not set.
    pub fn issue_guest(&self) -> anyhow::Result<Guest> {
        let guests = self.0.guests.as_ref();
        Ok(guests
            .context("SUNBEON__AUTH__GUEST_SECRET is not set")?
            .issue())
    }
}

fn guests(secret: &SecretString) -> anyhow::Result<Guests> {
    let secret = secret.expose_secret().as_bytes();
    Guests::new(secret, LEEWAY_SECONDS).context("SUNBEON__AUTH__GUEST_SECRET")
}

fn same(one: &Option<SecretString>, other: &Option<SecretString>) -> bool {
    let secret = |secret: &Option<SecretString>| {
        let secret = secret.as_ref()?;
        Some(secret.expose_secret().to_owned())
    };
    one.is_some() && secret(one) == secret(other)
}
