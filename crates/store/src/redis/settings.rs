//! Where Redis is.

use secrecy::SecretString;
use serde::Deserialize;

/// Where Redis is and how long it may take.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `redis://host`, `redis-sentinel://host,host/name` or `redis-cluster://host,host`; `rediss` for
    /// TLS.
    pub url: SecretString,
    /// Replicas that must have a write before it is answered; fewer within the time limit count
    /// as down. 0: do not wait.
    #[serde(default)]
    pub wait_replicas: u32,
    /// Limit of one verb in milliseconds, reconnecting included.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

fn default_timeout_ms() -> u64 {
    2_000
}
