//! The documents say what the code does: routes, fields, scripts, links.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sunbeon_booking_token::SigningKeys;
use sunbeon_chassis::{Auth, settings};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_token::Token;
use sunbeon_waiting_room::WaitingRoom;
use utoipa_axum::router::OpenApiRouter;

/// What is no service's own: added to every service, or to the standalone.
const EVERYWHERE: [&str; 7] = [
    "GET /live",
    "GET /ready",
    "GET /health",
    "GET /metrics",
    "GET /openapi.json",
    "GET /docs",
    "POST /dev/token",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// README.md and everything in docs, by name.
fn documents() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned()];
    names.extend(
        names_in("docs")
            .into_iter()
            .map(|name| format!("docs/{name}")),
    );
    names
        .into_iter()
        .map(|name| (name.clone(), read(&name)))
        .collect()
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(name).collect()
}

#[derive(serde::Deserialize)]
struct Settings {
    auth: settings::Auth,
}

/// The OpenAPI document of all services.
fn document() -> Value {
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let secret = ("SUNBEON__AUTH__HS256_SECRET".to_owned(), secret);
    let settings: Settings = settings::load_from([secret].into()).unwrap();
    let auth = Auth::new(&settings.auth).unwrap();
    let store = sunbeon_store::open(&sunbeon_store::Settings::Memory).unwrap();
    let broker = sunbeon_broker::open(&sunbeon_broker::Settings::Memory, "manual").unwrap();
    let registry = Registry::open("sqlite::memory:").unwrap();
    let token = Token::new(store.clone(), SigningKeys::generate().unwrap(), "sunbeon");
    let api = OpenApiRouter::new()
        .merge(WaitingRoom::new(store.clone()).router(&auth))
        .merge(ReservationOpen::new(store, broker, registry).router(&auth))
        .merge(token.router(&auth));
    serde_json::to_value(api.into_openapi()).unwrap()
}

/// Every route as `GET /v2/…`.
fn routes(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().keys();
        let methods: Vec<_> = methods
            .map(|method| format!("{} {path}", method.to_uppercase()))
            .collect();
        methods
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn the_manual_has_every_route_and_no_other() {
    let manual = read("docs/api.md");
    let mut routes = routes(&document());
    assert!(routes.len() > 20, "{routes:?}");
    for route in &routes {
        let heading = format!("### `{route}`");
        let there = manual.lines().any(|line| line == heading);
        assert!(there, "docs/api.md lacks the heading {heading}");
    }
    routes.extend(EVERYWHERE.map(str::to_owned));
    for route in EVERYWHERE {
        assert!(
            manual.contains(&format!("`{route}`")),
            "docs/api.md lacks {route}"
        );
    }
    let headings = manual
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    for heading in headings {
        assert!(
            routes.contains(heading),
            "docs/api.md has {heading}, which is no route"
        );
    }
}

#[tokio::test]
async fn the_manual_has_every_field_of_a_standing_and_of_a_policy() {
    let (manual, document) = (read("docs/api.md"), document());
    let rows: Vec<_> = manual
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for schema in ["Standing", "Policy"] {
        let properties = document["components"]["schemas"][schema]["properties"].as_object();
        for field in properties
            .unwrap_or_else(|| panic!("no schema {schema}"))
            .keys()
        {
            let first = |row: &&&str| {
                row.split(" | ")
                    .next()
                    .unwrap()
                    .contains(&format!("`{field}`"))
            };
            assert!(
                rows.iter().any(|row| first(&row)),
                "docs/api.md lacks {schema}.{field}"
            );
        }
    }
}

#[test]
fn every_script_is_documented() {
    let documents = documents();
    for script in names_in("scripts") {
        let name = format!("scripts/{script}");
        let said = documents.iter().any(|(_, text)| text.contains(&name));
        assert!(said, "{name} is in no document");
    }
}

#[test]
fn every_document_is_in_the_readme() {
    let readme = read("README.md");
    for name in names_in("docs") {
        assert!(
            readme.contains(&format!("](docs/{name})")),
            "the README lacks docs/{name}"
        );
    }
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    for (name, text) in documents() {
        let folder = root().join(&name).parent().unwrap().to_owned();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.contains("://") {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                root().join(&name)
            } else {
                folder.join(path)
            };
            assert!(
                target.exists(),
                "{name} links to {link}, which is not there"
            );
            if !fragment.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let found = text
                    .lines()
                    .any(|l| l.starts_with('#') && anchor(l) == fragment);
                assert!(found, "{name} links to {link}, which has no such heading");
            }
        }
    }
}

/// All Rust below a folder, in one text.
fn sources_below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources_below(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn the_tests_that_guard_the_promises_are_there() {
    let architecture = read("docs/architecture.md");
    let promises = architecture.split("## Promises").nth(1).unwrap();
    let sources = sources_below(&root().join("crates")) + &sources_below(&root().join("services"));
    let quoted: Vec<_> = promises.split('`').skip(1).step_by(2).collect();
    let is_name = |word: &&&str| {
        let plain = word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        plain && word.matches('_').count() > 2
    };
    let names: Vec<_> = quoted.iter().filter(is_name).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(
            sources.contains(&format!("fn {name}")),
            "there is no test {name}"
        );
    }
    for path in quoted
        .iter()
        .filter(|word| word.starts_with("crates/") || word.starts_with("services/"))
    {
        assert!(root().join(path).exists(), "there is no {path}");
    }
}
