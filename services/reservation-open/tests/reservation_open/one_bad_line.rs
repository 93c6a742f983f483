//! A line that is broken in the store does not stop the others.

use std::{process::Command, time::Duration};

use serde_json::json;
use sunbeon_domain::ConcertId;
use sunbeon_store::StoreError;
use sunbeon_test_support::eventually;

use crate::app::App;

#[tokio::test]
async fn a_broken_line_does_not_stop_the_others() {
    let app = App::real().await;
    for concert in ["a-bad-one", "good"] {
        app.stage.create(concert, json!({})).await;
    }
    let redis = app.stage.redis.as_ref().expect("a real Redis");
    let mut poison = Command::new("redis-cli");
    poison.args(["-p", &redis.port().to_string()]);
    poison.args(["SET", "{concert:a-bad-one}:admitting", "poison"]);
    assert!(poison.status().unwrap().success());
    let bad = ConcertId::parse("a-bad-one").unwrap();
    let broken = app.stage.store.snapshot(&bad).await;
    assert!(matches!(broken, Err(StoreError::Bug(_))));
    app.stage.enter("good", "m").await;

    app.tick();
    let taken = async || app.stage.snapshot("good").await.counts.admitting == 1;
    let soon = Duration::from_secs(20);
    eventually(soon, "a scheduled take of the good line", taken).await;
}
