//! The booking service.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sunbeon_booking::{Parts, Shop};
use sunbeon_chassis::{Auth, Process, settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    broker: sunbeon_broker::Settings,
    auth: settings::Auth,
    limits: settings::Limits,
    gate: sunbeon_gate::Settings,
    booking: sunbeon_booking::Settings,
    telemetry: settings::Telemetry,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let settings: Settings = settings::load()?;
    ensure!(
        settings.broker.is_shared(),
        "broker.rabbitmq.url is not set: services share a RabbitMQ"
    );
    let database = settings.booking.database_url.expose_secret();
    ensure!(
        !database.contains(":memory:"),
        "booking.database_url is not set: replicas share a database"
    );
    let origin_token = settings
        .auth
        .origin_token
        .clone()
        .context("auth.origin_token is not set")?;
    let mut process = Process::start(
        "booking",
        settings.http,
        settings.limits.clone(),
        &settings.telemetry,
    )?;
    let broker = sunbeon_broker::open(&settings.broker, "booking")
        .context("could not open broker.rabbitmq.url")?;
    let auth = Auth::new(&settings.auth, &settings.limits)
        .context("could not set up the check of tokens")?;
    let parts = Parts::open(
        &settings.booking,
        &settings.gate,
        origin_token,
        broker.clone(),
    )?;
    let service = Shop::new(parts);
    process.spawn("keys", auth.clone().keep_fresh(process.shutdown()));
    process.spawn("booking", service.clone().run(process.shutdown()));
    let code = process
        .serve(service.router(&auth), service.health(), |_| ())
        .await;
    broker.close().await;
    code
}
