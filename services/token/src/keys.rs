//! The public keys.

use axum::{Json, extract::State, http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

pub(crate) fn router() -> OpenApiRouter<Token> {
    OpenApiRouter::new().routes(routes!(jwks))
}

/// The public keys that check booking tokens (RFC 7517), for gates. May be cached for a minute.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "gate",
    responses((status = 200, description = "A JWK set of Ed25519 keys, each with its `kid`."))
)]
async fn jwks(State(token): State<Token>) -> impl IntoResponse {
    (
        [(header::CACHE_CONTROL, "public, max-age=60")],
        Json(token.keys.jwks()),
    )
}
