//! Who takes the money: a port with one implementation for demonstrations and one for a provider
//! that is reached by HTTP.

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

/// What came of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// The money is taken.
    Paid {
        /// The provider's id of the payment.
        payment_id: String,
    },
    /// No money was taken, and none will be by this key.
    Declined,
    /// Nobody knows: send the same charge again.
    Unknown,
}

/// What gives money back. The same payment is refunded once, however often it is asked.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// In won; the whole payment.
    pub amount: u64,
    /// That of its charge.
    pub key: String,
}

/// Why it is not known that money was given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRefunded {
    /// It answered another HTTP status than 2xx.
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

    /// Gives money back, once for a payment; an error where that is not known to be done.
    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded>;
}

/// The setting `booking.payments`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// Within the process.
    Fake,
    /// A provider by HTTP.
    Http(HttpSettings),
}

/// A provider, and how long it is waited for. A cheap handle.
#[derive(Clone)]
pub struct Payments {
    port: Arc<dyn PaymentPort>,
    limit: Duration,
}

impl Payments {
    /// A provider that is waited for so long.
    pub fn new(port: Arc<dyn PaymentPort>, limit: Duration) -> Self {
        Self { port, limit }
    }

    /// As the settings say; a provider's address that is none is an error.
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

    /// What came of the charge, as far as it is known within the limit.
    pub(crate) async fn charge(&self, charge: &Charge) -> Charged {
        let charged = tokio::time::timeout(self.limit, self.port.charge(charge)).await;
        charged.unwrap_or(Charged::Unknown)
    }

    /// As the provider, within the limit.
    pub(crate) async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded> {
        let refunded = tokio::time::timeout(self.limit, self.port.refund(refund)).await;
        refunded.unwrap_or(Err(NotRefunded::Unanswered))
    }
}
