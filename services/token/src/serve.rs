use std::process::ExitCode;

use anyhow::Context;
use secrecy::ExposeSecret;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_gate::Ways;
use sunbeon_store::is_up;
use sunbeon_tokens::SigningKeys;
use utoipa_axum::router::OpenApiRouter;

use crate::Token;

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    auth: settings::Auth,
    booking_token: settings::BookingToken,
    gate: sunbeon_gate::Settings,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("token")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let auth = process.auth(&settings.auth)?;
    let keys = signing_keys(&settings.booking_token)?;
    let ways = Ways::new(&settings.gate).context("could not use SUNBEON__GATE__…")?;
    let service = Token::new(store.clone(), keys, &settings.booking_token.issuer);
    process.spawn("beat", service.clone().beat(process.shutdown()));
    let health = Health::new().check("store", move || is_up(store.clone()));
    let forms = OpenApiRouter::from(service.forms(&auth, ways));
    let routes = service.router(&auth).merge(forms);
    process.serve(routes, health, |_| ()).await
}

fn signing_keys(settings: &settings::BookingToken) -> anyhow::Result<SigningKeys> {
    let pem = settings::required(
        settings.signing_key.as_ref(),
        "SUNBEON__BOOKING_TOKEN__SIGNING_KEY_FILE",
        "booking-token.pem (made by `sunbeon keys --file booking-token.pem add`)",
    )?;
    SigningKeys::from_pem(pem.expose_secret())
        .context("could not read SUNBEON__BOOKING_TOKEN__SIGNING_KEY")
}
