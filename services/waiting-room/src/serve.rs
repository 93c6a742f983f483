use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_gate::Ways;
use sunbeon_store::is_up;
use utoipa_axum::router::OpenApiRouter;

use crate::WaitingRoom;

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    auth: settings::Auth,
    gate: sunbeon_gate::Settings,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("waiting-room")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let auth = process.auth(&settings.auth)?;
    let ways = Ways::new(&settings.gate).context("could not use SUNBEON__GATE__…")?;
    let service = WaitingRoom::new(store.clone(), settings.auth.passes()?);
    process.spawn("beat", service.clone().beat(process.shutdown()));
    let health = Health::new().check("store", move || is_up(store.clone()));
    let pages = OpenApiRouter::from(service.pages(&auth, ways));
    let routes = service.router(&auth).merge(pages);
    process.serve(routes, health, |_| ()).await
}
