//! The settings, with all that one process can make by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, ensure};
use secrecy::SecretString;
use serde::Deserialize;
use sunbeon_chassis::settings;
use sunbeon_gate::{OnFailure, SunbeonUrl};
use uuid::Uuid;

use crate::options::Options;

/// Every section.
#[derive(Deserialize)]
pub(crate) struct Settings {
    pub(crate) http: settings::Http,
    pub(crate) store: sunbeon_store::Settings,
    pub(crate) broker: sunbeon_broker::Settings,
    pub(crate) database: settings::Database,
    pub(crate) auth: settings::Auth,
    pub(crate) limits: settings::Limits,
    pub(crate) booking_token: settings::BookingToken,
    pub(crate) gate: sunbeon_gate::Settings,
    pub(crate) booking: sunbeon_booking::Settings,
    pub(crate) telemetry: settings::Telemetry,
}

impl Settings {
    /// What the command line says goes before the settings; secrets that are not set are made, an
    /// access token's only where nobody but this machine gets in.
    pub(crate) fn load(options: &Options) -> anyhow::Result<Self> {
        let mut settings: Self = settings::load()?;
        settings.http.bind = options.bind.to_string();
        ensure!(
            options.bind.ip().is_loopback() || settings.auth.has_keys(),
            "on an address that is not loopback set SUNBEON__AUTH__HS256_SECRET, …JWKS_FILE or \
             …JWKS_URL"
        );
        let auth = &mut settings.auth;
        if !auth.has_keys() {
            auth.hs256_secret = Some(secret());
        }
        auth.guest_secret.get_or_insert_with(secret);
        auth.origin_token.get_or_insert_with(secret);
        settings.gate.on_failure.get_or_insert(OnFailure::Closed);
        if let Some(folder) = &options.data {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("could not make the folder {}", folder.display()))?;
            let file = |name: &str| format!("sqlite:{}", folder.join(name).display()).into();
            settings.database.url = file("sunbeon.sqlite");
            settings.booking.database_url = file("booking.sqlite");
        }
        Ok(settings)
    }

    /// The shop finds the rest of the process where it listens.
    pub(crate) fn at(&mut self, address: SocketAddr) {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let own = SocketAddr::new(ip, address.port());
        self.gate.sunbeon_url = SunbeonUrl::of(own);
        self.gate.issuer = self.booking_token.issuer.clone();
        if self.gate.own_hosts.is_empty() {
            let localhost = format!("localhost:{}", own.port());
            self.gate.own_hosts = vec![own.to_string(), localhost];
        }
    }
}

fn secret() -> SecretString {
    format!("{}{}", Uuid::new_v4(), Uuid::new_v4()).into()
}
