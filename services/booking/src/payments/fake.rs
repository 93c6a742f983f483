//! A provider within the process, for demonstrations and tests.

use std::{collections::HashMap, future::pending, sync::Arc};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use secrecy::ExposeSecret;

use super::{Charged, NotRefunded, PaymentPort, Refund};
use crate::stock::Charge;

/// Keeps a ledger in memory. Declines payment tokens that contain `decline`; charges those that
/// contain `time-out`, but never sends the first answer. A cheap handle; clones share the ledger.
#[derive(Debug, Clone, Default)]
pub struct FakePayments(Arc<Mutex<Ledger>>);

#[derive(Debug, Default)]
struct Ledger {
    charges: HashMap<String, Charged>,
    refunds: HashMap<String, u64>,
}

impl FakePayments {
    /// Returns how many charges were paid.
    pub fn paid(&self) -> usize {
        let ledger = self.ledger();
        let paid = |charge: &&Charged| matches!(charge, Charged::Paid { .. });
        ledger.charges.values().filter(paid).count()
    }

    /// Returns how much of a payment was refunded.
    pub fn refunded(&self, payment_id: &str) -> Option<u64> {
        self.ledger().refunds.get(payment_id).copied()
    }

    /// Returns the sum of all refunds.
    pub fn refunds(&self) -> u64 {
        self.ledger().refunds.values().sum()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock()
    }

    /// Returns the outcome of a charge, and whether it was known before.
    fn enter(&self, charge: &Charge) -> (Charged, bool) {
        let mut ledger = self.ledger();
        if let Some(known) = ledger.charges.get(&charge.key) {
            return (known.clone(), true);
        }
        let charged = match charge.payment_token.expose_secret() {
            token if token.contains("decline") => Charged::Declined,
            _ => Charged::Paid {
                payment_id: format!("fake-{}", charge.key),
            },
        };
        ledger.charges.insert(charge.key.clone(), charged.clone());
        (charged, false)
    }
}

#[async_trait]
impl PaymentPort for FakePayments {
    async fn charge(&self, charge: &Charge) -> Charged {
        let (charged, known) = self.enter(charge);
        if !known && charge.payment_token.expose_secret().contains("time-out") {
            pending::<()>().await;
        }
        charged
    }

    async fn void(&self, key: &str) -> Charged {
        let mut ledger = self.ledger();
        let charged = ledger.charges.entry(key.to_owned());
        charged.or_insert(Charged::Declined).clone()
    }

    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded> {
        let mut ledger = self.ledger();
        ledger
            .refunds
            .insert(refund.payment_id.clone(), refund.amount);
        Ok(())
    }
}
