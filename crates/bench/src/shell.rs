//! The shell alone: everything that a service does for a request, around the answer of the floors.

use std::process::ExitCode;

use axum::{Json, routing::get};
use serde::Deserialize;
use sunbeon_chassis::{Auth, Member, Process, http::Health, settings};
use utoipa_axum::router::OpenApiRouter;

use crate::floor::{self, Answer};

#[derive(Deserialize)]
struct Settings {
    auth: settings::Auth,
}

/// Serves like a service, with its settings from the environment, until it is told to stop.
pub(crate) async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("bench")?;
    let auth = process.auth(&settings.auth)?;
    process.serve(router(&auth), Health::new(), |_| ()).await
}

fn router(auth: &Auth) -> OpenApiRouter {
    let anyone = OpenApiRouter::new().route("/json", get(floor::json));
    let members = OpenApiRouter::new().route("/jwt", get(jwt));
    anyone
        .layer(auth.anyone())
        .merge(members.layer(auth.members()))
}

async fn jwt(_: Member) -> Json<Answer> {
    floor::json().await
}
