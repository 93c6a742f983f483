//! Settings, completed with everything that one process can generate itself.

use std::{
    io::IsTerminal,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

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
    /// Loads the settings; the command line takes precedence.
    pub(crate) fn load(options: &Options) -> anyhow::Result<Self> {
        let mut settings: Self = settings::load()?;
        if let Some(bind) = &options.bind {
            settings.http.bind.clone_from(bind);
        }
        if std::io::stdout().is_terminal() && !options.verbose {
            settings.telemetry.show_warnings_only()?;
        }
        if let Some(folder) = &options.data {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("could not make the folder {}", folder.display()))?;
            let file = |name: &str| format!("sqlite:{}", folder.join(name).display()).into();
            settings.database.url = file("sunbeon.sqlite");
            settings.booking.database_url = file("booking.sqlite");
        }
        Ok(settings)
    }

    /// Generates the secrets that are not set, and returns whether that includes the secret for
    /// access tokens; if so, no real login uses it. It is generated only if nobody outside this
    /// machine can connect.
    pub(crate) fn make_secrets(&mut self, address: SocketAddr) -> anyhow::Result<bool> {
        let auth = &mut self.auth;
        let own_login = !auth.has_keys();
        if own_login {
            ensure!(
                address.ip().is_loopback(),
                "{address} is open to other machines, so the login's keys must be set: \
                 SUNBEON__AUTH__HS256_SECRET, SUNBEON__AUTH__JWKS_FILE or SUNBEON__AUTH__JWKS_URL, \
                 for example SUNBEON__AUTH__HS256_SECRET=$(openssl rand -hex 32)"
            );
            auth.hs256_secret = Some(secret());
        }
        auth.guest_secret.get_or_insert_with(secret);
        auth.pass_secret.get_or_insert_with(secret);
        auth.origin_token.get_or_insert_with(secret);
        self.gate.on_failure.get_or_insert(OnFailure::Closed);
        Ok(own_login)
    }

    /// Points the shop at the address of this process, and the waiting page of the demo at its login.
    pub(crate) fn at(&mut self, address: SocketAddr, demo: bool) {
        let own = reachable(address);
        self.gate.sunbeon_url = SunbeonUrl::of(own);
        self.gate.issuer = self.booking_token.issuer.clone();
        if demo && self.gate.login_page.is_empty() {
            self.gate.login_page = "/dev/session".to_owned();
        }
        if self.gate.own_hosts.is_empty() {
            let localhost = format!("localhost:{}", own.port());
            self.gate.own_hosts = vec![own.to_string(), localhost];
        }
    }
}

/// Returns where a socket with this address is reached from its own machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn secret() -> SecretString {
    format!("{}{}", Uuid::new_v4(), Uuid::new_v4()).into()
}
