use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_store::is_up;

use crate::WaitingRoom;

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    auth: settings::Auth,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("waiting-room")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let auth = process.auth(&settings.auth)?;
    let service = WaitingRoom::new(store.clone(), settings.auth.passes()?);
    process.spawn("beat", service.clone().beat(process.shutdown()));
    let health = Health::new().check("store", move || is_up(store.clone()));
    process.serve(service.router(&auth), health, |_| ()).await
}
