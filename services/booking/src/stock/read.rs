//! Reading bookings whole.

use std::collections::HashMap;

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use sunbeon_database::{Result, Transaction, values};
use sunbeon_domain::{MemberId, UnixMs};

use super::{BookedSeat, BookedTicket, Booking, BookingId, BookingState, Section, Stock, rows};

/// Bookings of one member by a condition, on a database or within a transaction. What they are made
/// of is read after them and by their own ids, so that none is without it.
macro_rules! bookings {
    ($on:expr, $condition:literal, $values:expr) => {{
        const BOOKINGS: &str = concat!(
            "SELECT booking_id, concert_id, member_id, entry_number, state, amount, due_ms, \
            expires_at_ms, created_at_ms, confirmed_at_ms, cancelled_at_ms, \
            expires_at_ms > (SELECT {now}) AS is_live FROM bookings WHERE ",
            $condition
        );
        let bookings: Vec<Columns> = $on.rows(BOOKINGS, $values).await?;
        match (bookings.first(), bookings.last()) {
            (Some(first), Some(last)) => {
                let (newest, oldest) = (&first.row.booking_id, &last.row.booking_id);
                let values = values![&first.row.member_id, oldest, newest];
                let seats: Vec<SeatColumns> = $on.rows(SEATS, values).await?;
                let tickets: Vec<TicketColumns> = $on.rows(TICKETS, values).await?;
                whole(bookings, seats, tickets)
            }
            _ => Ok(Vec::new()),
        }
    }};
}

/// Of the bookings of a member from one id to another.
const SEATS: &str = "SELECT booking_id, seat_id, section, seat_row, seat_number, price \
    FROM booking_seats WHERE booking_id IN (SELECT booking_id FROM bookings \
        WHERE member_id = $1 AND booking_id >= $2 AND booking_id <= $3)";
const TICKETS: &str = "SELECT booking_id, ticket_id, name, quantity, price \
    FROM booking_tickets WHERE booking_id IN (SELECT booking_id FROM bookings \
        WHERE member_id = $1 AND booking_id >= $2 AND booking_id <= $3)";

/// A booking's row, and whether its end is to come.
#[derive(Debug)]
struct Columns {
    row: rows::BookingRow,
    is_live: bool,
}

impl<'r, R: Row> FromRow<'r, R> for Columns
where
    rows::BookingRow: FromRow<'r, R>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    &'static str: ColumnIndex<R>,
{
    fn from_row(columns: &'r R) -> sqlx::Result<Self> {
        let row = rows::BookingRow::from_row(columns)?;
        let is_live = columns.try_get("is_live")?;
        Ok(Self { row, is_live })
    }
}

type SeatColumns = (String, String, String, i64, i64, i64);
type TicketColumns = (String, String, String, i64, i64);

impl Stock {
    /// A member's booking.
    pub async fn booking(&self, member: &MemberId, id: BookingId) -> Result<Option<Booking>> {
        let values = values![member.as_str(), id.to_string()];
        let found = bookings!(self.0, "member_id = $1 AND booking_id = $2", values)?;
        Ok(found.into_iter().next())
    }

    /// Up to so many bookings of a member, newest first, older than a given one.
    pub async fn bookings(
        &self,
        member: &MemberId,
        after: Option<BookingId>,
        limit: u32,
    ) -> Result<Vec<Booking>> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let values = values![member.as_str(), after, limit];
        bookings!(
            self.0,
            "member_id = $1 AND ($2 = '' OR booking_id < $2) ORDER BY booking_id DESC LIMIT $3",
            values
        )
    }
}

/// A booking that is there, as it is within a transaction.
pub(super) async fn booking(tx: &mut Transaction, id: BookingId) -> Result<Booking> {
    let found = bookings!(tx, "booking_id = $1", values![id.to_string()])?;
    let booking = found.into_iter().next();
    booking.ok_or_else(|| rows::nonsense("a booking without a row"))
}

fn whole(
    bookings: Vec<Columns>,
    seats: Vec<SeatColumns>,
    tickets: Vec<TicketColumns>,
) -> Result<Vec<Booking>> {
    let mut seats_of = HashMap::<String, Vec<BookedSeat>>::new();
    for (booking, seat, section, row, number, price) in seats {
        seats_of.entry(booking).or_default().push(BookedSeat {
            seat_id: rows::seat_id(&seat)?,
            section: Section::parse(section).ok_or_else(|| rows::nonsense("a section"))?,
            row: rows::number(row)?,
            number: rows::number(number)?,
            price: rows::number(price)?,
        });
    }
    let mut tickets_of = HashMap::<String, Vec<BookedTicket>>::new();
    for (booking, ticket, name, quantity, price) in tickets {
        tickets_of.entry(booking).or_default().push(BookedTicket {
            ticket_id: rows::ticket_id(&ticket)?,
            name,
            quantity: rows::number(quantity)?,
            price: rows::number(price)?,
        });
    }
    let whole = bookings.into_iter().map(|Columns { row, is_live }| {
        let mut seats = seats_of.remove(&row.booking_id).unwrap_or_default();
        let mut tickets = tickets_of.remove(&row.booking_id).unwrap_or_default();
        seats.sort_unstable_by(|a, b| a.seat_id.cmp(&b.seat_id));
        tickets.sort_unstable_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
        Ok(Booking {
            booking_id: rows::booking_id(&row.booking_id)?,
            state: state(&row.state, is_live)?,
            concert_id: rows::concert_id(row.concert_id)?,
            member_id: rows::member_id(row.member_id)?,
            amount: rows::number(row.amount)?,
            seats,
            tickets,
            created_at: UnixMs(row.created_at_ms),
            expires_at: UnixMs(row.expires_at_ms),
            confirmed_at: row.confirmed_at_ms.map(UnixMs),
            cancelled_at: row.cancelled_at_ms.map(UnixMs),
        })
    });
    whole.collect()
}

fn state(stored: &str, is_live: bool) -> Result<BookingState> {
    match (stored, is_live) {
        ("CONFIRMED", _) => Ok(BookingState::Confirmed),
        ("CANCELLED", _) => Ok(BookingState::Cancelled),
        ("PENDING", true) => Ok(BookingState::Pending),
        ("PAYING", true) => Ok(BookingState::Paying),
        ("PENDING" | "PAYING", false) => Ok(BookingState::Expired),
        _ => Err(rows::nonsense("a booking's state")),
    }
}
