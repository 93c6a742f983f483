//! The verifiers of `docs/gate` in other languages, checked with the test vectors.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const GSON: &str = "/usr/share/java/gson.jar";

fn printed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/gate")
        .join(name)
}

fn check(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/verifiers")
        .join(name)
}

/// Runs a command and returns its output.
fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let command = Command::new(program).args(arguments).output();
    let output = command.unwrap_or_else(|error| panic!("{error}: is {program} installed?"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the expected results: by name, whether the token is valid.
fn expected() -> BTreeMap<String, bool> {
    let file = std::fs::read_to_string(printed("token-vectors.json")).unwrap();
    let all: Value = serde_json::from_str(&file).unwrap();
    let vectors = all["vectors"].as_array().unwrap().iter();
    let pairs = vectors.map(|vector| {
        let name = vector["name"].as_str().unwrap().to_owned();
        (name, vector["valid"].as_bool().unwrap())
    });
    pairs.collect()
}

/// Asserts that a verifier agrees with every vector and accepts no revoked token. `ask` runs it
/// with one more argument and returns a line `name TAB true` for each.
fn agrees(ask: impl Fn(&str) -> String) {
    let read = |printed: String| -> BTreeMap<String, bool> {
        let lines = printed.lines().map(|line| line.split_once('\t').unwrap());
        lines
            .map(|(name, good)| (name.to_owned(), good.parse().unwrap()))
            .collect()
    };
    assert_eq!(read(ask("none")), expected());
    assert!(read(ask("all")).into_values().all(|good| !good));
}

#[test]
fn the_verifier_in_php_agrees_with_every_vector() {
    let (check, verifier) = (check("check.php"), printed("verify.php"));
    let vectors = printed("token-vectors.json");
    agrees(|revoked| run("php", &[&check, &verifier, &vectors, &revoked]));
}

#[test]
fn the_verifier_in_javascript_agrees_with_every_vector() {
    let (check, verifier) = (check("check.mjs"), printed("verify.mjs"));
    let vectors = printed("token-vectors.json");
    agrees(|revoked| run("node", &[&check, &verifier, &vectors, &revoked]));
}

#[test]
fn the_verifier_in_java_agrees_with_every_vector() {
    let classes = tempfile::tempdir().unwrap();
    let (check, verifier) = (check("Check.java"), printed("Verify.java"));
    let vectors = printed("token-vectors.json");
    let folder = classes.path();
    let _ = run("javac", &[&"-cp", &GSON, &"-d", &folder, &verifier, &check]);
    let path = format!("{}:{GSON}", folder.display());
    agrees(|revoked| run("java", &[&"-cp", &path, &"Check", &vectors, &revoked]));
}
