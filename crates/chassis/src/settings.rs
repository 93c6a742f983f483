//! Settings: one small struct per section. `defaults.toml` is the manual and is compiled in.
//!
//! Each service's own struct picks the sections it needs. Unknown keys in a section are errors, and
//! so are sections that the manual does not list. A section is named after the thing that it configures and always
//! written with its module: an [`Auth`](crate::Auth) is built from a [`settings::Auth`](Auth).

mod load;

use std::{collections::HashMap, net::IpAddr, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use ipnet::IpNet;
pub(crate) use load::load_both;
pub use load::{load, load_from};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use sunbeon_domain::Language;
use sunbeon_tokens::Passes;

/// The manual: every setting of every service, with its default.
pub const DEFAULTS: &str = include_str!("../defaults.toml");

/// Settings of a service's HTTP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address and port to listen on.
    pub bind: String,
    /// The web origins that may call the API from a browser; `*` allows any.
    pub cors_origins: Vec<String>,
    /// How long running requests may take to finish after the port closes.
    pub drain_seconds: u64,
    /// How long new requests are still accepted after the stop signal.
    pub drain_delay_ms: u64,
    /// The longest that a handler may take.
    pub request_timeout_seconds: u64,
    /// The longest that a request's headers may take to arrive, and that a connection may stay
    /// idle.
    pub header_timeout_seconds: u64,
    /// The language of messages if a request does not ask for one.
    pub default_language: Language,
}

impl Http {
    /// Returns how long [`crate::Lifecycle::run`] must allow for a whole drain.
    pub fn drain_limit(&self) -> Duration {
        Duration::from_millis(self.drain_delay_ms) + Duration::from_secs(self.drain_seconds + 1)
    }
}

/// Settings of the database with the concerts and the audit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:…` or `postgres://…`; may contain a password.
    pub url: SecretString,
}

/// Returns the address of a database that replicas can share; `variable` is the setting's name.
pub fn shared_database<'a>(url: &'a SecretString, variable: &str) -> anyhow::Result<&'a str> {
    let url = url.expose_secret();
    ensure!(
        !url.contains(":memory:"),
        "replicas share a database: set {variable}, for example {variable}=postgres://localhost/sunbeon"
    );
    Ok(url)
}

/// Returns a setting that has no default, or an error that says how to set it.
pub fn required<T>(setting: Option<T>, variable: &str, example: &str) -> anyhow::Result<T> {
    setting
        .with_context(|| format!("{variable} is not set: set it, for example {variable}={example}"))
}

/// Settings for checking access tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The shared secret of HS256 tokens, at least 32 bytes.
    pub hs256_secret: Option<SecretString>,
    /// The path of a JWKS, read at start.
    pub jwks_file: Option<PathBuf>,
    /// The URL of a JWKS, fetched periodically.
    pub jwks_url: Option<String>,
    /// The only algorithm accepted for tokens verified by the JWKS.
    pub algorithm: Algorithm,
    /// If set, tokens must have this `iss`. Required with a JWKS.
    pub issuer: Option<String>,
    /// If set, the `aud` of tokens must contain this. Required with a JWKS.
    pub audience: Option<String>,
    /// The claim with the member's id.
    pub member_claim: String,
    /// The claim with the display name.
    pub name_claim: String,
    /// The claim with the role, a string or a list of strings.
    pub role_claim: String,
    /// The role that makes an admin.
    pub admin_role: String,
    /// A bearer token for scripts on admin routes, at least 16 characters.
    pub admin_token: Option<SecretString>,
    /// A bearer token for a shop's back end on the routes for origins, at least 16 characters.
    pub origin_token: Option<SecretString>,
    /// The cookie in which the shop's login leaves the access token of a browser; empty for none.
    pub cookie: String,
    /// The secret that signs guest tokens, at least 32 bytes; without it there are no guests.
    pub guest_secret: Option<SecretString>,
    /// The secret that signs passes, at least 32 bytes; without it every poll asks the store.
    pub pass_secret: Option<SecretString>,
}

impl Auth {
    /// Returns the signer of passes; `None` without a secret.
    ///
    /// # Errors
    /// If the secret is too short.
    pub fn passes(&self) -> anyhow::Result<Option<Passes>> {
        let secret = self.pass_secret.as_ref();
        let passes = secret.map(|secret| Passes::new(secret.expose_secret().as_bytes()));
        passes.transpose().context("SUNBEON__AUTH__PASS_SECRET")
    }

    /// Returns whether any keys for access tokens are set.
    pub fn has_keys(&self) -> bool {
        self.hs256_secret.is_some() || self.jwks_file.is_some() || self.jwks_url.is_some()
    }
}

/// Limits on the requests of one caller, per second unless stated otherwise, with bursts of the
/// same size; 0 means no limit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Per address, counted before the token is checked.
    pub address_per_second: u32,
    /// Per address, for main pages.
    pub main_page_per_second: u32,
    /// Per member.
    pub member_per_second: u32,
    /// Per member, where a proxy asks about each of their requests.
    pub proxied_member_per_second: u32,
    /// New guests per address and hour; a burst may use them all at once.
    pub guests_per_hour: u32,
    /// Exits and completions in an hour by one member; a burst may take them all at once.
    pub endings_per_hour: u32,
    /// Whether callers on loopback addresses are limited too.
    pub loopback: bool,
    /// The proxies whose `X-Forwarded-For` is trusted.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
}

/// An algorithm for access tokens verified by a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "each variant is the algorithm of that name")]
pub enum Algorithm {
    RS256,
    ES256,
    EdDSA,
}

/// Settings for signing and verifying booking tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingToken {
    /// PEM with PKCS#8 Ed25519 keys; the first block signs, and all are published.
    pub signing_key: Option<SecretString>,
    /// The `iss` of booking tokens.
    pub issuer: String,
}

/// Settings for logs, traces and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Log levels by target, as in `RUST_LOG`.
    pub log: String,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// Where traces are sent (OTLP over HTTP); if unset, they are not exported.
    pub otlp_endpoint: Option<String>,
    /// The share of traces started here that is exported, from 0 to 1.
    pub trace_ratio: f64,
}

impl Telemetry {
    /// Limits the log to warnings, unless [`Telemetry::log`] differs from its default.
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

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Parses networks such as `10.0.0.0/8`, or single addresses.
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
