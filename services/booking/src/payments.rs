//! The payment port, with one implementation for demonstrations and one for a provider that is
//! reached by HTTP.

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
    /// The money is taken.
    Paid {
        /// The provider's id of the payment.
        payment_id: String,
    },
    /// No money was taken, and none will be by this key.
    Declined,
    /// The outcome is not known: send the same charge again, or have it voided.
    Unknown,
}

/// A refund. The same payment is refunded once, however often it is asked for.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// In won; the whole payment.
    pub amount: u64,
    /// The key of its charge.
    pub key: String,
}

/// Why a refund is not known to have been made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRefunded {
    /// The provider answered with an HTTP status other than 2xx.
    #[error("the payment provider answers a refund with {0}")]
    Refused(u16),
    /// No answer within the limit.
    #[error("the payment provider does not answer a refund")]
    Unanswered,
}

/// A payment provider.
#[async_trait]
pub trait PaymentPort: Send + Sync + 'static {
    /// Takes money, in won, once for a key.
    async fn charge(&self, charge: &Charge) -> Charged;

    /// Sees to it that the charge of this key takes no money from now on, whether or not the provider
    /// has heard of it; `Paid` if it has taken the money already, `Declined` if it never will.
    async fn void(&self, key: &str) -> Charged;

    /// Refunds a payment once; an error if that is not known to be done.
    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded>;
}

/// The setting `booking.payments`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// A fake one within the process.
    Fake,
    /// A provider that is reached by HTTP.
    Http(HttpSettings),
}

/// A provider, and how long to wait for it. A cheap handle.
#[derive(Clone)]
pub struct Payments {
    port: Arc<dyn PaymentPort>,
    limit: Duration,
}

impl Payments {
    /// Waits for a provider up to `limit`.
    pub fn new(port: Arc<dyn PaymentPort>, limit: Duration) -> Self {
        Self { port, limit }
    }

    /// Opens the provider that the settings name. A malformed address is an error.
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

    /// Voids a charge, as far as that is known within the limit.
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
