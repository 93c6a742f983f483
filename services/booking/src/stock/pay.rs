//! Paying for a booking.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use sunbeon_database::{Result, Transaction, again, record, statements, values};

use super::{
    Begun, Booking, BookingId, Charge, Paid, Stock, Unsettled, Visit, outbox, read, rows,
    states::{PaymentState, Stored},
};

/// The minimum time for which a payment in flight holds its seats.
const IN_FLIGHT_MS: i64 = 120_000;
/// How long the outcome of an attempt may be unknown before it is settled in the background.
const PATIENCE_MS: i64 = 15_000;
/// How much of a hold must remain for a charge to be sent again: longer than any answer takes.
const ENOUGH_MS: i64 = 30_000;

statements! {
    BY_KEY = "SELECT attempt, state, fingerprint FROM payments \
        WHERE booking_id = $1 AND idempotency_key = $2";
    IN_FLIGHT = "SELECT attempt, state, fingerprint FROM payments \
        WHERE booking_id = $1 AND state = 'ASKED'";
    NEXT = "SELECT COALESCE(MAX(attempt), 0) + 1 FROM payments WHERE booking_id = $1";
    ASK = "INSERT INTO payments (booking_id, attempt, idempotency_key, fingerprint, \
        payment_token, amount, state, due_ms) VALUES ($1, $2, $3, $4, $5, $6, 'ASKED', $7)";
    PAID_IN = "UPDATE bookings SET entry_number = $2 WHERE booking_id = $1";
    STATE = "SELECT state FROM payments WHERE booking_id = $1 AND attempt = $2";
    PAID = "UPDATE payments SET state = 'PAID', payment_id = $3, payment_token = '' \
        WHERE booking_id = $1 AND attempt = $2";
    DECLINED = "UPDATE payments SET state = 'DECLINED', payment_token = '' \
        WHERE booking_id = $1 AND attempt = $2 AND state = 'ASKED'";
    CONFIRM = "UPDATE bookings SET state = 'CONFIRMED', confirmed_at_ms = $2 WHERE booking_id = $1";
    SELL_SEATS = "UPDATE seats SET held_until_ms = NULL WHERE booking_id = $1";
    UNSETTLED = "SELECT booking_id, attempt, amount, payment_token FROM payments \
        WHERE state = 'ASKED' AND due_ms <= (SELECT {now}) \
        ORDER BY due_ms LIMIT $1 {skip locked}";
    LEASE = "UPDATE payments SET due_ms = {now} + $3 WHERE booking_id = $1 AND attempt = $2";
    HOLDS = "SELECT state = 'PAYING' AND expires_at_ms > (SELECT {now}) + $2 FROM bookings \
        WHERE booking_id = $1";
}

/// A payment attempt, as stored in its row.
struct Attempt {
    number: u32,
    state: PaymentState,
    /// `None` in rows written by an earlier version.
    fingerprint: Option<String>,
}

record!(Attempt {
    number,
    state,
    fingerprint
});

impl Attempt {
    fn is_by(&self, fingerprint: &str) -> bool {
        self.fingerprint
            .as_ref()
            .is_none_or(|own| own == fingerprint)
    }
}

impl Stock {
    /// Starts the payment of a booking, or continues one. From then on the booking's seats and
    /// tickets are held for at least two minutes, so that no hold ends while its payment is in
    /// flight. While the outcome is unknown, repeating the call, with or without a key, returns the
    /// same charge. A successful charge ends the visitor's session, which may be a later one than
    /// that in which the payment started.
    pub async fn begin_payment(
        &self,
        visit: &Visit,
        id: BookingId,
        payment_token: &SecretString,
        idempotency_key: Option<&str>,
    ) -> Result<Begun> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let token = payment_token.expose_secret();
            let begun = begin(&mut tx, visit, id, token, idempotency_key).await?;
            if let Begun::Charge(_) = begun {
                if let Some(entry) = visit.entry_number {
                    tx.execute(&PAID_IN, values![&id, entry]).await?;
                }
                tx.commit().await?;
            }
            Ok(begun)
        })
        .await
    }

    /// Records that an attempt was charged. Confirms the booking or, if it is too late, has the
    /// charge refunded once.
    pub async fn paid(&self, id: BookingId, attempt: u32, payment_id: &str) -> Result<Paid> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let paid = paid(&mut tx, id, attempt, payment_id).await?;
            tx.commit().await?;
            Ok(paid)
        })
        .await
    }

    /// Records that an attempt was not charged and never will be. The booking is PENDING again with
    /// its first deadline, which may have passed; returns its current state.
    pub async fn declined(&self, id: BookingId, attempt: u32) -> Result<Booking> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let booking = lock_charged(&mut tx, id).await?;
            let asked = tx.execute(&DECLINED, values![&id, attempt]).await? == 1;
            if asked && booking.row.state == Stored::Paying {
                let due = booking.row.due;
                booking.hold_until(&mut tx, Stored::Pending, due).await?;
            }
            let booking = read::booking(&mut tx, id).await?;
            tx.commit().await?;
            Ok(booking)
        })
        .await
    }

    /// Returns up to `limit` attempts whose outcome has been unknown for more than 15 seconds. No
    /// two callers get the same attempt within 30 seconds.
    pub async fn unsettled(&self, limit: u32) -> Result<Vec<Unsettled>> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let due: Vec<(BookingId, u32, i64, String)> =
                tx.rows(&UNSETTLED, values![limit]).await?;
            let mut unsettled = Vec::new();
            for (id, attempt, amount, token) in due {
                let values = values![&id, attempt, outbox::LEASE_MS];
                tx.execute(&LEASE, values).await?;
                let holds: Option<(bool,)> = tx.row(&HOLDS, values![&id, ENOUGH_MS]).await?;
                unsettled.push(match holds {
                    Some((true,)) => Unsettled::Charge(charge(id, attempt, amount, token)?),
                    Some((false,)) | None => Unsettled::Void {
                        booking_id: id,
                        attempt,
                        key: outbox::charge_key(id, attempt),
                    },
                });
            }
            tx.commit().await?;
            Ok(unsettled)
        })
        .await
    }
}

/// Distinguishes payment tokens without storing them.
fn fingerprint_of(id: BookingId, token: &str) -> String {
    let hash = digest(&SHA256, format!("{id} {token}").as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn charge(id: BookingId, attempt: u32, amount: i64, token: String) -> Result<Charge> {
    Ok(Charge {
        booking_id: id,
        attempt,
        key: outbox::charge_key(id, attempt),
        amount: rows::number(amount)?,
        payment_token: token.into(),
    })
}

/// Locks a booking with a payment attempt.
async fn lock_charged(tx: &mut Transaction, id: BookingId) -> Result<rows::LockedBooking> {
    let booking = rows::lock_booking(tx, id, None).await?;
    booking.ok_or_else(|| rows::nonsense("a payment attempt without a booking"))
}

async fn begin(
    tx: &mut Transaction,
    visit: &Visit,
    id: BookingId,
    token: &str,
    key: Option<&str>,
) -> Result<Begun> {
    let Some(booking) = rows::lock_booking(tx, id, Some(&visit.member_id)).await? else {
        return Ok(Begun::Unknown);
    };
    match (booking.row.state, booking.holds) {
        (Stored::Confirmed, _) => return read::booking(tx, id).await.map(Begun::Confirmed),
        (Stored::Cancelled, _) => return Ok(Begun::Cancelled),
        (Stored::Pending | Stored::Paying, false) => return Ok(Begun::Expired),
        // It belongs to a session that has ended, since its member is in another.
        (Stored::Pending, true) if visit.is_after(booking.row.entry_number) => {
            return Ok(Begun::Expired);
        }
        (Stored::Pending | Stored::Paying, true) => {}
    }
    if rows::is_over(tx, visit).await? {
        return Ok(Begun::SessionOver);
    }
    let (fingerprint, amount) = (fingerprint_of(id, token), booking.row.amount);
    let seen: Option<Attempt> = match key {
        Some(key) => tx.row(&BY_KEY, values![&id, key]).await?,
        None => None,
    };
    if let Some(seen) = seen {
        return match seen.state {
            _ if !seen.is_by(&fingerprint) => Ok(Begun::KeyReused),
            PaymentState::Asked => resend(&booking, seen.number, token),
            PaymentState::Declined => Ok(Begun::Declined),
            PaymentState::Paid | PaymentState::RefundDue | PaymentState::Refunded => {
                Ok(Begun::InFlight)
            }
        };
    }
    if booking.row.state == Stored::Pending {
        let attempt = next_attempt(tx, &booking, &fingerprint, token, key).await?;
        let until = booking.row.expires_at.max(booking.now + IN_FLIGHT_MS);
        booking.hold_until(tx, Stored::Paying, until).await?;
        return charge(id, attempt, amount, token.to_owned()).map(Begun::Charge);
    }
    let in_flight: Option<Attempt> = tx.row(&IN_FLIGHT, values![&id]).await?;
    match in_flight {
        Some(same) if same.is_by(&fingerprint) => resend(&booking, same.number, token),
        _ => Ok(Begun::InFlight),
    }
}

/// Sends a charge again only if its booking holds its seats for longer than the answer takes.
/// Otherwise the outcome is settled in the background.
fn resend(booking: &rows::LockedBooking, attempt: u32, token: &str) -> Result<Begun> {
    let (id, amount) = (booking.row.booking_id, booking.row.amount);
    if booking.row.expires_at <= booking.now + ENOUGH_MS {
        return Ok(Begun::InDoubt);
    }
    charge(id, attempt, amount, token.to_owned()).map(Begun::Charge)
}

/// Records the next attempt.
async fn next_attempt(
    tx: &mut Transaction,
    booking: &rows::LockedBooking,
    fingerprint: &str,
    token: &str,
    key: Option<&str>,
) -> Result<u32> {
    let id = booking.id();
    let next: Option<(u32,)> = tx.row(&NEXT, values![id]).await?;
    let attempt = rows::the_value(next)?;
    let (amount, due) = (booking.row.amount, booking.now + PATIENCE_MS);
    let values = values![id, attempt, key, fingerprint, token, amount, due];
    tx.execute(&ASK, values).await?;
    Ok(attempt)
}

async fn paid(tx: &mut Transaction, id: BookingId, attempt: u32, payment_id: &str) -> Result<Paid> {
    let booking = lock_charged(tx, id).await?;
    let state: Option<(PaymentState,)> = tx.row(&STATE, values![&id, attempt]).await?;
    let (state,) = state.ok_or_else(|| rows::nonsense("a payment attempt that was never made"))?;
    match state {
        PaymentState::Paid => Ok(Paid::Confirmed {
            booking: read::booking(tx, id).await?,
            new: false,
        }),
        PaymentState::Asked if booking.row.state == Stored::Paying && booking.holds => {
            confirm(tx, &booking, attempt, payment_id).await?;
            Ok(Paid::Confirmed {
                booking: read::booking(tx, id).await?,
                new: true,
            })
        }
        PaymentState::Asked | PaymentState::Declined => {
            lose(tx, booking, attempt, payment_id).await
        }
        PaymentState::RefundDue | PaymentState::Refunded => Ok(Paid::Lost {
            booking: read::booking(tx, id).await?,
            freed: Vec::new(),
        }),
    }
}

async fn confirm(
    tx: &mut Transaction,
    booking: &rows::LockedBooking,
    attempt: u32,
    payment_id: &str,
) -> Result<()> {
    let id = booking.id();
    tx.execute(&PAID, values![id, attempt, payment_id]).await?;
    tx.execute(&CONFIRM, values![id, booking.now]).await?;
    tx.execute(&SELL_SEATS, values![id]).await?;
    booking.sell_tickets(tx, 1).await?;
    outbox::write_complete(tx, booking).await
}

/// Has the charge refunded and cancels an expired booking. A booking that is paid by another
/// attempt, or may still be, stays as it is.
async fn lose(
    tx: &mut Transaction,
    booking: rows::LockedBooking,
    attempt: u32,
    payment_id: &str,
) -> Result<Paid> {
    outbox::write_refund(tx, &booking, attempt, payment_id).await?;
    let has_expired = booking.row.state.is_unpaid() && !booking.holds;
    if has_expired {
        booking.free_seats(tx).await?;
        booking.cancel(tx).await?;
    }
    Ok(Paid::Lost {
        booking: read::booking(tx, *booking.id()).await?,
        freed: if has_expired { booking.own } else { Vec::new() },
    })
}
