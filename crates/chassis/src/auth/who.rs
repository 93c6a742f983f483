//! The caller, as handlers see it.

use axum::{extract::FromRequestParts, http::request::Parts};
use sunbeon_domain::{Code, MemberId};

use crate::{ApiError, ApiResult};

/// A person with a valid access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// From the token's member claim.
    pub id: MemberId,
    /// At most 100 characters without control characters; may be empty.
    pub name: String,
    /// Whether the token carries the admin role.
    pub admin: bool,
}

impl Member {
    /// Returns a guest, who has no name and is never an admin.
    pub(super) fn guest(id: MemberId) -> Self {
        Self {
            id,
            name: String::new(),
            admin: false,
        }
    }
}

/// In the extensions of a request whose caller was known by a cookie: what it answers may be kept in one.
#[derive(Debug, Clone, Copy)]
pub struct ByCookie;

/// A caller who may use admin routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The member id, or `admin token` for the static token; no member id contains a space.
    pub actor: String,
}

/// A shop's back end, or an admin acting as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `origin token`, `admin token`, or an admin's member id.
    pub actor: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        found(parts, "members")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        found(parts, "admins")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        found(parts, "origins")
    }
}

/// Returns the caller whom the layer of an audience has found.
fn found<Who: Clone + Send + Sync + 'static>(parts: &Parts, audience: &str) -> ApiResult<Who> {
    parts.extensions.get().cloned().ok_or_else(|| {
        let fault = anyhow::anyhow!("the route is not under the layer of {audience}");
        ApiError::new(Code::Internal).caused_by(fault)
    })
}
