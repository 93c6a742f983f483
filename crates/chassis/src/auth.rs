//! Who asks: access tokens, the static admin token, and the layers that guard routes by audience.
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

mod keys;
mod layer;
mod verify;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use axum::{extract::FromRequestParts, http::request::Parts};
use jsonwebtoken::EncodingKey;
pub use layer::{AuthLayer, AuthService};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_domain::{Code, MemberId};
use verify::Verifier;

use crate::{ApiError, ApiResult, settings};

/// Tokens may be this many seconds past `exp` or before `nbf`.
pub const LEEWAY_SECONDS: u64 = 5;

/// Checks access tokens. Cheap to clone.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    verifier: Verifier,
    admin_token: Option<SecretString>,
    issuing: Option<Issuing>,
}

/// What [`Auth::issue`] needs; HS256 only.
struct Issuing {
    key: EncodingKey,
    settings: settings::Auth,
}

/// A person whose access token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// By the token's member claim.
    pub id: MemberId,
    /// At most 100 characters without control characters; may be empty.
    pub name: String,
    /// Whether the token carries the admin role.
    pub admin: bool,
}

/// Somebody who may use admin routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The member id, or `admin-token` for the static one.
    pub actor: String,
}

impl Auth {
    /// Fails unless exactly one of the secret and the JWKS is set and usable.
    pub fn new(settings: &settings::Auth) -> anyhow::Result<Self> {
        if let Some(token) = &settings.admin_token {
            let length = token.expose_secret().chars().count();
            ensure!(
                length >= 16,
                "auth.admin_token must have at least 16 characters"
            );
        }
        let issuing = settings.hs256_secret.as_ref().map(|secret| Issuing {
            key: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            settings: settings.clone(),
        });
        Ok(Self(Arc::new(Inner {
            verifier: Verifier::new(settings)?,
            admin_token: settings.admin_token.clone(),
            issuing,
        })))
    }

    /// The layer for routes of members: 401 without a good access token, 403 for the static admin
    /// token.
    pub fn members(&self) -> AuthLayer {
        AuthLayer::members(self.clone())
    }

    /// The layer for routes of admins: 401 without a good token, 403 without the role.
    pub fn admins(&self) -> AuthLayer {
        AuthLayer::admins(self.clone())
    }

    /// Makes an access token that this [`Auth`] accepts; with an HS256 secret only. For development
    /// and tests.
    pub fn issue(
        &self,
        id: &MemberId,
        name: &str,
        admin: bool,
        ttl: Duration,
    ) -> anyhow::Result<String> {
        let issuing = self.0.issuing.as_ref();
        let issuing = issuing.context("tokens are issued with auth.hs256_secret alone")?;
        issuing.token(id, name, admin, ttl)
    }
}

impl Issuing {
    fn token(
        &self,
        id: &MemberId,
        name: &str,
        admin: bool,
        ttl: Duration,
    ) -> anyhow::Result<String> {
        let mut claims = serde_json::Map::new();
        claims.insert(self.settings.member_claim.clone(), id.as_str().into());
        claims.insert(self.settings.name_claim.clone(), name.into());
        if admin {
            let role = self.settings.admin_role.as_str();
            claims.insert(self.settings.role_claim.clone(), role.into());
        }
        for (claim, value) in [
            ("iss", &self.settings.issuer),
            ("aud", &self.settings.audience),
        ] {
            if let Some(value) = value {
                claims.insert(claim.to_owned(), value.as_str().into());
            }
        }
        let exp = jsonwebtoken::get_current_timestamp().saturating_add(ttl.as_secs());
        claims.insert("exp".to_owned(), exp.into());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &self.key)
            .context("could not sign an access token")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| unguarded("members"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(|| unguarded("admins"))
    }
}

fn unguarded(audience: &str) -> ApiError {
    let fault = anyhow::anyhow!("the route is not under the layer of {audience}");
    ApiError::new(Code::Internal).caused_by(fault)
}
