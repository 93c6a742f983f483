//! [`Admitted`] as an extractor of axum handlers.

use axum_core::extract::FromRequestParts;
use http::{StatusCode, request::Parts};

use crate::visit::Admitted;

/// Answers 500 on a route that is not behind the gate.
impl<S: Send + Sync> FromRequestParts<S> for Admitted {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                path = parts.uri.path(),
                "a route that extracts Admitted is not behind the gate; answering 500"
            );
            (StatusCode::INTERNAL_SERVER_ERROR, "not behind the gate")
        })
    }
}
