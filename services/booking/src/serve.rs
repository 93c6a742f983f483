use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, settings};

use crate::{Parts, Shop};

#[derive(Deserialize)]
struct Settings {
    broker: sunbeon_broker::Settings,
    auth: settings::Auth,
    gate: sunbeon_gate::Settings,
    booking: crate::Settings,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("booking")?;
    let shared_broker = settings.broker.shared()?;
    let database = &settings.booking.database_url;
    settings::shared_database(database, "SUNBEON__BOOKING__DATABASE_URL")?;
    let origin_token = settings::required(
        settings.auth.origin_token.clone(),
        "SUNBEON__AUTH__ORIGIN_TOKEN_FILE",
        "/run/secrets/origin-token",
    )?;
    let auth = process.auth(&settings.auth)?;
    let broker = sunbeon_broker::open(shared_broker, "booking")
        .context("could not open SUNBEON__BROKER__RABBITMQ__URL")?;
    let parts = Parts::open(
        &settings.booking,
        &settings.gate,
        origin_token,
        broker.clone(),
    )?;
    let stock = parts.stock.clone();
    let service = Shop::new(parts);
    process.spawn("booking", service.clone().run(process.shutdown()));
    stock.migrated().await;
    let routes = service.router(&auth).merge(service.pages(&auth).into());
    let code = process.serve(routes, service.health(), |_| ()).await;
    broker.close().await;
    stock.close().await;
    code
}
