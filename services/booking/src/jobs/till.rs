//! From a charge to what is known of it: by the member's own request, and for those whose outcome
//! nobody heard.

use std::time::Duration;

use futures::future::join_all;
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use tokio_util::sync::CancellationToken;

use super::{announce::Announcer, outbox::Outbox};
use crate::{
    payments::{Charged, Payments},
    stock::{Booking, BookingState, Charge, Paid, Stock},
};

/// How often payments without an outcome are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// How many charges are sent again in one round, all at the same time.
const AT_ONCE: u32 = 64;

/// What a charge came to.
pub(crate) enum Settled {
    /// The booking is confirmed.
    Confirmed(Booking),
    /// The money came too late and goes back.
    Lost(Booking),
    /// Nothing was taken.
    Declined,
    /// Nobody knows yet.
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

    /// Asks the provider and writes down what it says. Safe to repeat, and to do twice at once.
    pub(crate) async fn settle(&self, charge: &Charge) -> Result<Settled, DatabaseError> {
        let payment_id = match self.payments.charge(charge).await {
            Charged::Paid { payment_id } => payment_id,
            Charged::Declined => {
                let booking = self
                    .stock
                    .declined(charge.booking_id, charge.attempt)
                    .await?;
                // Its first deadline may have passed long ago.
                if booking.state == BookingState::Expired && !booking.tickets.is_empty() {
                    self.announcer.tickets_moved(&booking.concert_id);
                }
                return Ok(Settled::Declined);
            }
            Charged::Unknown => return Ok(Settled::Unknown),
        };
        let paid = self
            .stock
            .paid(charge.booking_id, charge.attempt, &payment_id)
            .await?;
        self.outbox.wake();
        Ok(match paid {
            Paid::Confirmed { booking, .. } => Settled::Confirmed(booking),
            Paid::Lost { booking, freed } => {
                self.announcer.released(&booking.concert_id, &freed);
                if !booking.tickets.is_empty() {
                    self.announcer.tickets_moved(&booking.concert_id);
                }
                Settled::Lost(booking)
            }
        })
    }

    /// Settles what nobody heard the outcome of, until `shutdown` is cancelled.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        Rounds::every(EVERY, "reconcile")
            .run(shutdown, || self.reconcile())
            .await;
    }

    async fn reconcile(&self) -> Result<(), DatabaseError> {
        let unresolved = self.stock.unresolved(AT_ONCE).await?;
        let settled = join_all(unresolved.iter().map(|charge| self.settle(charge))).await;
        settled.into_iter().try_for_each(|one| one.map(drop))
    }
}
