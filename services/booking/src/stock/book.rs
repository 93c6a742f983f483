//! Creating and cancelling bookings.

use std::collections::BTreeMap;

use sunbeon_database::{Result, Transaction, again, statements, values};
use sunbeon_domain::{ConcertId, MemberId, UnixMs};
use uuid::Uuid;

use super::{
    BookingId, Cancelled, Created, NewBooking, SeatId, Stock, TicketId, outbox, read, rows,
    states::Stored,
};

statements! {
    BY_KEY = "SELECT booking_id, request FROM bookings \
        WHERE member_id = $1 AND idempotency_key = $2";
    /// The tickets of a kind that unpaid live bookings have.
    WAITING = "SELECT CAST(COALESCE(SUM(t.quantity), 0) AS BIGINT) FROM bookings b \
        JOIN booking_tickets t ON t.booking_id = b.booking_id AND t.ticket_id = $2 \
        WHERE b.concert_id = $1 AND b.state IN ('PENDING', 'PAYING') AND b.expires_at_ms > $3";
    BOOKING = "INSERT INTO bookings (booking_id, concert_id, member_id, entry_number, \
        state, amount, due_ms, expires_at_ms, idempotency_key, request, created_at_ms) \
        VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $6, $7, $8, $9) \
        ON CONFLICT (member_id, idempotency_key) DO NOTHING";
    BOOKED_SEAT = "INSERT INTO booking_seats \
        (booking_id, seat_id, section, seat_row, seat_number, price) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    SEAT = "UPDATE seats SET booking_id = $2, held_until_ms = $3 WHERE seat_id = $1";
    BOOKED_TICKETS = "INSERT INTO booking_tickets \
        (booking_id, ticket_id, name, quantity, price) VALUES ($1, $2, $3, $4, $5)";
    PAID = "SELECT attempt, payment_id FROM payments WHERE booking_id = $1 AND state = 'PAID'";
}

impl Stock {
    /// Books seats that the visitor holds, and tickets. The booking expires with the first of its
    /// holds, and everything that it holds ends with it.
    pub async fn create(&self, new: &NewBooking) -> Result<Created> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let created = create(&mut tx, new).await?;
            if let Created::New(_) = created {
                tx.commit().await?;
            }
            Ok(created)
        })
        .await
    }

    /// Cancels a member's booking. Its seats and tickets are free at once; tasks refund its payment
    /// and end the session.
    pub async fn cancel(&self, member: &MemberId, id: BookingId) -> Result<Cancelled> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let cancelled = cancel(&mut tx, member, id).await?;
            if let Cancelled::Done { .. } = cancelled {
                tx.commit().await?;
            }
            Ok(cancelled)
        })
        .await
    }
}

type Seats = BTreeMap<SeatId, rows::SeatRow>;
type Tickets = BTreeMap<TicketId, rows::TicketRow>;

async fn create(tx: &mut Transaction, new: &NewBooking) -> Result<Created> {
    if new.seat_ids.is_empty() && new.tickets.is_empty() {
        return Ok(Created::Nothing);
    }
    let (concert, member) = (&new.visit.concert_id, &new.visit.member_id);
    let limit = rows::lock_stock_shared(tx, concert).await?;
    rows::lock_buyer(tx, concert, member).await?;
    if let Some(before) = made_before(tx, new).await? {
        return Ok(before);
    }
    let Some(limit) = limit else {
        return Ok(Created::NoStock);
    };
    if rows::is_over(tx, &new.visit).await? {
        return Ok(Created::SessionOver);
    }
    let tickets = rows::lock_tickets(tx, concert, new.tickets.keys()).await?;
    let seats = rows::lock_seats(tx, &new.seat_ids).await?;
    let now = rows::now(tx).await?;
    if let Some(refused) = refused(new, &seats, &tickets, now) {
        return Ok(refused);
    }
    let mut wanted = 0;
    let mut sold_out: Vec<TicketId> = Vec::new();
    for (id, ticket) in &tickets {
        let quantity = i64::from(new.tickets[id].get());
        let left = ticket.quantity - ticket.sold - waiting(tx, concert, id, now).await?;
        if quantity > left {
            sold_out.push(id.clone());
        }
        wanted += quantity;
    }
    if !sold_out.is_empty() {
        return Ok(Created::SoldOut(sold_out));
    }
    if rows::had_by(tx, concert, member, now).await? + wanted > limit {
        return Ok(Created::Limit);
    }
    let Some(tickets_end) = new.visit.hold_end(now, new.hold) else {
        return Ok(Created::SessionOver);
    };
    let hold_ends = seats.values().filter_map(|seat| seat.held_until);
    let ends = hold_ends.chain((!tickets.is_empty()).then_some(tickets_end));
    let expires = ends.min().unwrap_or(now);
    let id = BookingId(Uuid::now_v7());
    if !insert(tx, new, id, amount(new, &seats, &tickets), expires, now).await? {
        // This concert has no booking with the key, so it belongs to another concert's.
        return Ok(Created::KeyReused);
    }
    take_seats(tx, id, &seats, expires).await?;
    take_tickets(tx, id, new, &tickets).await?;
    read::booking(tx, id).await.map(Created::New)
}

/// Returns why these seats and kinds of tickets cannot be booked, if they cannot.
fn refused(new: &NewBooking, seats: &Seats, tickets: &Tickets, now: UnixMs) -> Option<Created> {
    if let Some(other) = rows::other_concert(seats, &new.visit.concert_id) {
        return Some(Created::OtherConcert(other));
    }
    if let Some(unknown) = new.seat_ids.iter().find(|id| !seats.contains_key(id)) {
        return Some(Created::UnknownSeat(unknown.clone()));
    }
    if let Some(unknown) = new.tickets.keys().find(|id| !tickets.contains_key(id)) {
        return Some(Created::UnknownTicket(unknown.clone()));
    }
    let is_held = |seat: &rows::SeatRow| seat.is_held_by(&new.visit, now);
    let others = seats.iter().filter(|(_, seat)| !is_held(seat));
    let not_held: Vec<SeatId> = others.map(|(id, _)| id.clone()).collect();
    (!not_held.is_empty()).then_some(Created::NotHeld(not_held))
}

fn amount(new: &NewBooking, seats: &Seats, tickets: &Tickets) -> i64 {
    let seats: i64 = seats.values().map(|seat| seat.price).sum();
    let tickets = tickets.iter();
    let tickets = tickets.map(|(id, ticket)| i64::from(new.tickets[id].get()) * ticket.price);
    seats + tickets.sum::<i64>()
}

/// Returns the result of an earlier request with the same key of the same member.
async fn made_before(tx: &mut Transaction, new: &NewBooking) -> Result<Option<Created>> {
    let Some(key) = new.idempotency_key.as_deref() else {
        return Ok(None);
    };
    let values = values![&new.visit.member_id, key];
    let row: Option<(BookingId, String)> = tx.row(&BY_KEY, values).await?;
    let Some((id, request)) = row else {
        return Ok(None);
    };
    if request != request_of(new) {
        return Ok(Some(Created::KeyReused));
    }
    let booking = read::booking(tx, id).await?;
    Ok(Some(Created::Replayed(booking)))
}

/// Returns the parts that distinguish one request from another: concert, seats and tickets.
fn request_of(new: &NewBooking) -> String {
    let mut text = new.visit.concert_id.to_string();
    for seat in &new.seat_ids {
        text.push(' ');
        text.push_str(seat.as_str());
    }
    for (ticket, quantity) in &new.tickets {
        text.push_str(&format!(" {ticket}={quantity}"));
    }
    text
}

async fn waiting(
    tx: &mut Transaction,
    concert: &ConcertId,
    id: &TicketId,
    now: UnixMs,
) -> Result<i64> {
    rows::the_value(tx.row(&WAITING, values![concert, id, now]).await?)
}

/// Returns `false` if the key belongs to another booking.
async fn insert(
    tx: &mut Transaction,
    new: &NewBooking,
    id: BookingId,
    amount: i64,
    expires: UnixMs,
    now: UnixMs,
) -> Result<bool> {
    let values = values![
        &id,
        &new.visit.concert_id,
        &new.visit.member_id,
        new.visit.entry_number,
        amount,
        expires,
        new.idempotency_key.as_deref(),
        request_of(new),
        now,
    ];
    Ok(tx.execute(&BOOKING, values).await? == 1)
}

/// Makes seats part of a booking, so that their holds end with it.
async fn take_seats(
    tx: &mut Transaction,
    id: BookingId,
    seats: &Seats,
    expires: UnixMs,
) -> Result<()> {
    for (seat_id, seat) in seats {
        let (row, number) = (seat.seat_row, seat.seat_number);
        let values = values![&id, seat_id, &seat.section, row, number, seat.price];
        tx.execute(&BOOKED_SEAT, values).await?;
        tx.execute(&SEAT, values![seat_id, &id, expires]).await?;
    }
    Ok(())
}

async fn take_tickets(
    tx: &mut Transaction,
    id: BookingId,
    new: &NewBooking,
    tickets: &Tickets,
) -> Result<()> {
    for (kind, ticket) in tickets {
        let quantity = new.tickets[kind].get();
        let values = values![&id, kind, &ticket.name, quantity, ticket.price];
        tx.execute(&BOOKED_TICKETS, values).await?;
    }
    Ok(())
}

async fn cancel(tx: &mut Transaction, member: &MemberId, id: BookingId) -> Result<Cancelled> {
    let Some(booking) = rows::lock_booking(tx, id, Some(member)).await? else {
        return Ok(Cancelled::Unknown);
    };
    match (booking.row.state, booking.holds) {
        (Stored::Confirmed, _) => {
            let paid: Option<(u32, String)> = tx.row(&PAID, values![&id]).await?;
            let (attempt, payment) =
                paid.ok_or_else(|| rows::nonsense("confirmed but not paid"))?;
            outbox::write_refund(tx, &booking, attempt, &payment).await?;
            booking.sell_tickets(tx, -1).await?;
        }
        (Stored::Pending, true) => {}
        (Stored::Paying, true) => return Ok(Cancelled::InFlight),
        (Stored::Cancelled, _) | (Stored::Pending | Stored::Paying, false) => {
            return read::booking(tx, id).await.map(Cancelled::Already);
        }
    }
    booking.free_seats(tx).await?;
    booking.cancel(tx).await?;
    outbox::write_complete(tx, &booking).await?;
    Ok(Cancelled::Done {
        tickets: !booking.tickets.is_empty(),
        booking: read::booking(tx, id).await?,
        freed: booking.own,
    })
}
