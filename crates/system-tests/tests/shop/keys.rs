//! Another key signs, and nobody inside notices.

use std::path::Path;

use sunbeon_system_tests::{Service, Stack, run_keys};

use crate::world::{Sale, threshold};

/// The ids of a file's keys; the first one signs.
fn listed(file: &Path) -> Vec<String> {
    let said = run_keys(file, &["list"]);
    let kid = |line: &str| {
        line.split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    said.lines().map(kid).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_booking_tokens_are_replaced_under_live_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    run_keys(&file, &["add"]);
    let path = file.display().to_string();
    let mut sale = Sale::open_with(|plan| {
        plan.without("SUNBEON__BOOKING_TOKEN__SIGNING_KEY")
            .with("SUNBEON__BOOKING_TOKEN__SIGNING_KEY_FILE", path.clone())
    })
    .await;
    sale.sell("rock", threshold(10), 5).await;
    let old = sale.admit("rock", "old").await;
    sale.gate_sees("rock", "old", &old).await;

    run_keys(&file, &["add"]);
    restart(&mut sale).await;
    assert_eq!(sale.claim("rock", "old").await, old, "the first key signs");

    let kids = listed(&file);
    run_keys(&file, &["activate", &kids[1]]);
    restart(&mut sale).await;
    assert_eq!(
        sale.claim("rock", "old").await,
        old,
        "a session keeps its token"
    );
    let new = sale.admit("rock", "new").await;
    assert_ne!(old.split('.').next(), new.split('.').next(), "another key");
    // The gate has not seen the new key before: it asks for it, and lets both in.
    sale.gate_sees("rock", "new", &new).await;
    let _ = sale.api.seats("rock", "old", &old).await.of(200);

    let _ = sale.api.exit("rock", "old").await.of(200);
    run_keys(&file, &["retire", &kids[0]]);
    restart(&mut sale).await;
    assert_eq!(sale.claim("rock", "new").await, new);
    sale.gate_sees("rock", "new", &new).await;
    assert_eq!(listed(&file), kids[1..]);
}

async fn restart(sale: &mut Sale) {
    sale.token.end().await;
    sale.token.start_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_service_without_its_key_says_so() {
    let stack = Stack::start().await;
    let plan = stack.plan(Service::Token);
    let plan = plan.without("SUNBEON__BOOKING_TOKEN__SIGNING_KEY");
    assert_eq!(plan.fails().await.code(), Some(1));
}
