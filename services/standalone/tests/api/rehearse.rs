//! `sunbeon rehearse` on the whole system in one process.

use std::process::Output;

use serde_json::Value;
use sunbeon_test_support::access::{ADMIN_TOKEN, admin};

use crate::app::{App, bare};

/// Rehearses with a small crowd and these secrets; the exit code and the outcome.
async fn rehearse(app: &App, words: &[&str], secrets: &[(&str, &str)]) -> (i32, Value) {
    let mut command = bare();
    command.args(["rehearse", "--json", "--members", "4", "--url", app.url()]);
    command.args(words).envs(secrets.iter().copied());
    let run = tokio::task::spawn_blocking(move || command.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = run.expect("no panic").expect("it starts");
    let outcome = serde_json::from_slice(&stdout);
    let outcome =
        outcome.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr)));
    (status.code().expect("an exit code"), outcome)
}

fn failed(outcome: &Value) -> Vec<&str> {
    let checks = outcome["checks"].as_array().expect("checks").iter();
    let failed = checks.filter(|check| check["ok"] == false);
    failed
        .map(|check| check["name"].as_str().expect("a name"))
        .collect()
}

async fn concerts(app: &App) -> Value {
    app.get("/v2/admin/concerts", &admin()).await.data(200)["concerts"].clone()
}

#[tokio::test]
async fn a_sound_deployment_is_a_go_with_guests_and_nothing_is_left() {
    let app = App::embedded().await;
    app.create_by_hand("mine").await;
    let before = concerts(&app).await;
    let (code, outcome) = rehearse(&app, &[], &[("SUNBEON_ADMIN_TOKEN", ADMIN_TOKEN)]).await;
    assert_eq!((code, failed(&outcome)), (0, vec![]), "{outcome:#}");
    assert_eq!(outcome["go"], true);
    assert!(
        outcome["checks"].as_array().unwrap().len() > 20,
        "{outcome:#}"
    );
    assert_eq!(concerts(&app).await, before);
}

#[tokio::test]
async fn a_wrong_secret_and_a_gate_that_is_open_are_a_no_go() {
    let app = App::embedded().await;
    let before = concerts(&app).await;
    let (code, outcome) = rehearse(&app, &[], &[("SUNBEON_ADMIN_TOKEN", "wrong")]).await;
    assert_eq!(
        (code, failed(&outcome)),
        (1, vec!["a concert is created"]),
        "{outcome:#}"
    );
    let secrets = [("SUNBEON_ADMIN_TOKEN", ADMIN_TOKEN)];
    // A path that anybody may ask for.
    let (code, outcome) = rehearse(&app, &["--gated", "/v2/concerts"], &secrets).await;
    let open = [
        "the gate refuses without a token",
        "the gate refuses a token that was given back",
    ];
    assert_eq!((code, failed(&outcome)), (1, open.to_vec()), "{outcome:#}");
    assert_eq!(concerts(&app).await, before);
}
