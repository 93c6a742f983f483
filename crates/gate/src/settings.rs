//! The settings of a gate.

use std::net::SocketAddr;

use reqwest::Url;
use serde::Deserialize;
use sunbeon_jwks::http_url;

use crate::target;

/// The section `[gate]` of an origin's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Sunbeon answers: its front door.
    pub sunbeon_url: SunbeonUrl,
    /// The `iss` of booking tokens.
    pub issuer: String,
    /// What to do while Sunbeon cannot be asked. There is no default.
    pub on_failure: Option<OnFailure>,
    /// The waiting page; `{concertId}` stands for the concert.
    pub waiting_page: String,
    /// Hosts of this origin, as `shop.example` or `127.0.0.1:8080`: browsers are sent back only to
    /// these.
    pub own_hosts: Vec<String>,
}

/// The address of Sunbeon's front door, as `https://queue.example`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SunbeonUrl(Url);

impl SunbeonUrl {
    /// Accepts an `http://` or `https://` address without a query.
    pub fn parse(text: &str) -> Result<Self, InvalidSettings> {
        let url = http_url(text).map_err(|_| InvalidSettings::SunbeonUrl)?;
        let plain = url.query().is_none() && url.fragment().is_none();
        plain
            .then_some(Self(url))
            .ok_or(InvalidSettings::SunbeonUrl)
    }

    /// Returns the address of a Sunbeon that listens at a socket of this machine.
    pub fn of(socket: SocketAddr) -> Self {
        let url = Url::parse(&format!("http://{socket}"));
        Self(url.expect("an IP address and a port are an address"))
    }

    /// Returns the address of a path of the API, which begins with `/`.
    pub fn at(&self, path: &str) -> Url {
        let base = self.0.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).expect("a path behind an address is an address")
    }

    /// Returns whether the way there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl TryFrom<String> for SunbeonUrl {
    type Error = InvalidSettings;

    fn try_from(text: String) -> Result<Self, InvalidSettings> {
        Self::parse(&text)
    }
}

/// What a gate does while it cannot know who was admitted.
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
    /// Not `http://` or `https://`, or with a query.
    #[error("gate.sunbeon_url must be an http:// or https:// address")]
    SunbeonUrl,
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
