//! The reservation-open service.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sunbeon_chassis::{Auth, Process, http::Health, settings};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::is_up;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
    database: settings::Database,
    auth: settings::Auth,
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
    let database = settings.database.url.expose_secret();
    ensure!(
        !database.contains(":memory:"),
        "database.url is not set: replicas share a database"
    );
    let mut process = Process::start(
        "reservation-open",
        settings.http,
        settings.limits.clone(),
        &settings.telemetry,
    )?;
    let store = sunbeon_store::open(&settings.store).context("could not open store.redis.url")?;
    let broker = sunbeon_broker::open(&settings.broker, "reservation-open")
        .context("could not open broker.rabbitmq.url")?;
    let registry = Registry::open(database).context("could not open database.url")?;
    let auth = Auth::new(&settings.auth, &settings.limits)
        .context("could not set up the check of tokens")?;
    process.spawn("keys", auth.clone().keep_fresh(process.shutdown()));
    let service = ReservationOpen::new(store.clone(), broker.clone(), registry.clone());
    process.spawn("project", service.clone().project(process.shutdown()));
    process.spawn("schedule", service.clone().schedule(process.shutdown()));
    process.spawn("resend", service.clone().resend(process.shutdown()));
    process.spawn("sweep", service.clone().sweep(process.shutdown()));
    let asked = broker.clone();
    let health = Health::new()
        .check("store", move || is_up(store.clone()))
        .check("broker", move || std::future::ready(asked.can_publish()))
        .check("database", move || registry.clone().is_up());
    service.await_broker().await;
    let code = process.serve(service.router(&auth), health, |_| ()).await;
    broker.close().await;
    code
}
