//! Rotating the signing key without anybody inside noticing.

use std::path::Path;

use sunbeon_system_tests::{SOON, Service, Stack, run_keys};
use tokio::{net::TcpListener, time::timeout};

use crate::world::{Sale, threshold};

/// Returns the ids of a file's keys; the first one signs.
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
async fn booking_token_keys_are_rotated_under_live_sessions() {
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
    // The gate has not seen the new key before: it fetches the keys, and lets both tokens in.
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
async fn a_token_service_without_a_key_refuses_to_start_and_says_why() {
    let stack = Stack::start().await;
    let plan = stack.plan(Service::Token);
    let plan = plan.without("SUNBEON__BOOKING_TOKEN__SIGNING_KEY");
    assert_eq!(plan.fails().await.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_fetches_the_logins_keys_at_start() {
    let stack = Stack::start().await;
    for service in [
        Service::WaitingRoom,
        Service::ReservationOpen,
        Service::Token,
        Service::Booking,
    ] {
        let login = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", login.local_addr().unwrap());
        let plan = stack.plan(service).without("SUNBEON__AUTH__HS256_SECRET");
        let plan = plan
            .with("SUNBEON__AUTH__JWKS_URL", url)
            .with("SUNBEON__AUTH__ALGORITHM", "EdDSA")
            .with("SUNBEON__AUTH__ISSUER", "login")
            .with("SUNBEON__AUTH__AUDIENCE", "sunbeon");
        let _replica = plan.start_alone().await;
        let asked = timeout(SOON, login.accept()).await;
        asked
            .unwrap_or_else(|_| panic!("{service:?} does not ask"))
            .unwrap();
    }
}
