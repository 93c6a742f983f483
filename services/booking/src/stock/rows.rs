//! The rows of the tables, and locking them.
//!
//! Every verb locks in the same order, so that no deadlock is possible: the stock (shared for
//! members, exclusive for operators), the buyer, the turn to look for equal seats, tickets by id,
//! seats by id, the booking. Members who share the stock's lock would overtake a waiting operator,
//! so everybody first takes a turn at the stock, in order of arrival. The time is read once all locks are taken: earlier holders have
//! committed by then, and later ones will read a later time.

use std::collections::{BTreeMap, BTreeSet};

use sunbeon_database::{DatabaseError, Result, Transaction, record, statements, values};
use sunbeon_domain::{
    BookingId, ConcertId, EntryNumber, MemberId, SeatId, Section, TicketId, UnixMs,
};

use super::{Visit, states::Stored};

statements! {
    TURN_SHARED = "SELECT {in turn, shared}";
    STOCK_SHARED = "SELECT per_member_limit FROM stock WHERE concert_id = $1 {for share}";
    BUYER = "INSERT INTO buyers (concert_id, member_id) VALUES ($1, $2) \
        ON CONFLICT (concert_id, member_id) DO UPDATE SET member_id = excluded.member_id";
    SESSION_OVER = "SELECT entry_number FROM ended_sessions \
        WHERE concert_id = $1 AND entry_number = $2";
    TICKET = "SELECT name, price, quantity, sold FROM tickets \
        WHERE concert_id = $1 AND ticket_id = $2 {for update}";
    SEAT = "SELECT concert_id, section, seat_row, seat_number, price, holder, \
        held_until_ms, booking_id, entry_number FROM seats WHERE seat_id = $1 {for update}";
    NOW = "SELECT {now}";
    HAD = "SELECT CAST(\
        (SELECT COUNT(*) FROM seats WHERE concert_id = $1 AND holder = $2 \
            AND (held_until_ms IS NULL OR held_until_ms > $3)) \
        + (SELECT COALESCE(SUM(t.quantity), 0) FROM bookings b \
            JOIN booking_tickets t ON t.booking_id = b.booking_id \
            WHERE b.concert_id = $1 AND b.member_id = $2 AND (b.state = 'CONFIRMED' \
                OR (b.state IN ('PENDING', 'PAYING') AND b.expires_at_ms > $3))) AS BIGINT)";
    OWNER = "SELECT concert_id, member_id FROM bookings WHERE booking_id = $1";
    BOOKED_SEATS = "SELECT seat_id FROM booking_seats WHERE booking_id = $1";
    BOOKED_TICKETS = "SELECT ticket_id, quantity FROM booking_tickets WHERE booking_id = $1";
    BOOKING = "SELECT booking_id, concert_id, member_id, entry_number, state, amount, due_ms, \
        expires_at_ms, created_at_ms, confirmed_at_ms, cancelled_at_ms, \
        expires_at_ms > (SELECT {now}) FROM bookings WHERE booking_id = $1 {for update}";
    FREE_SEATS = "UPDATE seats SET holder = NULL, held_until_ms = NULL, booking_id = NULL, \
        entry_number = NULL WHERE booking_id = $1";
    HOLD_BOOKING = "UPDATE bookings SET state = $2, expires_at_ms = $3 WHERE booking_id = $1";
    HOLD_SEATS = "UPDATE seats SET held_until_ms = $2 WHERE booking_id = $1";
    SELL_TICKETS = "UPDATE tickets SET sold = sold + $3 WHERE concert_id = $1 AND ticket_id = $2";
    CANCEL = "UPDATE bookings SET state = 'CANCELLED', cancelled_at_ms = $2 WHERE booking_id = $1";
    EXPIRE = "UPDATE bookings SET due_ms = $2, expires_at_ms = $2 WHERE booking_id = $1";
}

#[derive(Debug)]
pub(super) struct SeatRow {
    pub(super) concert_id: ConcertId,
    pub(super) section: Section,
    pub(super) seat_row: u32,
    pub(super) seat_number: u32,
    pub(super) price: i64,
    pub(super) holder: Option<MemberId>,
    pub(super) held_until: Option<UnixMs>,
    pub(super) booking_id: Option<BookingId>,
    /// The session of a hold that is not booked.
    pub(super) entry_number: Option<EntryNumber>,
}

record!(SeatRow {
    concert_id,
    section,
    seat_row,
    seat_number,
    price,
    holder,
    held_until,
    booking_id,
    entry_number
});

impl SeatRow {
    /// Returns the member who holds or has bought the seat.
    pub(super) fn owner(&self, now: UnixMs) -> Option<&MemberId> {
        let live = self.held_until.is_none_or(|until| until > now);
        self.holder.as_ref().filter(|_| live)
    }

    /// Returns whether the visitor holds the seat without having booked it.
    pub(super) fn is_held_by(&self, visit: &Visit, now: UnixMs) -> bool {
        self.owner(now) == Some(&visit.member_id)
            && self.held_until.is_some()
            && self.booking_id.is_none()
            && !visit.is_after(self.entry_number)
    }
}

#[derive(Debug)]
pub(super) struct TicketRow {
    pub(super) name: String,
    pub(super) price: i64,
    pub(super) quantity: i64,
    pub(super) sold: i64,
}

record!(TicketRow {
    name,
    price,
    quantity,
    sold
});

#[derive(Debug)]
pub(super) struct BookingRow {
    pub(super) booking_id: BookingId,
    pub(super) concert_id: ConcertId,
    pub(super) member_id: MemberId,
    pub(super) entry_number: Option<EntryNumber>,
    pub(super) state: Stored,
    pub(super) amount: i64,
    pub(super) due: UnixMs,
    pub(super) expires_at: UnixMs,
    pub(super) created_at: UnixMs,
    pub(super) confirmed_at: Option<UnixMs>,
    pub(super) cancelled_at: Option<UnixMs>,
    /// Whether its end was still to come when it was read.
    pub(super) is_live: bool,
}

record!(BookingRow {
    booking_id,
    concert_id,
    member_id,
    entry_number,
    state,
    amount,
    due,
    expires_at,
    created_at,
    confirmed_at,
    cancelled_at,
    is_live
});

/// Locks a concert's stock, shared with other members, until the end of the transaction, and
/// returns the limit per member. Returns `None` if the concert has no stock.
pub(super) async fn lock_stock_shared(
    tx: &mut Transaction,
    concert: &ConcertId,
) -> Result<Option<i64>> {
    tx.execute(&TURN_SHARED, values![concert]).await?;
    let row: Option<(i64,)> = tx.row(&STOCK_SHARED, values![concert]).await?;
    Ok(row.map(|row| row.0))
}

/// Locks a member's share of a concert.
pub(super) async fn lock_buyer(
    tx: &mut Transaction,
    concert: &ConcertId,
    member: &MemberId,
) -> Result<()> {
    tx.execute(&BUYER, values![concert, member]).await.map(drop)
}

/// Returns whether the visitor's session is known to have ended. The buyer is locked, so a session
/// that has not ended now can only end after this transaction.
pub(super) async fn is_over(tx: &mut Transaction, visit: &Visit) -> Result<bool> {
    let Some(entry) = visit.entry_number else {
        return Ok(false);
    };
    let values = values![&visit.concert_id, entry];
    let over: Option<(EntryNumber,)> = tx.row(&SESSION_OVER, values).await?;
    Ok(over.is_some())
}

pub(super) async fn lock_tickets<'a>(
    tx: &mut Transaction,
    concert: &ConcertId,
    ids: impl IntoIterator<Item = &'a TicketId>,
) -> Result<BTreeMap<TicketId, TicketRow>> {
    let ids: BTreeSet<_> = ids.into_iter().collect();
    let mut rows = BTreeMap::new();
    for id in ids {
        if let Some(row) = tx.row(&TICKET, values![concert, id]).await? {
            rows.insert(id.clone(), row);
        }
    }
    Ok(rows)
}

pub(super) async fn lock_seats<'a>(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = &'a SeatId>,
) -> Result<BTreeMap<SeatId, SeatRow>> {
    let ids: BTreeSet<_> = ids.into_iter().collect();
    let mut rows = BTreeMap::new();
    for id in ids {
        if let Some(row) = tx.row(&SEAT, values![id]).await? {
            rows.insert(id.clone(), row);
        }
    }
    Ok(rows)
}

/// Returns the concert of a seat that does not belong to `concert`, if there is one.
pub(super) fn other_concert(
    seats: &BTreeMap<SeatId, SeatRow>,
    concert: &ConcertId,
) -> Option<ConcertId> {
    let mut others = seats.values().filter(|seat| seat.concert_id != *concert);
    others.next().map(|seat| seat.concert_id.clone())
}

/// Reads the database's clock.
pub(super) async fn now(tx: &mut Transaction) -> Result<UnixMs> {
    the_value(tx.row(&NOW, values![]).await?)
}

/// Returns how many seats and tickets of a concert a member has, whether held or booked.
pub(super) async fn had_by(
    tx: &mut Transaction,
    concert: &ConcertId,
    member: &MemberId,
    now: UnixMs,
) -> Result<i64> {
    the_value(tx.row(&HAD, values![concert, member, now]).await?)
}

/// A booking, locked together with its items.
pub(super) struct LockedBooking {
    pub(super) row: BookingRow,
    /// Its tickets and their quantities.
    pub(super) tickets: Vec<(TicketId, i64)>,
    /// Those of its seats that it still owns, in the order of their ids.
    pub(super) own: Vec<SeatId>,
    /// Whether it holds all of its items, that is, has not expired.
    pub(super) holds: bool,
    pub(super) now: UnixMs,
}

/// Locks a booking, of this member if one is given.
pub(super) async fn lock_booking(
    tx: &mut Transaction,
    id: BookingId,
    member: Option<&MemberId>,
) -> Result<Option<LockedBooking>> {
    // A booking's concert, member and items never change.
    let owner: Option<(ConcertId, MemberId)> = tx.row(&OWNER, values![&id]).await?;
    let Some((concert, owner)) = owner else {
        return Ok(None);
    };
    if member.is_some_and(|member| *member != owner) {
        return Ok(None);
    }
    let made_of: Vec<(SeatId,)> = tx.rows(&BOOKED_SEATS, values![&id]).await?;
    let tickets: Vec<(TicketId, i64)> = tx.rows(&BOOKED_TICKETS, values![&id]).await?;

    lock_stock_shared(tx, &concert).await?;
    lock_buyer(tx, &concert, &owner).await?;
    lock_tickets(tx, &concert, tickets.iter().map(|(id, _)| id)).await?;
    let seats = lock_seats(tx, made_of.iter().map(|(id,)| id)).await?;
    let found: Option<BookingRow> = tx.row(&BOOKING, values![&id]).await?;
    let row = found.ok_or_else(|| nonsense("a booking without a row"))?;
    let now = now(tx).await?;
    let own: Vec<_> = seats
        .into_iter()
        .filter(|(_, seat)| seat.booking_id == Some(id))
        .map(|(id, _)| id)
        .collect();
    let holds = row.state.is_unpaid() && row.expires_at > now && own.len() == made_of.len();
    Ok(Some(LockedBooking {
        row,
        tickets,
        own,
        holds,
        now,
    }))
}

impl LockedBooking {
    pub(super) fn id(&self) -> &BookingId {
        &self.row.booking_id
    }

    /// Frees the seats that it still owns.
    pub(super) async fn free_seats(&self, tx: &mut Transaction) -> Result<()> {
        tx.execute(&FREE_SEATS, values![self.id()]).await.map(drop)
    }

    /// Moves its deadline, and that of its seats' holds.
    pub(super) async fn hold_until(
        &self,
        tx: &mut Transaction,
        state: Stored,
        until: UnixMs,
    ) -> Result<()> {
        let values = values![self.id(), state, until];
        tx.execute(&HOLD_BOOKING, values).await?;
        let values = values![self.id(), until];
        tx.execute(&HOLD_SEATS, values).await.map(drop)
    }

    /// Counts its tickets as sold (`1`) or no longer sold (`-1`).
    pub(super) async fn sell_tickets(&self, tx: &mut Transaction, sign: i64) -> Result<()> {
        for (id, quantity) in &self.tickets {
            let values = values![&self.row.concert_id, id, sign * quantity];
            if tx.execute(&SELL_TICKETS, values).await? != 1 {
                return Err(nonsense("a live booking of tickets that are not on sale"));
            }
        }
        Ok(())
    }

    /// Cancels the booking.
    pub(super) async fn cancel(&self, tx: &mut Transaction) -> Result<()> {
        let values = values![self.id(), self.now];
        tx.execute(&CANCEL, values).await.map(drop)
    }

    /// Ends the booking as if its deadline had passed.
    pub(super) async fn expire(&self, tx: &mut Transaction) -> Result<()> {
        let values = values![self.id(), self.now];
        tx.execute(&EXPIRE, values).await.map(drop)
    }
}

/// Returns the value of a statement that always returns one.
pub(super) fn the_value<T>(row: Option<(T,)>) -> Result<T> {
    row.map(|row| row.0)
        .ok_or_else(|| nonsense("a missing row"))
}

pub(super) fn nonsense(fault: &'static str) -> DatabaseError {
    DatabaseError::Bug(fault.into())
}

/// Converts a number that the tables keep non-negative and in range.
pub(super) fn number<T: TryFrom<i64>>(stored: i64) -> Result<T> {
    T::try_from(stored).map_err(|_| nonsense("a number out of bounds"))
}

/// Returns a duration in whole milliseconds.
pub(super) fn ms(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Returns ids in the form that `{listed}` takes.
pub(super) fn listed<'a>(ids: impl IntoIterator<Item = &'a BookingId>) -> String {
    let ids: Vec<_> = ids.into_iter().map(ToString::to_string).collect();
    serde_json::json!(ids).to_string()
}
