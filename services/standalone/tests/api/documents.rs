//! The services' own OpenAPI documents, side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::bare;

/// Returns the OpenAPI document of a service, or of all services combined for an empty name.
pub(crate) fn document(service: &str) -> Value {
    let names = Some(service).filter(|name| !name.is_empty());
    let done = bare().arg("openapi").args(names).output();
    let done = done.expect("it starts");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{service}: {error}");
    serde_json::from_slice(&done.stdout).expect("a document is JSON")
}

/// Returns the paths in each service's document, by the service's name at the front door.
pub(crate) fn documented() -> BTreeMap<&'static str, BTreeSet<String>> {
    let services = [
        ("waiting_room", "waiting-room"),
        ("reservation_open", "reservation-open"),
        ("token", "token"),
        ("booking", "booking"),
    ];
    let paths = services.map(|(at_the_door, service)| {
        let document = document(service);
        let paths = document["paths"].as_object().expect("paths");
        (at_the_door, paths.keys().cloned().collect())
    });
    paths.into()
}

#[test]
fn no_two_services_claim_the_same_path() {
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
