//! `sunbeon openapi`: the OpenAPI document of a service, without running it.

use std::{collections::HashMap, sync::Arc};

use anyhow::Context;
use clap::ValueEnum;
use serde::Deserialize;
use sunbeon_booking::{Parts, Shop};
use sunbeon_broker::{Broker, MemoryBroker};
use sunbeon_chassis::{Auth, http, settings};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::{MemoryStore, Store};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;
use sunbeon_waiting_room::WaitingRoom;
use utoipa_axum::router::OpenApiRouter;

/// A service that has an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Documented {
    /// Joining, status, leaving; the operators' view of the line
    WaitingRoom,
    /// Concerts and policies, opening batches, the audit
    ReservationOpen,
    /// Booking tokens, completion, public keys; the routes for gates and proxies
    Token,
    /// The reference shop behind the gate
    Booking,
}

#[derive(Deserialize)]
struct Settings {
    auth: settings::Auth,
    limits: settings::Limits,
    gate: sunbeon_gate::Settings,
    booking: sunbeon_booking::Settings,
}

/// Returns the document of one service, or of all services combined.
pub(crate) fn document(of: Option<Documented>) -> anyhow::Result<String> {
    let value = of.and_then(|of| of.to_possible_value());
    let name = value.as_ref().map_or("sunbeon", |name| name.get_name());
    let routers = routers()?.into_iter();
    let wanted = routers.filter(|(service, _)| of.is_none_or(|of| of == *service));
    let api = wanted.fold(OpenApiRouter::new(), |all, (_, api)| all.merge(api));
    let document = http::document(&api.into_openapi(), name)?;
    serde_json::to_string_pretty(&document).context("the document is not JSON")
}

/// Returns each service's routes, built on parts that make no requests.
fn routers() -> anyhow::Result<[(Documented, OpenApiRouter); 4]> {
    let variables = [
        (
            "SUNBEON__AUTH__HS256_SECRET",
            "a secret that signs nobody's token",
        ),
        ("SUNBEON__GATE__ON_FAILURE", "closed"),
    ];
    let given = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings: Settings = settings::load_from(HashMap::from(given))?;
    let auth = Auth::new(&settings.auth, &settings.limits)?;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new());
    let registry = Registry::open("sqlite::memory:")?;
    let control = ReservationOpen::new(store.clone(), broker.clone(), registry);
    let origin_token = "the token of no origin".into();
    let parts = Parts::open(&settings.booking, &settings.gate, origin_token, broker)?;
    let token = Token::new(store.clone(), SigningKeys::generate()?, "sunbeon");
    Ok([
        (
            Documented::WaitingRoom,
            WaitingRoom::new(store, None).router(&auth),
        ),
        (Documented::ReservationOpen, control.router(&auth)),
        (Documented::Token, token.router(&auth)),
        (Documented::Booking, Shop::new(parts).router(&auth)),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn every_registered_route_is_in_its_services_document() {
        for (service, api) in routers().expect("could not build the parts") {
            let (router, document) = api.split_for_parts();
            let routes = registered(&format!("{router:?}"));
            let documented: BTreeSet<_> = document.paths.paths.keys().cloned().collect();
            assert_eq!(routes, documented, "{service:?}");
        }
    }

    /// Returns the paths of a router; axum lists them only in its `Debug` output.
    fn registered(shown: &str) -> BTreeSet<String> {
        let routes = shown
            .split("fallback_router:")
            .next()
            .expect("a first part");
        let quoted = routes.split('"').skip(1).step_by(2);
        let paths = quoted.filter(|text| text.starts_with('/'));
        paths.map(str::to_owned).collect()
    }
}
