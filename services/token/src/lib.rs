#![doc = include_str!("../README.md")]

mod beat;
mod feeds;
mod form;
mod issue;
mod keys;
mod proof;
mod return_path;
mod revoked;
mod serve;
mod sessions;
mod single_flight;
mod stock;
mod verify;

use std::sync::Arc;

use axum::{Router, middleware::map_response};
use sunbeon_chassis::Auth;
use sunbeon_gate::Ways;
use sunbeon_snapshot::Heard;
use sunbeon_store::Store;
use sunbeon_tokens::{SigningKeys, Verifier};
use utoipa_axum::router::OpenApiRouter;

use self::feeds::Feeds;
pub use self::serve::serve;

/// The service.
#[derive(Clone)]
pub struct Token {
    store: Arc<dyn Store>,
    heard: Heard,
    keys: Arc<SigningKeys>,
    verifier: Verifier,
    issuer: Arc<str>,
    feeds: Arc<Feeds>,
}

impl Token {
    /// Creates the service from a store and the keys with which it signs as `issuer`.
    pub fn new(store: Arc<dyn Store>, keys: SigningKeys, issuer: &str) -> Self {
        let verifier = Verifier::from_keys(&keys, issuer);
        Self {
            store,
            heard: Heard::default(),
            keys: Arc::new(keys),
            verifier,
            issuer: issuer.into(),
            feeds: Arc::default(),
        }
    }

    /// Returns the routes `/v2/reservation/{token,complete,verify,revoked,sessions,stock}` and
    /// `/.well-known/jwks.json`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        let verify = verify::router()
            .layer(auth.members().by_proxies())
            .layer(map_response(verify::in_three_statuses));
        issue::router()
            .layer(auth.members())
            .merge(issue::ending().layer(auth.members().ending()))
            .merge(verify)
            .merge(sessions::router().layer(auth.origins()))
            .merge(stock::router().layer(auth.origins()))
            .merge(revoked::router().layer(auth.feeds()))
            .merge(keys::router().layer(auth.gates()))
            // axum clones the state several times for each request.
            .with_state(Arc::new(self.clone()))
    }

    /// Returns the waiting page's form that leads to the shop, `POST /reservation/{concertId}`.
    pub fn forms(&self, auth: &Auth, ways: Ways) -> Router {
        form::router(self, auth, ways)
    }
}
