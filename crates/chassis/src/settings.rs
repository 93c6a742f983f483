//! Settings: one small struct per section. `defaults.toml` is the manual and is compiled in.
//!
//! A service's own struct picks the sections it needs; a key that a section does not know is an
//! error, and so is a section that the manual does not know.

mod load;

use std::{collections::HashMap, net::IpAddr, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use ipnet::IpNet;
pub use load::{load, load_from};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use sunbeon_domain::Language;

/// The manual: every setting of every service with its default.
pub const DEFAULTS: &str = include_str!("../defaults.toml");

/// The HTTP server of a service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on.
    pub bind: String,
    /// Web origins that may call from a browser; `*` allows any.
    pub cors_origins: Vec<String>,
    /// How long running requests may take to finish once the port is closed.
    pub drain_seconds: u64,
    /// How long requests are still taken after the stop signal.
    pub drain_delay_ms: u64,
    /// The longest a handler may take.
    pub request_timeout_seconds: u64,
    /// The longest that the head of a request may take to arrive, and that a connection may be idle.
    pub header_timeout_seconds: u64,
    /// The language of messages where a request asks for none.
    pub default_language: Language,
}

impl Http {
    /// What [`crate::Lifecycle::run`] has to allow for a whole drain.
    pub fn drain_limit(&self) -> Duration {
        Duration::from_millis(self.drain_delay_ms) + Duration::from_secs(self.drain_seconds + 1)
    }
}

/// Where concerts and the audit are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:…` or `postgres://…`; may carry a password.
    pub url: SecretString,
}

/// The address of a database that replicas can share; `variable` is the setting that names it.
pub fn shared_database<'a>(url: &'a SecretString, variable: &str) -> anyhow::Result<&'a str> {
    let url = url.expose_secret();
    ensure!(
        !url.contains(":memory:"),
        "replicas share a database: set {variable}, for example {variable}=postgres://localhost/sunbeon"
    );
    Ok(url)
}

/// A setting that has no default.
pub fn required<T>(setting: Option<T>, variable: &str, example: &str) -> anyhow::Result<T> {
    setting
        .with_context(|| format!("{variable} is not set: set it, for example {variable}={example}"))
}

/// How access tokens are checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The shared secret of HS256 tokens, at least 32 bytes.
    pub hs256_secret: Option<SecretString>,
    /// The path of a JWKS, read at start.
    pub jwks_file: Option<PathBuf>,
    /// The address of a JWKS, fetched again and again.
    pub jwks_url: Option<String>,
    /// The one algorithm of tokens that the JWKS checks.
    pub algorithm: Algorithm,
    /// If set, `iss` is required and must be this. Required with a JWKS.
    pub issuer: Option<String>,
    /// If set, `aud` is required and must contain this. Required with a JWKS.
    pub audience: Option<String>,
    /// The claim that holds the member's id.
    pub member_claim: String,
    /// The claim that holds the name shown.
    pub name_claim: String,
    /// The claim that holds the role, a string or a list of strings.
    pub role_claim: String,
    /// The role of admins.
    pub admin_role: String,
    /// A bearer token for scripts on admin routes, at least 16 characters.
    pub admin_token: Option<SecretString>,
    /// A bearer token for a shop's back end on origins' routes, at least 16 characters.
    pub origin_token: Option<SecretString>,
    /// The secret of guest tokens, at least 32 bytes; without it there are no guests.
    pub guest_secret: Option<SecretString>,
}

impl Auth {
    /// Whether any keys to check access tokens with are named.
    pub fn has_keys(&self) -> bool {
        self.hs256_secret.is_some() || self.jwks_file.is_some() || self.jwks_url.is_some()
    }
}

/// How many requests are taken from one caller, a second unless it says otherwise, with bursts of as
/// many; 0 is no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// From one address, before its token is looked at.
    pub address_per_second: u32,
    /// From one address, of main pages.
    pub main_page_per_second: u32,
    /// From one member.
    pub member_per_second: u32,
    /// From one member, where a proxy asks for each of their requests.
    pub proxied_member_per_second: u32,
    /// New guests in an hour from one address; a burst may take them all at once.
    pub guests_per_hour: u32,
    /// Whether callers on loopback addresses are limited too.
    pub loopback: bool,
    /// Whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
}

/// An algorithm of access tokens that are checked by a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "each is the algorithm of that name")]
pub enum Algorithm {
    RS256,
    ES256,
    EdDSA,
}

/// How booking tokens are signed and checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingToken {
    /// PEM, PKCS#8 Ed25519; of several blocks the first signs, all are published.
    pub signing_key: Option<SecretString>,
    /// The `iss` of booking tokens.
    pub issuer: String,
}

/// Logs, traces and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Levels by target, as in `RUST_LOG`.
    pub log: String,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Where traces are sent (OTLP over gRPC); unset, they are not exported.
    pub otlp_endpoint: Option<String>,
    /// The share of traces begun here that is exported, 0 to 1.
    pub trace_ratio: f64,
}

impl Telemetry {
    /// Keeps the log to warnings, unless [`Telemetry::log`] was set to something of one's own.
    pub fn show_warnings_only(&mut self) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Defaults {
            telemetry: Telemetry,
        }
        let defaults: Defaults = load_from(HashMap::new())?;
        if self.log == defaults.telemetry.log {
            self.log = self.log.replacen("info", "warn", 1);
        }
        Ok(())
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Networks as `10.0.0.0/8`, or single addresses.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse()).map_err(|_| {
            de::Error::custom(format!(
                "{text:?} is neither an address nor a network such as 10.0.0.0/8"
            ))
        })
    };
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.into_iter().map(network).collect()
}
