//! The front door's table against the services' documents.

use crate::documents::documented;

const TABLE: &str = include_str!("../../../../scripts/nginx.conf");

/// One `location` of the table.
struct Location {
    exact: bool,
    path: String,
    upstream: Option<String>,
}

fn locations() -> Vec<Location> {
    let mut locations: Vec<Location> = Vec::new();
    for line in TABLE.lines().map(str::trim) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["location", path, "{"] if path.starts_with('/') => locations.push(Location {
                exact: false,
                path: path.to_owned(),
                upstream: None,
            }),
            ["location", "=", path, "{"] => locations.push(Location {
                exact: true,
                path: path.to_owned(),
                upstream: None,
            }),
            ["location", name, "{"] if name.starts_with('@') => break,
            ["location", ..] => panic!("a kind of location that this test does not know: {line}"),
            ["proxy_pass", to] => {
                let to = to.trim_start_matches("http://").trim_end_matches(';');
                let last = locations.last_mut().expect("inside of a location");
                last.upstream = Some(to.to_owned());
            }
            _ => {}
        }
    }
    locations
}

/// Whom nginx asks: the exact location, else the longest prefix.
fn upstream(locations: &[Location], path: &str) -> Option<String> {
    let exact = locations
        .iter()
        .find(|location| location.exact && location.path == path);
    let prefixes = locations
        .iter()
        .filter(|location| !location.exact && path.starts_with(&location.path));
    let found = exact.or(prefixes.max_by_key(|location| location.path.len()));
    found.and_then(|location| location.upstream.clone())
}

#[tokio::test]
async fn the_front_door_sends_every_documented_path_to_its_service() {
    let locations = locations();
    assert!(locations.len() > 3);
    for (service, paths) in documented() {
        for path in paths {
            let sample = path
                .replace("{concertId}", "c")
                .replace("{memberId}", "m")
                .replace("{bookingId}", "b");
            assert_eq!(
                upstream(&locations, &sample).as_deref(),
                Some(service),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn the_front_door_has_no_location_for_what_nobody_serves() {
    let documented = documented();
    for location in locations() {
        let Some(upstream) = location.upstream else {
            continue;
        };
        // Every service serves it, and no document has it.
        if location.exact && location.path == "/health" {
            continue;
        }
        let served = documented[upstream.as_str()].iter().any(|path| {
            if location.exact {
                *path == location.path
            } else {
                path.starts_with(&location.path)
            }
        });
        assert!(served, "{} serves nothing at {}", upstream, location.path);
    }
    for private in [
        "/",
        "/metrics",
        "/ready",
        "/dev/token",
        "/openapi.json",
        "/docs/",
    ] {
        assert_eq!(upstream(&locations(), private), None, "{private}");
    }
}
