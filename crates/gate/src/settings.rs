//! The settings of a gate.

use serde::Deserialize;
use sunbeon_client::SunbeonUrl;

/// The section `[gate]` of an origin's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address of Sunbeon's operators' door.
    pub sunbeon_url: SunbeonUrl,
    /// The `iss` of booking tokens.
    pub issuer: String,
    /// Whether visitors pass while Sunbeon cannot be reached. There is no default.
    pub on_failure: Option<OnFailure>,
    /// The waiting page; `{concertId}` is replaced by the concert.
    pub waiting_page: String,
    /// Where a member goes from the line who came without a way back; `{concertId}` is replaced by the
    /// concert.
    pub landing_page: String,
    /// The shop's login; `{target}` is replaced by the encoded address of the line, and `{concertId}` by
    /// the concert. Empty: the waiting page links to none.
    pub login_page: String,
    /// The hosts of this origin, such as `shop.example` or `127.0.0.1:8080`. Browsers are only sent
    /// back to these.
    pub own_hosts: Vec<String>,
}

/// Whether visitors pass while the gate cannot know who was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Everybody passes.
    Open,
    /// Nobody passes.
    Closed,
}

/// Why settings are invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// It must be set, because there is no default.
    #[error("gate.on_failure must be set: open or closed")]
    OnFailure,
    /// There is no page to redirect browsers to.
    #[error(
        "gate.waiting_page must be an http:// or https:// address, or a path that begins with /"
    )]
    WaitingPage,
    /// There is no page to send members to.
    #[error(
        "gate.landing_page must be an http:// or https:// address, or a path that begins with /"
    )]
    LandingPage,
    /// There is no page to log in at.
    #[error(
        "gate.login_page must be an http:// or https:// address, a path that begins with /, or empty"
    )]
    LoginPage,
    /// Hosts cannot contain a scheme, a path or a space.
    #[error("gate.own_hosts must be hosts such as shop.example or 127.0.0.1:8080")]
    OwnHosts,
    /// The system's certificates cannot be read.
    #[error("could not set up an HTTPS client for gate.sunbeon_url")]
    Client,
}
