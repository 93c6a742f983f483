//! The documents agree with the code: routes, fields, scripts, links.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::documents::document;

/// Routes that belong to no single service: added to every service, or to the standalone.
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

/// Every document in docs, by its path there.
fn in_docs() -> Vec<String> {
    let gate = names_in("docs/gate").into_iter();
    let names = names_in("docs").into_iter();
    names
        .chain(gate.map(|name| format!("gate/{name}")))
        .filter(|name| name.ends_with(".md"))
        .collect()
}

/// Returns README.md and every document in docs, by name.
fn documents() -> Vec<(String, String)> {
    let docs = in_docs().into_iter().map(|name| format!("docs/{name}"));
    let names = std::iter::once("README.md".to_owned()).chain(docs);
    names.map(|name| (name.clone(), read(&name))).collect()
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder exists");
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(name).collect()
}

/// Returns every route as `GET /v2/…`.
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
    let mut routes = routes(&document(""));
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
    let (manual, document) = (read("docs/api.md"), document(""));
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

/// Two schemas with the same name would collapse into one in the document, and one of them would be
/// wrong.
#[test]
fn no_two_schemas_have_the_same_name() {
    let sources = sources_below(&root().join("crates")) + &sources_below(&root().join("services"));
    let (mut names, mut derives) = (BTreeSet::new(), false);
    for line in sources.lines().map(str::trim) {
        derives &= !line.starts_with("#[derive(");
        derives |= line.contains("ToSchema") && !line.starts_with("use ");
        let declared = ["struct ", "enum "].iter().find_map(|word| {
            let declaration = line.strip_prefix("pub(crate) ").unwrap_or(line);
            let declaration = declaration.strip_prefix("pub ").unwrap_or(declaration);
            declaration.strip_prefix(word)
        });
        if let Some(rest) = declared {
            let name = rest.split(|c: char| !c.is_alphanumeric()).next();
            let name = name.unwrap_or_default().to_owned();
            // A macro generates many names.
            let new = name.is_empty() || !derives || names.insert(name.clone());
            assert!(new, "two schemas {name}");
            derives = false;
        }
    }
    assert!(names.len() > 40, "{names:?}");
}

#[test]
fn every_script_is_documented() {
    let documents = documents();
    // Python leaves its cache folder there.
    for script in names_in("scripts")
        .iter()
        .filter(|name| *name != "__pycache__")
    {
        let name = format!("scripts/{script}");
        let said = documents.iter().any(|(_, text)| text.contains(&name));
        assert!(said, "{name} is in no document");
    }
}

#[test]
fn every_document_is_in_the_index() {
    let index = read("docs/README.md");
    for name in in_docs().iter().filter(|name| *name != "README.md") {
        assert!(
            index.contains(&format!("]({name})")),
            "docs/README.md lacks {name}"
        );
    }
}

#[test]
fn every_picture_is_shown() {
    let shown = read("docs/pictures/README.md");
    for name in names_in("docs/pictures") {
        let said = name == "README.md" || shown.contains(&format!("\"{name}\""));
        assert!(said, "docs/pictures/README.md does not show {name}");
    }
}

/// Returns a heading's anchor, as GitHub generates it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns every Markdown file of the repository, by its path there.
fn markdown_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in names_in(folder) {
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules";
        if is_ours && root().join(&path).is_dir() {
            found.extend(markdown_below(&path));
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    found
}

#[test]
fn links_between_the_documents_are_not_broken() {
    for name in markdown_below("") {
        let text = read(&name);
        let folder = root().join(&name).parent().unwrap().to_owned();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let pictures = text
            .split("src=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for link in links.chain(pictures) {
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

/// Returns all Rust code below a folder.
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
fn the_tests_that_the_documents_name_exist() {
    let architecture = read("docs/architecture.md");
    let promises = architecture.split("## Promises").nth(1).unwrap();
    let sources = sources_below(&root().join("crates")) + &sources_below(&root().join("services"));
    for text in [promises, &read("docs/security.md")] {
        let quoted: Vec<_> = text.split('`').skip(1).step_by(2).collect();
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
}
