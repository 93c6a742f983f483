//! The public keys.

use std::sync::Arc;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new().routes(routes!(jwks))
}

/// Returns the public keys that verify booking tokens (RFC 7517). They may be cached for a minute.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "gates", operation_id = "readSigningKeys",
    responses(
        (status = 200, description = "A JWK set of Ed25519 keys, each with its `kid`.", body = Value,
            example = json!({"keys": [{"use": "sig", "alg": "EdDSA",
                "kid": "8gkDSzglz_bmaUQnzu1O4p29Zy_S2xSHVJ47XPoz7is", "kty": "OKP", "crv": "Ed25519",
                "x": "3HBRM0sX2aXr4psUIHWXCWCB5xwbtPeEwaytWRD-ueo"}]})),
    )
)]
async fn jwks(State(token): State<Arc<Token>>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "public, max-age=60")],
        Json(token.keys.jwks()),
    )
}
