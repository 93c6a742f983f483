//! The section `[booking]`.

use secrecy::SecretString;
use serde::Deserialize;

use crate::payments;

/// The database of the bookings, and the payment provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A separate database, `sqlite:…` or `postgres://…`; may contain a password.
    pub database_url: SecretString,
    /// The payment provider.
    pub payments: payments::Settings,
}
