//! Settling charges: at once for the member who pays, and later if the outcome is unknown.

use std::time::Duration;

use futures::future::join_all;
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use tokio_util::sync::CancellationToken;

use super::{announce::Announcer, outbox::Outbox};
use crate::{
    payments::{Charged, Payments},
    stock::{Booking, BookingId, BookingState, Charge, Paid, Stock, Unsettled},
};

/// How often to look for payments with an unknown outcome.
const EVERY: Duration = Duration::from_secs(5);
/// How many payments a round settles concurrently.
const AT_ONCE: u32 = 64;

/// The outcome of a payment.
pub(crate) enum Settled {
    /// The booking is confirmed.
    Confirmed(Booking),
    /// The charge came too late and is refunded.
    Lost(Booking),
    /// Nothing was charged.
    Declined,
    /// Not known yet.
    Unknown,
}

/// Settles charges. A cheap handle.
#[derive(Clone)]
pub(crate) struct Till {
    stock: Stock,
    payments: Payments,
    announcer: Announcer,
    outbox: Outbox,
}

impl Till {
    pub(crate) fn new(
        stock: Stock,
        payments: Payments,
        announcer: Announcer,
        outbox: Outbox,
    ) -> Self {
        Self {
            stock,
            payments,
            announcer,
            outbox,
        }
    }

    /// Sends a charge and records its outcome. Safe to repeat, even concurrently.
    pub(crate) async fn settle(&self, charge: &Charge) -> Result<Settled, DatabaseError> {
        let charged = self.payments.charge(charge).await;
        self.record(charge.booking_id, charge.attempt, charged)
            .await
    }

    async fn record(
        &self,
        id: BookingId,
        attempt: u32,
        charged: Charged,
    ) -> Result<Settled, DatabaseError> {
        let payment_id = match charged {
            Charged::Paid { payment_id } => payment_id,
            Charged::Declined => {
                let booking = self.stock.declined(id, attempt).await?;
                // Its first deadline may be long past.
                if booking.state == BookingState::Expired && !booking.tickets.is_empty() {
                    self.announcer.tickets_moved(&booking.concert_id);
                }
                return Ok(Settled::Declined);
            }
            Charged::Unknown => return Ok(Settled::Unknown),
        };
        let paid = self.stock.paid(id, attempt, &payment_id).await?;
        self.outbox.wake();
        Ok(match paid {
            Paid::Confirmed { booking, .. } => {
                self.announcer.sold(&booking.concert_id);
                Settled::Confirmed(booking)
            }
            Paid::Lost { booking, freed } => {
                self.announcer.released(&booking.concert_id, &freed);
                if !booking.tickets.is_empty() {
                    self.announcer.tickets_moved(&booking.concert_id);
                }
                Settled::Lost(booking)
            }
        })
    }

    /// Settles payments with an unknown outcome until `shutdown` is cancelled.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        Rounds::every(EVERY, "reconcile")
            .run(shutdown, || self.reconcile())
            .await;
    }

    async fn reconcile(&self) -> Result<(), DatabaseError> {
        let unsettled = self.stock.unsettled(AT_ONCE).await?;
        let settled = join_all(unsettled.iter().map(|one| self.settle_late(one))).await;
        settled.into_iter().try_for_each(|one| one.map(drop))
    }

    /// Charges again only if the booking still holds its seats. Otherwise voids the charge, and has
    /// it refunded if the provider had already taken it.
    async fn settle_late(&self, unsettled: &Unsettled) -> Result<Settled, DatabaseError> {
        match unsettled {
            Unsettled::Charge(charge) => self.settle(charge).await,
            Unsettled::Void {
                booking_id,
                attempt,
                key,
            } => {
                let voided = self.payments.void(key).await;
                self.record(*booking_id, *attempt, voided).await
            }
        }
    }
}
