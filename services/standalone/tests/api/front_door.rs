//! The front door's tables, compared with the services' documents.

use crate::documents::documented;

const PUBLIC: &str = include_str!("../../../../scripts/nginx-public.conf");
/// The routes that only the operators' door serves.
const OPERATORS: &str = include_str!("../../../../scripts/nginx.conf");

/// Prefixes under which the documents have routes only for operators, shops' back ends and their
/// proxies.
const PRIVATE: [&str; 9] = [
    "/v2/admin/",
    "/v2/stock/",
    "/v2/waiting-room/admin",
    "/v2/waiting-room/cleanup",
    "/v2/reservation/open/",
    "/v2/reservation/revoked/",
    "/v2/reservation/sessions/",
    "/v2/reservation/stock/",
    "/v2/reservation/verify",
];

/// Pages, their forms and their files, which no document lists; their services, and whether only the operators'
/// door has them.
const PAGES: [(&str, &str, bool); 13] = [
    ("/waiting-room/c", "waiting_room", false),
    ("/waiting-room/c/enter", "waiting_room", false),
    ("/waiting-room/assets/v/waiting.js", "waiting_room", false),
    ("/waiting-room/sunbeon.js", "waiting_room", false),
    ("/reservation/c", "token", false),
    ("/", "booking", false),
    ("/concerts/c", "booking", false),
    ("/bookings", "booking", false),
    ("/shop/assets/v/shop.css", "booking", false),
    ("/admin", "reservation_open", true),
    ("/admin/session", "reservation_open", true),
    ("/admin/health", "reservation_open", true),
    ("/admin/assets/v/console.js", "reservation_open", true),
];

/// One `location` of the table.
struct Location {
    exact: bool,
    path: String,
    upstream: Option<String>,
}

fn locations(table: &str) -> Vec<Location> {
    let mut locations: Vec<Location> = Vec::new();
    for line in table.lines().map(str::trim) {
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

/// Returns both doors' tables: the public one, and the operators'.
fn doors() -> [Vec<Location>; 2] {
    let all = [locations(PUBLIC), locations(OPERATORS)];
    [locations(PUBLIC), all.into_iter().flatten().collect()]
}

/// Returns the upstream that nginx chooses: that of the exact location, else of the longest prefix.
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
async fn each_door_routes_every_documented_path_to_its_service_or_refuses_it() {
    let [public, operators] = doors();
    assert!(public.len() > 3);
    for (service, paths) in documented() {
        for path in paths {
            let sample = path
                .replace("{concertId}", "c")
                .replace("{memberId}", "m")
                .replace("{bookingId}", "b");
            let at_operators = upstream(&operators, &sample);
            assert_eq!(at_operators.as_deref(), Some(service), "{path}");
            let private = PRIVATE.iter().any(|prefix| sample.starts_with(prefix));
            let expected = (!private).then_some(service);
            let in_public = upstream(&public, &sample);
            assert_eq!(in_public.as_deref(), expected, "{path} at the public door");
        }
    }
}

#[test]
fn each_door_routes_every_page_to_its_service_or_refuses_it() {
    let [public, operators] = doors();
    for (path, service, private) in PAGES {
        let at_operators = upstream(&operators, path);
        assert_eq!(at_operators.as_deref(), Some(service), "{path}");
        let expected = (!private).then_some(service);
        let in_public = upstream(&public, path);
        assert_eq!(in_public.as_deref(), expected, "{path} at the public door");
    }
}

#[tokio::test]
async fn no_door_has_a_location_for_a_path_that_nobody_serves() {
    let documented = documented();
    let [public, operators] = doors();
    for location in &operators {
        let Some(upstream) = &location.upstream else {
            continue;
        };
        // Every service serves the one and realtime the other, but no document lists them.
        if ["/health", "/socket.io/"].contains(&location.path.as_str()) {
            continue;
        }
        let pages = PAGES.iter().filter(|(_, service, _)| service == upstream);
        let pages = pages.map(|(path, _, _)| *path);
        let documented = documented[upstream.as_str()].iter().map(String::as_str);
        let served = documented.chain(pages).any(|path| {
            if location.exact {
                path == location.path
            } else {
                path.starts_with(&location.path)
            }
        });
        assert!(served, "{} serves nothing at {}", upstream, location.path);
    }
    for nowhere in [
        "/metrics",
        "/ready",
        "/dev/token",
        "/openapi.json",
        "/docs/",
    ] {
        assert_eq!(upstream(&operators, nowhere), None, "{nowhere}");
    }
    assert_eq!(upstream(&public, "/health"), None);
    let sockets = upstream(&public, "/socket.io/");
    assert_eq!(sockets.as_deref(), Some("realtime"));
}
