//! Reading complete bookings.

use std::collections::HashMap;

use sunbeon_database::{
    Database, Record, Result, Statement, Transaction, Value, statements, values,
};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

use super::{
    BookedSeat, BookedTicket, Booking, BookingId, BookingState, MadePayment, MembersBooking, Stock,
    rows::{self, BookingRow},
    states::{PaymentState, Stored},
};

/// Builds a statement on bookings from a condition.
macro_rules! bookings {
    ($condition:literal) => {
        concat!(
            "SELECT booking_id, concert_id, member_id, entry_number, state, amount, due_ms, \
            expires_at_ms, created_at_ms, confirmed_at_ms, cancelled_at_ms, \
            expires_at_ms > (SELECT {now}) FROM bookings WHERE ",
            $condition
        )
    };
}

statements! {
    ONE = bookings!("booking_id = $1");
    A_MEMBERS = bookings!("member_id = $1 AND booking_id = $2");
    OF_A_MEMBER = bookings!(
        "member_id = $1 AND ($2 = '' OR booking_id < $2) ORDER BY booking_id DESC LIMIT $3"
    );
    OF_A_CONCERT = bookings!(
        "concert_id = $1 AND booking_id > $2 ORDER BY booking_id LIMIT $3"
    );
    SEATS = "SELECT booking_id, seat_id, section, seat_row, seat_number, price \
        FROM booking_seats WHERE booking_id IN {listed}";
    TICKETS = "SELECT booking_id, ticket_id, name, quantity, price \
        FROM booking_tickets WHERE booking_id IN {listed}";
    PAYMENTS = "SELECT booking_id, payment_id, state FROM payments \
        WHERE payment_id IS NOT NULL AND booking_id IN {listed} ORDER BY booking_id, attempt";
}

/// The source of bookings: a database or a transaction.
enum Source<'a> {
    Database(&'a Database),
    Transaction(&'a mut Transaction),
}

impl Source<'_> {
    async fn rows<R: Record>(&mut self, statement: &Statement, values: &[Value]) -> Result<Vec<R>> {
        match self {
            Self::Database(database) => database.rows(statement, values).await,
            Self::Transaction(tx) => tx.rows(statement, values).await,
        }
    }

    async fn bookings(&mut self, statement: &Statement, values: &[Value]) -> Result<Vec<Booking>> {
        let found = self.owned(statement, values).await?;
        Ok(found.into_iter().map(|owned| owned.booking).collect())
    }

    /// Reads bookings first and their items afterwards by id, so that no booking comes without its
    /// items.
    async fn owned(&mut self, statement: &Statement, values: &[Value]) -> Result<Vec<Owned>> {
        let bookings: Vec<BookingRow> = self.rows(statement, values).await?;
        if bookings.is_empty() {
            return Ok(Vec::new());
        }
        let ids = rows::listed(bookings.iter().map(|row| &row.booking_id));
        let seats = self.rows(&SEATS, values![&ids]).await?;
        let tickets = self.rows(&TICKETS, values![&ids]).await?;
        whole(bookings, seats, tickets)
    }
}

/// A booking and its member.
struct Owned {
    booking: Booking,
    member_id: MemberId,
    /// The session in which it was created or last paid.
    entry_number: Option<EntryNumber>,
}

type SeatColumns = (BookingId, super::SeatId, super::Section, u32, u32, u64);
type TicketColumns = (BookingId, super::TicketId, String, u32, u64);

impl Stock {
    /// Returns a member's booking.
    pub async fn booking(&self, member: &MemberId, id: BookingId) -> Result<Option<Booking>> {
        let mut source = Source::Database(&self.0);
        let found = source.bookings(&A_MEMBERS, values![member, &id]).await?;
        Ok(found.into_iter().next())
    }

    /// Returns up to `limit` bookings of a member, newest first, older than `after`.
    pub async fn bookings(
        &self,
        member: &MemberId,
        after: Option<BookingId>,
        limit: u32,
    ) -> Result<Vec<Booking>> {
        let mut source = Source::Database(&self.0);
        let values = values![member, text(after), limit];
        source.bookings(&OF_A_MEMBER, values).await
    }

    /// Returns up to `limit` bookings of a concert, oldest first, newer than `after`.
    pub async fn bookings_of(
        &self,
        concert: &ConcertId,
        after: Option<BookingId>,
        limit: u32,
    ) -> Result<Vec<MembersBooking>> {
        let mut source = Source::Database(&self.0);
        let values = values![concert, text(after), limit];
        let found = source.owned(&OF_A_CONCERT, values).await?;
        let ids = rows::listed(found.iter().map(|owned| &owned.booking.booking_id));
        let payments: Vec<(BookingId, String, PaymentState)> =
            source.rows(&PAYMENTS, values![&ids]).await?;
        // The last attempt of each booking.
        let made = payments.into_iter().map(|(id, payment_id, state)| {
            let payment = MadePayment { payment_id, state };
            (id, payment)
        });
        let mut payments: HashMap<_, _> = made.collect();
        let whole = found.into_iter().map(|owned| MembersBooking {
            payment: payments.remove(&owned.booking.booking_id),
            member_id: owned.member_id,
            entry_number: owned.entry_number,
            booking: owned.booking,
        });
        Ok(whole.collect())
    }
}

fn text(id: Option<BookingId>) -> String {
    id.map_or_else(String::new, |id| id.to_string())
}

/// Reads an existing booking, as seen within a transaction.
pub(super) async fn booking(tx: &mut Transaction, id: BookingId) -> Result<Booking> {
    let mut source = Source::Transaction(tx);
    let found = source.bookings(&ONE, values![&id]).await?;
    let booking = found.into_iter().next();
    booking.ok_or_else(|| rows::nonsense("a booking without a row"))
}

fn whole(
    bookings: Vec<BookingRow>,
    seats: Vec<SeatColumns>,
    tickets: Vec<TicketColumns>,
) -> Result<Vec<Owned>> {
    let mut seats_of = HashMap::<_, Vec<BookedSeat>>::new();
    for (booking, seat_id, section, row, number, price) in seats {
        seats_of.entry(booking).or_default().push(BookedSeat {
            seat_id,
            section,
            row,
            number,
            price,
        });
    }
    let mut tickets_of = HashMap::<_, Vec<BookedTicket>>::new();
    for (booking, ticket_id, name, quantity, price) in tickets {
        tickets_of.entry(booking).or_default().push(BookedTicket {
            ticket_id,
            name,
            quantity,
            price,
        });
    }
    let whole = bookings.into_iter().map(|row| {
        let mut seats = seats_of.remove(&row.booking_id).unwrap_or_default();
        let mut tickets = tickets_of.remove(&row.booking_id).unwrap_or_default();
        seats.sort_unstable_by(|a, b| a.seat_id.cmp(&b.seat_id));
        tickets.sort_unstable_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
        let booking = Booking {
            seats,
            tickets,
            state: state(row.state, row.is_live),
            amount: rows::number(row.amount)?,
            booking_id: row.booking_id,
            concert_id: row.concert_id,
            created_at: row.created_at,
            expires_at: row.expires_at,
            confirmed_at: row.confirmed_at,
            cancelled_at: row.cancelled_at,
        };
        Ok(Owned {
            booking,
            member_id: row.member_id,
            entry_number: row.entry_number,
        })
    });
    whole.collect()
}

fn state(stored: Stored, is_live: bool) -> BookingState {
    match (stored, is_live) {
        (Stored::Confirmed, _) => BookingState::Confirmed,
        (Stored::Cancelled, _) => BookingState::Cancelled,
        (Stored::Pending, true) => BookingState::Pending,
        (Stored::Paying, true) => BookingState::Paying,
        (Stored::Pending | Stored::Paying, false) => BookingState::Expired,
    }
}
