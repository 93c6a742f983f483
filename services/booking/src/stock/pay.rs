//! Paying for a booking.

use secrecy::{ExposeSecret, SecretString};
use sunbeon_database::{Result, Transaction, again, values};
use sunbeon_domain::{EntryNumber, MemberId};

use super::{Begun, Booking, BookingId, Charge, Paid, Stock, outbox, read, rows};

/// What a payment in flight holds for, at least.
const IN_FLIGHT_MS: i64 = 120_000;
/// How long the outcome of an attempt may be unknown before somebody asks again.
const PATIENCE_MS: i64 = 15_000;

/// attempt, state, payment_token.
type Attempt = (i64, String, String);

impl Stock {
    /// Begins, or goes on with, the payment of a member's booking. From then on what it holds
    /// stays for two minutes at least, so that no hold ends while its payment is in flight. The
    /// same call again, with or without a key, is the same charge while its outcome is unknown.
    /// `entry` is the member's session of now, which ends when the money has come: it may be a later
    /// one than that in which the booking was made.
    pub async fn begin_payment(
        &self,
        member: &MemberId,
        id: BookingId,
        entry: Option<EntryNumber>,
        payment_token: &SecretString,
        idempotency_key: Option<&str>,
    ) -> Result<Begun> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let token = payment_token.expose_secret();
            let begun = begin(&mut tx, member, id, token, idempotency_key).await?;
            if let Begun::Charge(_) = begun {
                paid_in(&mut tx, id, entry).await?;
                tx.commit().await?;
            }
            Ok(begun)
        })
        .await
    }

    /// The provider took the money of an attempt. Confirms the booking, or, where it is too late,
    /// has the money given back, once.
    pub async fn paid(&self, id: BookingId, attempt: u32, payment_id: &str) -> Result<Paid> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let paid = paid(&mut tx, id, attempt, payment_id).await?;
            tx.commit().await?;
            Ok(paid)
        })
        .await
    }

    /// The provider took no money at an attempt. The booking is PENDING again with the deadline
    /// that it had at first, which may have passed; as it is now.
    pub async fn declined(&self, id: BookingId, attempt: u32) -> Result<Booking> {
        const SQL: &str = "UPDATE payments SET state = 'DECLINED' \
            WHERE booking_id = $1 AND attempt = $2 AND state = 'ASKED'";
        again(|| async {
            let mut tx = self.0.begin().await?;
            let booking = known(&mut tx, id).await?;
            let asked = tx.execute(SQL, values![id.to_string(), attempt]).await? == 1;
            if asked && booking.row.state == "PAYING" {
                let due = booking.row.due_ms;
                booking.hold_until(&mut tx, "PENDING", due).await?;
            }
            let booking = read::booking(&mut tx, id).await?;
            tx.commit().await?;
            Ok(booking)
        })
        .await
    }

    /// Up to so many attempts whose outcome is unknown for more than 15 seconds, expired bookings'
    /// too: to be charged again with the same key. No two callers get the same within 30 seconds.
    pub async fn unresolved(&self, limit: u32) -> Result<Vec<Charge>> {
        const DUE: &str = "SELECT booking_id, attempt, amount, payment_token FROM payments \
            WHERE state = 'ASKED' AND due_ms <= (SELECT {now}) \
            ORDER BY due_ms LIMIT $1 {skip locked}";
        const LEASE: &str = "UPDATE payments SET due_ms = {now} + $3 \
            WHERE booking_id = $1 AND attempt = $2";
        again(|| async {
            let mut tx = self.0.begin().await?;
            let due: Vec<(String, i64, i64, String)> = tx.rows(DUE, values![limit]).await?;
            let mut charges = Vec::new();
            for (id, attempt, amount, token) in due {
                tx.execute(LEASE, values![&id, attempt, outbox::LEASE_MS])
                    .await?;
                let id = rows::booking_id(&id)?;
                charges.push(charge(id, attempt, amount, token)?);
            }
            tx.commit().await?;
            Ok(charges)
        })
        .await
    }
}

fn charge(id: BookingId, attempt: i64, amount: i64, token: String) -> Result<Charge> {
    Ok(Charge {
        booking_id: id,
        attempt: rows::number(attempt)?,
        key: format!("{id}-{attempt}"),
        amount: rows::number(amount)?,
        payment_token: token.into(),
    })
}

/// Locks a booking that somebody was charged for.
async fn known(tx: &mut Transaction, id: BookingId) -> Result<rows::LockedBooking> {
    let booking = rows::booking(tx, id, None).await?;
    booking.ok_or_else(|| rows::nonsense("an attempt to pay for no booking"))
}

async fn begin(
    tx: &mut Transaction,
    member: &MemberId,
    id: BookingId,
    token: &str,
    key: Option<&str>,
) -> Result<Begun> {
    const BY_KEY: &str = "SELECT attempt, state, payment_token FROM payments \
        WHERE booking_id = $1 AND idempotency_key = $2";
    const IN_FLIGHT: &str = "SELECT attempt, state, payment_token FROM payments \
        WHERE booking_id = $1 AND state = 'ASKED'";
    let Some(booking) = rows::booking(tx, id, Some(member)).await? else {
        return Ok(Begun::Unknown);
    };
    let (text, amount) = (id.to_string(), booking.row.amount);
    match (booking.row.state.as_str(), booking.holds) {
        ("CONFIRMED", _) => return read::booking(tx, id).await.map(Begun::Confirmed),
        ("CANCELLED", _) => return Ok(Begun::Cancelled),
        (_, false) => return Ok(Begun::Expired),
        _ => {}
    }
    let seen: Option<Attempt> = match key {
        Some(key) => tx.row(BY_KEY, values![&text, key]).await?,
        None => None,
    };
    if let Some((attempt, state, used)) = seen {
        return match state.as_str() {
            _ if used != token => Ok(Begun::KeyReused),
            "ASKED" => charge(id, attempt, amount, used).map(Begun::Charge),
            _ => Ok(Begun::Declined),
        };
    }
    if booking.row.state == "PENDING" {
        let attempt = attempt(tx, &booking, token, key).await?;
        let until = booking.row.expires_at_ms.max(booking.now + IN_FLIGHT_MS);
        booking.hold_until(tx, "PAYING", until).await?;
        return charge(id, attempt, amount, token.to_owned()).map(Begun::Charge);
    }
    let in_flight: Option<Attempt> = tx.row(IN_FLIGHT, values![&text]).await?;
    match in_flight {
        Some((attempt, _, used)) if used == token => {
            charge(id, attempt, amount, used).map(Begun::Charge)
        }
        _ => Ok(Begun::InFlight),
    }
}

/// Writes down in which session a booking is paid.
async fn paid_in(tx: &mut Transaction, id: BookingId, entry: Option<EntryNumber>) -> Result<()> {
    const SQL: &str = "UPDATE bookings SET entry_number = $2 WHERE booking_id = $1";
    if let Some(entry) = entry {
        tx.execute(SQL, values![id.to_string(), rows::entry(entry)])
            .await?;
    }
    Ok(())
}

/// Writes the next attempt down.
async fn attempt(
    tx: &mut Transaction,
    booking: &rows::LockedBooking,
    token: &str,
    key: Option<&str>,
) -> Result<i64> {
    const NEXT: &str = "SELECT COALESCE(MAX(attempt), 0) + 1 FROM payments WHERE booking_id = $1";
    const SQL: &str = "INSERT INTO payments (booking_id, attempt, idempotency_key, \
        payment_token, amount, state, due_ms) VALUES ($1, $2, $3, $4, $5, 'ASKED', $6)";
    let id = booking.id.to_string();
    let next: Option<(i64,)> = tx.row(NEXT, values![&id]).await?;
    let attempt = next.map_or(1, |next| next.0);
    let due = booking.now + PATIENCE_MS;
    let values = values![&id, attempt, key, token, booking.row.amount, due];
    tx.execute(SQL, values).await?;
    Ok(attempt)
}

async fn paid(tx: &mut Transaction, id: BookingId, attempt: u32, payment_id: &str) -> Result<Paid> {
    const STATE: &str = "SELECT state FROM payments WHERE booking_id = $1 AND attempt = $2";
    let booking = known(tx, id).await?;
    let state: Option<(String,)> = tx.row(STATE, values![id.to_string(), attempt]).await?;
    let (state,) = state.ok_or_else(|| rows::nonsense("an attempt that nobody made"))?;
    match state.as_str() {
        "PAID" => Ok(Paid::Confirmed {
            booking: read::booking(tx, id).await?,
            new: false,
        }),
        "ASKED" if booking.row.state == "PAYING" && booking.holds => {
            confirm(tx, &booking, attempt, payment_id).await?;
            Ok(Paid::Confirmed {
                booking: read::booking(tx, id).await?,
                new: true,
            })
        }
        "ASKED" | "DECLINED" => lose(tx, booking, attempt, payment_id).await,
        _ => Ok(Paid::Lost {
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
    const PAYMENT: &str = "UPDATE payments SET state = 'PAID', payment_id = $3 \
        WHERE booking_id = $1 AND attempt = $2";
    const BOOKING: &str = "UPDATE bookings SET state = 'CONFIRMED', confirmed_at_ms = $2 \
        WHERE booking_id = $1";
    const SEATS: &str = "UPDATE seats SET held_until_ms = NULL WHERE booking_id = $1";
    let id = booking.id.to_string();
    tx.execute(PAYMENT, values![&id, attempt, payment_id])
        .await?;
    tx.execute(BOOKING, values![&id, booking.now]).await?;
    tx.execute(SEATS, values![&id]).await?;
    booking.sell_tickets(tx, 1).await?;
    outbox::write_complete(tx, booking).await
}

/// The money goes back. A booking that ran out is cancelled with it; one that is paid by another
/// attempt, or may still be, stays as it is.
async fn lose(
    tx: &mut Transaction,
    booking: rows::LockedBooking,
    attempt: u32,
    payment_id: &str,
) -> Result<Paid> {
    outbox::write_refund(tx, &booking, i64::from(attempt), payment_id).await?;
    let ran_out = ["PENDING", "PAYING"].contains(&booking.row.state.as_str()) && !booking.holds;
    if ran_out {
        booking.free_seats(tx).await?;
        booking.cancelled(tx).await?;
    }
    Ok(Paid::Lost {
        booking: read::booking(tx, booking.id).await?,
        freed: if ran_out { booking.own } else { Vec::new() },
    })
}
