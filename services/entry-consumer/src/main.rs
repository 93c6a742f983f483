//! The entry-consumer service.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_store::is_up;
use utoipa_axum::router::OpenApiRouter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
    limits: settings::Limits,
    telemetry: settings::Telemetry,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let settings: Settings = settings::load()?;
    ensure!(
        settings.store.is_shared(),
        "store.redis.url is not set: services share a Redis"
    );
    ensure!(
        settings.broker.is_shared(),
        "broker.rabbitmq.url is not set: services share a RabbitMQ"
    );
    let mut process = Process::start(
        "entry-consumer",
        settings.http,
        settings.limits,
        &settings.telemetry,
    )?;
    let store = sunbeon_store::open(&settings.store).context("could not open store.redis.url")?;
    let broker = sunbeon_broker::open(&settings.broker, "entry-consumer")
        .context("could not open broker.rabbitmq.url")?;
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
