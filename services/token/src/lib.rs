#![doc = include_str!("../README.md")]

mod issue;
mod keys;

use std::sync::Arc;

use sunbeon_booking_token::{SigningKeys, Verifier};
use sunbeon_chassis::Auth;
use sunbeon_store::Store;
use utoipa_axum::router::OpenApiRouter;

/// The service.
#[derive(Clone)]
pub struct Token {
    store: Arc<dyn Store>,
    keys: Arc<SigningKeys>,
    verifier: Verifier,
    issuer: Arc<str>,
}

impl Token {
    /// On a store, signing as `issuer`.
    pub fn new(store: Arc<dyn Store>, keys: SigningKeys, issuer: &str) -> Self {
        let verifier = Verifier::from_keys(&keys, issuer);
        Self {
            store,
            keys: Arc::new(keys),
            verifier,
            issuer: issuer.into(),
        }
    }

    /// The routes `/v2/reservation/{token,complete}` and `/.well-known/jwks.json`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        issue::router()
            .layer(auth.members())
            .merge(keys::router())
            .with_state(self.clone())
    }
}
