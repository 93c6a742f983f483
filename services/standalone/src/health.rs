//! `sunbeon health`: whether a process of Sunbeon is ready, for the health check of an image that has no shell.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use clap::Args;
use reqwest::Client;
use serde::Deserialize;
use sunbeon_chassis::settings;
use sunbeon_client::SunbeonUrl;

use crate::settings::reachable;

/// How long the process may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

/// Ask a process's /ready, and fail unless it is ready: for a container's health check.
#[derive(Args)]
pub(crate) struct Health {
    /// The address to ask [default: where SUNBEON__HTTP__BIND listens]
    #[arg(value_name = "URL", value_parser = SunbeonUrl::parse)]
    url: Option<SunbeonUrl>,
}

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
}

impl Health {
    /// Asks once and prints one line. The exit code is 1 unless the process is ready.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let url = match self.url {
            Some(url) => url,
            None => configured()?,
        };
        ask(&url).await?;
        println!("ready");
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns where the process with these settings is reached from its own machine.
fn configured() -> anyhow::Result<SunbeonUrl> {
    let bind = settings::load::<Settings>()?.http.bind;
    let url = match bind.parse() {
        Ok(address) => return Ok(SunbeonUrl::of(reachable(address))),
        Err(_) => format!("http://{bind}"),
    };
    SunbeonUrl::parse(&url).with_context(|| format!("SUNBEON__HTTP__BIND={bind}"))
}

async fn ask(url: &SunbeonUrl) -> anyhow::Result<()> {
    let url = url.at("/ready");
    let http = Client::builder().no_proxy().timeout(LIMIT).build()?;
    let answer = http.get(url.clone()).send().await;
    let answer = answer
        .map_err(reqwest::Error::without_url)
        .with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    ensure!(status.is_success(), "{url} answers {status}");
    Ok(())
}
