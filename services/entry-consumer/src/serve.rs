use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health};
use sunbeon_store::is_up;
use utoipa_axum::router::OpenApiRouter;

use crate::EntryConsumer;

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("entry-consumer")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let broker = sunbeon_broker::open(settings.broker.shared()?, "entry-consumer")
        .context("could not open SUNBEON__BROKER__RABBITMQ__URL")?;
    let service = EntryConsumer::new(store.clone(), broker.clone());
    process.spawn("consume", service.run(process.shutdown()));
    let asked = broker.clone();
    let health = Health::new()
        .check("store", move || is_up(store.clone()))
        .check("broker", move || std::future::ready(asked.can_publish()));
    let code = process.serve(OpenApiRouter::new(), health, |_| ()).await;
    broker.close().await;
    code
}
