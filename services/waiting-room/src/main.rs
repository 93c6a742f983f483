//! The waiting-room service.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use serde::Deserialize;
use sunbeon_chassis::{Auth, Process, http::Health, settings};
use sunbeon_store::is_up;
use sunbeon_waiting_room::WaitingRoom;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    store: sunbeon_store::Settings,
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
    let mut process = Process::start(
        "waiting-room",
        settings.http,
        settings.limits.clone(),
        &settings.telemetry,
    )?;
    let store = sunbeon_store::open(&settings.store).context("could not open store.redis.url")?;
    let auth = Auth::new(&settings.auth, &settings.limits)
        .context("could not set up the check of tokens")?;
    process.spawn("keys", auth.clone().keep_fresh(process.shutdown()));
    let service = WaitingRoom::new(store.clone());
    process.spawn("beat", service.clone().beat(process.shutdown()));
    let health = Health::new().check("store", move || is_up(store.clone()));
    process.serve(service.router(&auth), health, |_| ()).await
}
