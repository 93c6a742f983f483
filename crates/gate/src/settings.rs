//! The settings of a gate.

use serde::Deserialize;
use sunbeon_client::SunbeonUrl;

use crate::target;

/// The section `[gate]` of an origin's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Sunbeon answers: its front door.
    pub sunbeon_url: SunbeonUrl,
    /// The `iss` of booking tokens.
    pub issuer: String,
    /// Whether visitors pass while Sunbeon cannot be asked. There is no default.
    pub on_failure: Option<OnFailure>,
    /// The waiting page; `{concertId}` stands for the concert.
    pub waiting_page: String,
    /// Hosts of this origin, as `shop.example` or `127.0.0.1:8080`: browsers are sent back only to
    /// these.
    pub own_hosts: Vec<String>,
}

/// Whether visitors pass while a gate cannot know who was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Everybody passes.
    Open,
    /// Nobody passes.
    Closed,
}

/// Why settings make no gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// There is no default.
    #[error("gate.on_failure must be set: open or closed")]
    OnFailure,
    /// Nothing to redirect a browser to.
    #[error(
        "gate.waiting_page must be an http:// or https:// address, or a path that begins with /"
    )]
    WaitingPage,
    /// No request has a host with a scheme, a path or a space in it.
    #[error("gate.own_hosts must be hosts, as shop.example or 127.0.0.1:8080")]
    OwnHosts,
    /// The system's certificates cannot be read.
    #[error("no HTTPS client can be set up for gate.sunbeon_url")]
    Client,
}

impl Settings {
    pub(crate) fn on_failure(&self) -> Result<OnFailure, InvalidSettings> {
        if !target::is_address(&self.waiting_page.replace("{concertId}", "x")) {
            return Err(InvalidSettings::WaitingPage);
        }
        if !self.own_hosts.iter().all(|host| target::is_host(host)) {
            return Err(InvalidSettings::OwnHosts);
        }
        self.on_failure.ok_or(InvalidSettings::OnFailure)
    }
}
