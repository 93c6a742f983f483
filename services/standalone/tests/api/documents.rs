//! What the services' own documents say, side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sunbeon_booking::{Parts, Shop};
use sunbeon_broker::{Broker, MemoryBroker};
use sunbeon_chassis::{Auth, settings};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::{MemoryStore, Store};
use sunbeon_test_support::access::{HS256_SECRET, ORIGIN_TOKEN};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;
use sunbeon_waiting_room::WaitingRoom;
use utoipa_axum::router::OpenApiRouter;

/// Each service's routes, by the name that it has at the front door.
pub(crate) fn services() -> [(&'static str, OpenApiRouter); 4] {
    #[derive(serde::Deserialize)]
    struct Settings {
        auth: settings::Auth,
        limits: settings::Limits,
        gate: sunbeon_gate::Settings,
        booking: sunbeon_booking::Settings,
    }
    let set = [
        ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET),
        ("SUNBEON__GATE__ON_FAILURE", "closed"),
    ];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings: Settings = settings::load_from(set.into()).expect("good settings");
    let auth = Auth::new(&settings.auth, &settings.limits).expect("a good secret");
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let registry = Registry::open("sqlite::memory:").expect("a good address");
    let keys = SigningKeys::generate().expect("randomness");
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new());
    let control = ReservationOpen::new(store.clone(), broker.clone(), registry);
    let parts = Parts::open(
        &settings.booking,
        &settings.gate,
        ORIGIN_TOKEN.into(),
        broker,
    );
    let booking = Shop::new(parts.expect("a shop"));
    [
        (
            "waiting_room",
            WaitingRoom::new(store.clone()).router(&auth),
        ),
        ("reservation_open", control.router(&auth)),
        ("token", Token::new(store, keys, "sunbeon").router(&auth)),
        ("booking", booking.router(&auth)),
    ]
}

/// The paths of each service's document.
pub(crate) fn documented() -> BTreeMap<&'static str, BTreeSet<String>> {
    let paths = services().map(|(name, api)| {
        let document = api.split_for_parts().1;
        (name, document.paths.paths.keys().cloned().collect())
    });
    paths.into()
}

#[tokio::test]
async fn no_two_services_claim_the_same_path() {
    let mut claimed = BTreeMap::new();
    for (service, paths) in documented() {
        assert!(!paths.is_empty(), "{service}");
        for path in paths {
            let parameters = ["{concertId}", "{memberId}", "{bookingId}"];
            let sample = parameters
                .iter()
                .fold(path.clone(), |path, name| path.replace(name, "*"));
            if let Some(other) = claimed.insert(sample, service) {
                panic!("{service} and {other} both claim {path}");
            }
        }
    }
}

#[tokio::test]
async fn every_registered_route_is_in_its_services_document() {
    for (service, api) in services() {
        let (router, document) = api.split_for_parts();
        let routes = registered(&format!("{router:?}"));
        let documented: BTreeSet<_> = document.paths.paths.keys().cloned().collect();
        assert_eq!(routes, documented, "{service}");
    }
}

/// The paths of a router, of which axum shows no list but in its `Debug`.
fn registered(shown: &str) -> BTreeSet<String> {
    let routes = shown
        .split("fallback_router:")
        .next()
        .expect("a first part");
    let quoted = routes.split('"').skip(1).step_by(2);
    quoted
        .filter(|text| text.starts_with('/'))
        .map(str::to_owned)
        .collect()
}
