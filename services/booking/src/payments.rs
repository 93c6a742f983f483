//! The payment port, with one implementation for demonstrations and one for a provider over HTTP.

mod fake;
mod http;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;

pub use self::{
    fake::FakePayments,
    http::{HttpPayments, InvalidProvider, Settings as HttpSettings},
};
use crate::stock::Charge;

/// The outcome of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// The charge went through.
    Paid {
        /// The provider's id of the payment.
        payment_id: String,
    },
    /// Nothing was charged, and nothing will be under this key.
    Declined,
    /// The outcome is unknown: send the same charge again, or have it voided.
    Unknown,
}

/// A refund. A payment is refunded once, however often this is requested.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// The amount in won; always the whole payment.
    pub amount: u64,
    /// The key of the charge.
    pub key: String,
}

/// Why a refund may not have been made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRefunded {
    /// The provider answered with an HTTP status other than 2xx.
    #[error("the payment provider answered a refund with {0}")]
    Refused(u16),
    /// No answer arrived within the limit.
    #[error("the payment provider did not answer a refund")]
    Unanswered,
}

/// A payment provider.
#[async_trait]
pub trait PaymentPort: Send + Sync + 'static {
    /// Charges an amount in won, once per key.
    async fn charge(&self, charge: &Charge) -> Charged;

    /// Makes sure that the charge with this key takes no money from now on, even if the provider
    /// has never seen it. Returns `Paid` if the money was already taken, and `Declined` if it never
    /// will be.
    async fn void(&self, key: &str) -> Charged;

    /// Refunds a payment once. An error means that this may not have happened.
    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded>;
}

/// The setting `booking.payments`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// A fake provider within the process.
    Fake,
    /// A provider over HTTP.
    Http(HttpSettings),
}

/// A provider with a time limit. A cheap handle.
#[derive(Clone)]
pub struct Payments {
    port: Arc<dyn PaymentPort>,
    limit: Duration,
}

impl Payments {
    /// Creates payments that wait for a provider up to `limit`.
    pub fn new(port: Arc<dyn PaymentPort>, limit: Duration) -> Self {
        Self { port, limit }
    }

    /// Opens the provider in the settings. A malformed address is an error.
    pub fn open(settings: &Settings) -> Result<Self, InvalidProvider> {
        const LIMIT: Duration = Duration::from_secs(10);
        Ok(match settings {
            Settings::Fake => Self::new(Arc::new(FakePayments::default()), LIMIT),
            Settings::Http(settings) => {
                let port = HttpPayments::new(settings)?;
                Self::new(Arc::new(port), Duration::from_millis(settings.timeout_ms))
            }
        })
    }

    /// Returns the outcome of a charge, as far as it is known within the limit.
    pub(crate) async fn charge(&self, charge: &Charge) -> Charged {
        let charged = tokio::time::timeout(self.limit, self.port.charge(charge)).await;
        charged.unwrap_or(Charged::Unknown)
    }

    /// Voids a charge, and returns the outcome as far as it is known within the limit.
    pub(crate) async fn void(&self, key: &str) -> Charged {
        let voided = tokio::time::timeout(self.limit, self.port.void(key)).await;
        voided.unwrap_or(Charged::Unknown)
    }

    /// Refunds a payment within the limit.
    pub(crate) async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded> {
        let refunded = tokio::time::timeout(self.limit, self.port.refund(refund)).await;
        refunded.unwrap_or(Err(NotRefunded::Unanswered))
    }
}
