use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;
use sunbeon_chassis::{Process, http::Health, settings};
use sunbeon_client::SunbeonUrl;
use sunbeon_store::is_up;

use crate::Realtime;

#[derive(Deserialize)]
struct Settings {
    store: sunbeon_store::Settings,
    broker: sunbeon_broker::Settings,
    auth: settings::Auth,
    realtime: OwnSettings,
}

/// The section `[realtime]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnSettings {
    /// The shop that knows which seats members hold.
    shop_url: Option<SunbeonUrl>,
}

/// Runs the service with settings from the environment, until the process is told to stop.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let (mut process, settings): (Process, Settings) = Process::load("realtime")?;
    let store = sunbeon_store::open(settings.store.shared()?)
        .context("could not open SUNBEON__STORE__REDIS__URL")?;
    let broker = sunbeon_broker::open(settings.broker.shared()?, "realtime")
        .context("could not open SUNBEON__BROKER__RABBITMQ__URL")?;
    let auth = process.auth(&settings.auth)?;
    let passes = settings.auth.passes()?;
    let mut service = Realtime::new(store.clone(), broker.clone(), passes);
    if let Some(url) = &settings.realtime.shop_url {
        let shop = "could not set up the client for SUNBEON__REALTIME__SHOP_URL";
        service = service.with_shop(url).context(shop)?;
    }
    process.spawn("tell", service.clone().tell(process.shutdown()));
    process.spawn("listen", service.clone().listen(process.shutdown()));
    process.spawn("close", service.clone().close(process.shutdown()));
    let asked = broker.clone();
    let health = Health::new()
        .check("store", move || is_up(store.clone()))
        .check("broker", move || std::future::ready(asked.can_publish()));
    let code = process.serve(service.router(&auth), health, |_| ()).await;
    broker.close().await;
    code
}
