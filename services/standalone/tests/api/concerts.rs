//! The public list of concerts.

use std::time::Duration;

use serde_json::{Value, json};
use sunbeon_test_support::{access::admin, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(the_public_list_follows_each_change);

/// Returns the concert in the public list.
async fn listed(app: &App, id: &str) -> Option<Value> {
    let list = app.get("/v2/concerts?limit=1000", "").await;
    let concerts = list.data(200)["concerts"].as_array().expect("a list");
    let mut concerts = concerts.iter();
    concerts.find(|concert| concert["concertId"] == id).cloned()
}

async fn the_public_list_follows_each_change(app: App) {
    // The shop keeps the list for five minutes unless it learns of a change.
    let shows = async |what: &str, id: &str, is_so: fn(Option<Value>) -> bool| {
        let limit = Duration::from_secs(60);
        eventually(limit, what, async || is_so(listed(&app, id).await)).await;
    };
    app.create("c", json!({})).await;
    shows("a new one", "c", |it| it.is_some()).await;
    app.patch("c", 1, &json!({"title": "새 제목"}))
        .await
        .data(200);
    shows("a new title", "c", |it| {
        it.is_some_and(|it| it["title"] == "새 제목")
    })
    .await;
    app.create("d", json!({})).await;
    shows("another", "d", |it| it.is_some()).await;
    app.act("c", "close").await.data(200);
    shows("a closed one", "c", |it| {
        it.is_some_and(|it| it["closed"] == true)
    })
    .await;
    app.delete("/v2/admin/concerts/c", &admin()).await.data(200);
    shows("one less", "c", |it| it.is_none()).await;
}
