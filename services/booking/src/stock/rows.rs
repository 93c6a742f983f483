//! Rows of the tables, and locking them.
//!
//! Every verb locks in one order, so that none waits for another in a circle: the stock (shared;
//! an operator's verbs take it alone), the buyer, tickets by id, seats by id, the booking. Those who
//! share a row's lock would pass an operator who waits for it; so all ask for the stock's turn first,
//! which is given in the order of asking. The time
//! is read once all locks are had: who had them before has committed by then, and whoever waits
//! will read a later time.

use std::collections::{BTreeMap, BTreeSet};

use sunbeon_database::{DatabaseError, Result, Transaction, from_row, values};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

use super::{BookingId, SeatId, Section, TicketId};

#[derive(Debug)]
pub(super) struct SeatRow {
    pub(super) seat_id: String,
    pub(super) concert_id: String,
    pub(super) section: String,
    pub(super) seat_row: i64,
    pub(super) seat_number: i64,
    pub(super) price: i64,
    pub(super) holder: Option<String>,
    pub(super) held_until_ms: Option<i64>,
    pub(super) booking_id: Option<String>,
}

from_row!(SeatRow {
    seat_id,
    concert_id,
    section,
    seat_row,
    seat_number,
    price,
    holder,
    held_until_ms,
    booking_id
});

impl SeatRow {
    /// Whose it is; held or sold.
    pub(super) fn owner(&self, now: i64) -> Option<&str> {
        let live = self.held_until_ms.is_none_or(|until| until > now);
        self.holder.as_deref().filter(|_| live)
    }

    pub(super) fn id(&self) -> Result<SeatId> {
        seat_id(&self.seat_id)
    }

    pub(super) fn section(&self) -> Result<Section> {
        section(&self.section)
    }
}

pub(super) fn section(text: &str) -> Result<Section> {
    Section::parse(text).ok_or_else(|| nonsense("a section"))
}

/// As a column holds it.
pub(super) fn entry(number: EntryNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

#[derive(Debug)]
pub(super) struct TicketRow {
    pub(super) name: String,
    pub(super) price: i64,
    pub(super) quantity: i64,
    pub(super) sold: i64,
}

from_row!(TicketRow {
    name,
    price,
    quantity,
    sold
});

#[derive(Debug)]
pub(super) struct BookingRow {
    pub(super) booking_id: String,
    pub(super) concert_id: String,
    pub(super) member_id: String,
    pub(super) entry_number: Option<i64>,
    pub(super) state: String,
    pub(super) amount: i64,
    pub(super) due_ms: i64,
    pub(super) expires_at_ms: i64,
    pub(super) created_at_ms: i64,
    pub(super) confirmed_at_ms: Option<i64>,
    pub(super) cancelled_at_ms: Option<i64>,
}

from_row!(BookingRow {
    booking_id,
    concert_id,
    member_id,
    entry_number,
    state,
    amount,
    due_ms,
    expires_at_ms,
    created_at_ms,
    confirmed_at_ms,
    cancelled_at_ms
});

/// The limit of a concert that has stock, which stays so until the end of the transaction.
pub(super) async fn on_sale(tx: &mut Transaction, concert: &str) -> Result<Option<i64>> {
    const IN_TURN: &str = "SELECT {in turn, shared}";
    const SQL: &str = "SELECT per_member_limit FROM stock WHERE concert_id = $1 {for share}";
    tx.execute(IN_TURN, values![concert]).await?;
    let row: Option<(i64,)> = tx.row(SQL, values![concert]).await?;
    Ok(row.map(|row| row.0))
}

/// From here on nothing else happens to what the member has of this concert.
pub(super) async fn buyer(tx: &mut Transaction, concert: &str, member: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO buyers (concert_id, member_id) VALUES ($1, $2) \
        ON CONFLICT (concert_id, member_id) DO UPDATE SET member_id = excluded.member_id";
    tx.execute(SQL, values![concert, member]).await.map(drop)
}

pub(super) async fn tickets<'a>(
    tx: &mut Transaction,
    concert: &str,
    ids: impl IntoIterator<Item = &'a TicketId>,
) -> Result<BTreeMap<TicketId, TicketRow>> {
    const SQL: &str = "SELECT name, price, quantity, sold FROM tickets \
        WHERE concert_id = $1 AND ticket_id = $2 {for update}";
    let ids: BTreeSet<_> = ids.into_iter().collect();
    let mut rows = BTreeMap::new();
    for id in ids {
        if let Some(row) = tx.row(SQL, values![concert, id.as_str()]).await? {
            rows.insert(id.clone(), row);
        }
    }
    Ok(rows)
}

pub(super) async fn seats<'a>(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = &'a SeatId>,
) -> Result<BTreeMap<SeatId, SeatRow>> {
    const SQL: &str = "SELECT seat_id, concert_id, section, seat_row, seat_number, price, \
        holder, held_until_ms, booking_id FROM seats WHERE seat_id = $1 {for update}";
    let ids: BTreeSet<_> = ids.into_iter().collect();
    let mut rows = BTreeMap::new();
    for id in ids {
        if let Some(row) = tx.row(SQL, values![id.as_str()]).await? {
            rows.insert(id.clone(), row);
        }
    }
    Ok(rows)
}

/// The concert of a seat that is not one of `concert`'s.
pub(super) fn other_concert(
    seats: &BTreeMap<SeatId, SeatRow>,
    concert: &str,
) -> Result<Option<ConcertId>> {
    let mut others = seats.values().filter(|seat| seat.concert_id != concert);
    let other = others.next().map(|seat| seat.concert_id.clone());
    other.map(concert_id).transpose()
}

/// The database's clock.
pub(super) async fn now(tx: &mut Transaction) -> Result<i64> {
    let row: Option<(i64,)> = tx.row("SELECT {now}", values![]).await?;
    row.map(|row| row.0).ok_or_else(|| nonsense("no time"))
}

/// How many seats and tickets of a concert a member has, held or booked.
pub(super) async fn had_by(
    tx: &mut Transaction,
    concert: &ConcertId,
    member: &MemberId,
    now: i64,
) -> Result<i64> {
    const SQL: &str = "SELECT CAST(\
        (SELECT COUNT(*) FROM seats WHERE concert_id = $1 AND holder = $2 \
            AND (held_until_ms IS NULL OR held_until_ms > $3)) \
        + (SELECT COALESCE(SUM(t.quantity), 0) FROM bookings b \
            JOIN booking_tickets t ON t.booking_id = b.booking_id \
            WHERE b.concert_id = $1 AND b.member_id = $2 AND (b.state = 'CONFIRMED' \
                OR (b.state IN ('PENDING', 'PAYING') AND b.expires_at_ms > $3))) AS BIGINT)";
    let row: Option<(i64,)> = tx
        .row(SQL, values![concert.as_str(), member.as_str(), now])
        .await?;
    row.map(|row| row.0).ok_or_else(|| nonsense("no count"))
}

/// A booking, with all that it has to do with locked.
pub(super) struct LockedBooking {
    pub(super) id: BookingId,
    pub(super) row: BookingRow,
    /// Its tickets, with how many of each.
    pub(super) tickets: Vec<(TicketId, i64)>,
    /// Those of its seats that are still its own, in the order of ids.
    pub(super) own: Vec<SeatId>,
    /// Whether it holds all that it is made of: not expired.
    pub(super) holds: bool,
    pub(super) now: i64,
}

/// Locks a booking; of this member, if one is given.
pub(super) async fn booking(
    tx: &mut Transaction,
    id: BookingId,
    member: Option<&MemberId>,
) -> Result<Option<LockedBooking>> {
    const WHOSE: &str = "SELECT concert_id, member_id FROM bookings WHERE booking_id = $1";
    const SEATS: &str = "SELECT seat_id FROM booking_seats WHERE booking_id = $1";
    const TICKETS: &str = "SELECT ticket_id, quantity FROM booking_tickets WHERE booking_id = $1";
    const BOOKING: &str = "SELECT booking_id, concert_id, member_id, entry_number, state, amount, \
        due_ms, expires_at_ms, created_at_ms, confirmed_at_ms, cancelled_at_ms \
        FROM bookings WHERE booking_id = $1 {for update}";
    let key = id.to_string();
    // What a booking is made of never changes.
    let whose: Option<(String, String)> = tx.row(WHOSE, values![&key]).await?;
    let Some((concert, owner)) = whose else {
        return Ok(None);
    };
    if member.is_some_and(|member| member.as_str() != owner) {
        return Ok(None);
    }
    let made_of: Vec<(String,)> = tx.rows(SEATS, values![&key]).await?;
    let made_of: Vec<SeatId> = made_of
        .iter()
        .map(|row| seat_id(&row.0))
        .collect::<Result<_>>()?;
    let counted: Vec<(String, i64)> = tx.rows(TICKETS, values![&key]).await?;
    let counted: Vec<_> = counted
        .into_iter()
        .map(|(id, quantity)| Ok((ticket_id(&id)?, quantity)))
        .collect::<Result<_>>()?;

    on_sale(tx, &concert).await?;
    buyer(tx, &concert, &owner).await?;
    tickets(tx, &concert, counted.iter().map(|(id, _)| id)).await?;
    let rows = seats(tx, &made_of).await?;
    let row: Option<BookingRow> = tx.row(BOOKING, values![&key]).await?;
    let row = row.ok_or_else(|| nonsense("a booking without a row"))?;
    let now = now(tx).await?;
    let own: Vec<_> = rows
        .into_iter()
        .filter(|(_, seat)| seat.booking_id.as_ref() == Some(&key))
        .map(|(id, _)| id)
        .collect();
    let waits = ["PENDING", "PAYING"].contains(&row.state.as_str());
    let holds = waits && row.expires_at_ms > now && own.len() == made_of.len();
    Ok(Some(LockedBooking {
        id,
        row,
        tickets: counted,
        own,
        holds,
        now,
    }))
}

impl LockedBooking {
    /// Frees those of its seats that are still its own.
    pub(super) async fn free_seats(&self, tx: &mut Transaction) -> Result<()> {
        const SQL: &str = "UPDATE seats SET holder = NULL, held_until_ms = NULL, \
            booking_id = NULL WHERE booking_id = $1";
        tx.execute(SQL, values![self.id.to_string()])
            .await
            .map(drop)
    }

    /// Moves its end, and that of its seats' holds.
    pub(super) async fn hold_until(
        &self,
        tx: &mut Transaction,
        state: &str,
        until: i64,
    ) -> Result<()> {
        const BOOKING: &str =
            "UPDATE bookings SET state = $2, expires_at_ms = $3 WHERE booking_id = $1";
        const SEATS: &str = "UPDATE seats SET held_until_ms = $2 WHERE booking_id = $1";
        let id = self.id.to_string();
        tx.execute(BOOKING, values![&id, state, until]).await?;
        tx.execute(SEATS, values![&id, until]).await.map(drop)
    }

    /// Counts its tickets as sold (`1`), or no longer (`-1`).
    pub(super) async fn sell_tickets(&self, tx: &mut Transaction, sign: i64) -> Result<()> {
        const SQL: &str = "UPDATE tickets SET sold = sold + $3 \
            WHERE concert_id = $1 AND ticket_id = $2";
        for (id, quantity) in &self.tickets {
            let values = values![&self.row.concert_id, id.as_str(), sign * quantity];
            if tx.execute(SQL, values).await? != 1 {
                return Err(nonsense("a live booking of tickets that are not on sale"));
            }
        }
        Ok(())
    }

    /// Ends the booking.
    pub(super) async fn cancelled(&self, tx: &mut Transaction) -> Result<()> {
        const SQL: &str = "UPDATE bookings SET state = 'CANCELLED', cancelled_at_ms = $2 \
            WHERE booking_id = $1";
        tx.execute(SQL, values![self.id.to_string(), self.now])
            .await
            .map(drop)
    }
}

pub(super) fn seat_id(text: &str) -> Result<SeatId> {
    SeatId::parse(text).ok_or_else(|| nonsense("a seat's id"))
}

pub(super) fn ticket_id(text: &str) -> Result<TicketId> {
    TicketId::parse(text).ok_or_else(|| nonsense("a ticket's id"))
}

pub(super) fn concert_id(text: String) -> Result<ConcertId> {
    ConcertId::parse(text).map_err(|error| DatabaseError::Bug(error.into()))
}

pub(super) fn member_id(text: String) -> Result<MemberId> {
    MemberId::parse(text).map_err(|error| DatabaseError::Bug(error.into()))
}

pub(super) fn booking_id(text: &str) -> Result<BookingId> {
    BookingId::parse(text).ok_or_else(|| nonsense("a booking's id"))
}

/// A number that the tables keep from being negative or too large.
pub(super) fn number<T: TryFrom<i64>>(stored: i64) -> Result<T> {
    T::try_from(stored).map_err(|_| nonsense("a number out of bounds"))
}

pub(super) fn nonsense(what: &'static str) -> DatabaseError {
    DatabaseError::Bug(what.into())
}

/// Whole milliseconds.
pub(super) fn ms(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}
