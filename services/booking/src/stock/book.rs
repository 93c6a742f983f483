//! Bookings: made and cancelled.

use sunbeon_database::{Result, Transaction, again, values};
use sunbeon_domain::MemberId;
use uuid::Uuid;

use super::{
    BookingId, Cancelled, Created, NewBooking, SeatId, Stock, TicketId, outbox, read, rows,
};

impl Stock {
    /// Makes a booking of seats that the member holds, and of tickets. It expires with the first
    /// of the seats' holds, and with the tickets' if it has any; all that it holds ends with it.
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

    /// Cancels a member's booking. What it held is free at once, what was paid goes back by a
    /// task, and another task ends its entry's session.
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

async fn create(tx: &mut Transaction, new: &NewBooking) -> Result<Created> {
    if new.seat_ids.is_empty() && new.tickets.is_empty() {
        return Ok(Created::Nothing);
    }
    let (concert, member) = (new.concert_id.as_str(), new.member_id.as_str());
    let limit = rows::on_sale(tx, concert).await?;
    rows::buyer(tx, concert, member).await?;
    if let Some(before) = made_before(tx, new).await? {
        return Ok(before);
    }
    let Some(limit) = limit else {
        return Ok(Created::NoStock);
    };
    let tickets = rows::tickets(tx, concert, new.tickets.keys()).await?;
    let seats = rows::seats(tx, &new.seat_ids).await?;
    let now = rows::now(tx).await?;

    if let Some(other) = rows::other_concert(&seats, concert)? {
        return Ok(Created::OtherConcert(other));
    }
    if let Some(unknown) = new.seat_ids.iter().find(|id| !seats.contains_key(id)) {
        return Ok(Created::UnknownSeat(unknown.clone()));
    }
    if let Some(unknown) = new.tickets.keys().find(|id| !tickets.contains_key(id)) {
        return Ok(Created::UnknownTicket(unknown.clone()));
    }
    let not_held = seats.iter().filter(|(_, seat)| {
        let held = seat.owner(now) == Some(member) && seat.held_until_ms.is_some();
        !held || seat.booking_id.is_some()
    });
    let not_held: Vec<SeatId> = not_held.map(|(id, _)| id.clone()).collect();
    if !not_held.is_empty() {
        return Ok(Created::NotHeld(not_held));
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
    if rows::had_by(tx, &new.concert_id, &new.member_id, now).await? + wanted > limit {
        return Ok(Created::Limit);
    }

    let ends = seats.values().filter_map(|seat| seat.held_until_ms);
    let tickets_end = now.saturating_add(rows::ms(new.hold));
    let ends = ends.chain((!tickets.is_empty()).then_some(tickets_end));
    let expires = ends.min().unwrap_or(now);
    let price: i64 = seats.values().map(|seat| seat.price).sum();
    let amount = tickets.iter().fold(price, |sum, (id, ticket)| {
        sum + i64::from(new.tickets[id].get()) * ticket.price
    });
    let id = BookingId(Uuid::now_v7());
    if !insert(tx, new, id, amount, expires, now).await? {
        // Of this concert there is none, so it is another's.
        return Ok(Created::KeyReused);
    }
    take(tx, id, &seats, expires).await?;
    for (kind, ticket) in &tickets {
        const SQL: &str = "INSERT INTO booking_tickets \
            (booking_id, ticket_id, name, quantity, price) VALUES ($1, $2, $3, $4, $5)";
        let quantity = new.tickets[kind].get();
        let values = values![
            id.to_string(),
            kind.as_str(),
            &ticket.name,
            quantity,
            ticket.price
        ];
        tx.execute(SQL, values).await?;
    }
    read::booking(tx, id).await.map(Created::New)
}

/// What the same member's same key made.
async fn made_before(tx: &mut Transaction, new: &NewBooking) -> Result<Option<Created>> {
    const SQL: &str = "SELECT booking_id, request FROM bookings \
        WHERE member_id = $1 AND idempotency_key = $2";
    let Some(key) = new.idempotency_key.as_deref() else {
        return Ok(None);
    };
    let row: Option<(String, String)> = tx.row(SQL, values![new.member_id.as_str(), key]).await?;
    let Some((id, request)) = row else {
        return Ok(None);
    };
    if request != request_of(new) {
        return Ok(Some(Created::KeyReused));
    }
    let booking = read::booking(tx, rows::booking_id(&id)?).await?;
    Ok(Some(Created::Replayed(booking)))
}

/// What tells one request from another: concert, seats and tickets.
fn request_of(new: &NewBooking) -> String {
    let mut text = new.concert_id.to_string();
    for seat in &new.seat_ids {
        text.push(' ');
        text.push_str(seat.as_str());
    }
    for (ticket, quantity) in &new.tickets {
        text.push_str(&format!(" {ticket}={quantity}"));
    }
    text
}

/// How many tickets of a kind live bookings have that are not confirmed.
async fn waiting(tx: &mut Transaction, concert: &str, id: &TicketId, now: i64) -> Result<i64> {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(t.quantity), 0) AS BIGINT) FROM bookings b \
        JOIN booking_tickets t ON t.booking_id = b.booking_id AND t.ticket_id = $2 \
        WHERE b.concert_id = $1 AND b.state IN ('PENDING', 'PAYING') AND b.expires_at_ms > $3";
    let row: Option<(i64,)> = tx.row(SQL, values![concert, id.as_str(), now]).await?;
    row.map(|row| row.0).ok_or_else(|| rows::nonsense("no sum"))
}

/// `false`: the key is another booking's.
async fn insert(
    tx: &mut Transaction,
    new: &NewBooking,
    id: BookingId,
    amount: i64,
    expires: i64,
    now: i64,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO bookings (booking_id, concert_id, member_id, entry_number, \
        state, amount, due_ms, expires_at_ms, idempotency_key, request, created_at_ms) \
        VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $6, $7, $8, $9) \
        ON CONFLICT (member_id, idempotency_key) DO NOTHING";
    let entry = new.entry_number.map(rows::entry);
    let values = values![
        id.to_string(),
        new.concert_id.as_str(),
        new.member_id.as_str(),
        entry,
        amount,
        expires,
        new.idempotency_key.as_deref(),
        request_of(new),
        now,
    ];
    Ok(tx.execute(SQL, values).await? == 1)
}

/// Makes seats part of a booking; their holds end with it.
async fn take(
    tx: &mut Transaction,
    id: BookingId,
    seats: &std::collections::BTreeMap<SeatId, rows::SeatRow>,
    expires: i64,
) -> Result<()> {
    const PART: &str = "INSERT INTO booking_seats \
        (booking_id, seat_id, section, seat_row, seat_number, price) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    const SEAT: &str = "UPDATE seats SET booking_id = $2, held_until_ms = $3 WHERE seat_id = $1";
    let id = id.to_string();
    for seat in seats.values() {
        let (row, number) = (seat.seat_row, seat.seat_number);
        let values = values![&id, &seat.seat_id, &seat.section, row, number, seat.price];
        tx.execute(PART, values).await?;
        tx.execute(SEAT, values![&seat.seat_id, &id, expires])
            .await?;
    }
    Ok(())
}

async fn cancel(tx: &mut Transaction, member: &MemberId, id: BookingId) -> Result<Cancelled> {
    const PAID: &str = "SELECT attempt, payment_id FROM payments \
        WHERE booking_id = $1 AND state = 'PAID'";
    let Some(booking) = rows::booking(tx, id, Some(member)).await? else {
        return Ok(Cancelled::Unknown);
    };
    match (booking.row.state.as_str(), booking.holds) {
        ("CONFIRMED", _) => {
            let paid: Option<(i64, String)> = tx.row(PAID, values![id.to_string()]).await?;
            let (attempt, payment) = paid.ok_or_else(|| rows::nonsense("confirmed, not paid"))?;
            outbox::write_refund(tx, &booking, attempt, &payment).await?;
            booking.sell_tickets(tx, -1).await?;
        }
        ("PENDING", true) => {}
        ("PAYING", true) => return Ok(Cancelled::InFlight),
        _ => return read::booking(tx, id).await.map(Cancelled::Already),
    }
    booking.free_seats(tx).await?;
    booking.cancelled(tx).await?;
    outbox::write_complete(tx, &booking).await?;
    Ok(Cancelled::Done {
        tickets: !booking.tickets.is_empty(),
        booking: read::booking(tx, id).await?,
        freed: booking.own,
    })
}
