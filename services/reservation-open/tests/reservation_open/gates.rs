//! Shops' gates that are blind, as the console learns of them.

use std::time::Duration;

use serde_json::{Value, json};
use sunbeon_proto_messages::Event;
use sunbeon_test_support::{access::admin, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(blind_gates_are_counted_until_they_say_nothing_more,);

const SOON: Duration = Duration::from_secs(30);

async fn blind(app: &App) -> Value {
    let health = app.get("/admin/health", &admin()).await;
    health.body["blindGates"].clone()
}

async fn blind_gates_are_counted_until_they_say_nothing_more(app: App) {
    let none = json!({"open": 0, "closed": 0});
    assert_eq!(blind(&app).await, none);
    app.listen();
    let says = |instance: &str, open| {
        let instance = instance.to_owned();
        app.broker
            .publish_event(Event::GateBlind { instance, open });
    };
    eventually(SOON, "both gates are counted, each once", async || {
        says("a", true);
        says("a", true);
        says("b", false);
        blind(&app).await == json!({"open": 1, "closed": 1})
    })
    .await;
    eventually(SOON, "the silent one is forgotten", async || {
        says("b", true);
        blind(&app).await == json!({"open": 1, "closed": 0})
    })
    .await;
    eventually(SOON, "both see", async || blind(&app).await == none).await;
}
