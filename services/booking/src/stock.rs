//! What is for sale and who has it: the tables, and every step that changes them.
//!
//! Time is the database's own. A hold ends by the clock, in the query itself: a seat whose hold has
//! run out is free, and so are the seats and tickets of a booking that has expired, whether or not
//! anything was tidied up. Each verb is one transaction; what a customer can cause is in its
//! answer, and an error is the database's.

mod answers;
mod book;
mod hold;
mod ids;
mod outbox;
mod pay;
mod plan;
mod read;
mod rows;
mod sale;
mod view;

use sunbeon_database::{Database, Migration, Result};

pub use self::{
    answers::{
        Begun, BookedSeat, BookedTicket, Booking, BookingState, Cancelled, Charge, Created, Freed,
        HeldSeat, Kind, Locked, NewBooking, Paid, Put, Released, Removed, Reset, Seat, SeatState,
        Task, Ticket, Work,
    },
    ids::{BookingId, InvalidText, SeatId, Section, TicketId},
    plan::{Plan, PlannedSection, PlannedTicket},
};

const MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "stock and bookings",
    sql: include_str!("../migrations/0001_stock_and_bookings.sql"),
}];

/// The stock of every concert. A cheap handle.
#[derive(Debug, Clone)]
pub struct Stock(Database);

impl Stock {
    /// Opens the stock by its database's address. A database that is down is no error.
    pub fn open(url: &str) -> Result<Self> {
        Database::open(url).map(Self)
    }

    /// A stock on a database that is open.
    pub fn on(database: Database) -> Self {
        Self(database)
    }

    /// Brings the tables up to date; nothing to do is cheap.
    pub async fn migrate(&self) -> Result<()> {
        self.0.migrate(&MIGRATIONS).await
    }

    /// Whether the database answers and has the tables.
    pub async fn is_up(self) -> bool {
        const SQL: &str = "SELECT 1 FROM tasks LIMIT 1";
        self.0.execute(SQL, &[]).await.is_ok()
    }
}
