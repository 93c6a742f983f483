//! The section `[booking]`.

use secrecy::SecretString;
use serde::Deserialize;

use crate::payments;

/// Where bookings are kept, and who takes the money.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `sqlite:…` or `postgres://…`, a database of its own; may carry a password.
    pub database_url: SecretString,
    /// The payment provider.
    pub payments: payments::Settings,
}
