use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_store::is_up;

use crate::{Registry, ReservationOpen};

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
    database: settings::Database,
    auth: settings::Auth,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("reservation-open")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let shared_broker = settings.broker.shared()?;
    let database = settings::shared_database(&settings.database.url, "SUNBEON__DATABASE__URL")?;
    let registry = Registry::open(database).context("could not open SUNBEON__DATABASE__URL")?;
    let auth = process.auth(&settings.auth)?;
    let broker = sunbeon_broker::open(shared_broker, "reservation-open")
        .context("could not open SUNBEON__BROKER__RABBITMQ__URL")?;
    let service = ReservationOpen::new(store.clone(), broker.clone(), registry.clone());
    process.spawn("project", service.clone().project(process.shutdown()));
    process.spawn("tick", service.clone().tick(process.shutdown()));
    process.spawn("listen", service.clone().listen(process.shutdown()));
    let asked = broker.clone();
    let health = Health::new()
        .check("store", move || is_up(store.clone()))
        .check("broker", move || std::future::ready(asked.can_publish()))
        .check("database", {
            let registry = registry.clone();
            move || registry.clone().is_up()
        });
    tokio::join!(service.await_broker(), registry.migrated());
    let routes = service.router(&auth).merge(service.pages(&auth).into());
    let code = process.serve(routes, health, |_| ()).await;
    broker.close().await;
    registry.close().await;
    code
}
