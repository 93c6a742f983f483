//! The token service.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sunbeon_chassis::{Auth, Process, http::Health, settings};
use sunbeon_store::is_up;
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    store: sunbeon_store::Settings,
    auth: settings::Auth,
    limits: settings::Limits,
    booking_token: settings::BookingToken,
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
        "token",
        settings.http,
        settings.limits.clone(),
        &settings.telemetry,
    )?;
    let store = sunbeon_store::open(&settings.store).context("could not open store.redis.url")?;
    let auth = Auth::new(&settings.auth, &settings.limits)
        .context("could not set up the check of tokens")?;
    process.spawn("keys", auth.clone().keep_fresh(process.shutdown()));
    let pem = settings
        .booking_token
        .signing_key
        .context("booking_token.signing_key is not set")?;
    let keys = SigningKeys::from_pem(pem.expose_secret())
        .context("could not read booking_token.signing_key")?;
    let service = Token::new(store.clone(), keys, &settings.booking_token.issuer);
    let health = Health::new().check("store", move || is_up(store.clone()));
    process.serve(service.router(&auth), health, |_| ()).await
}
