//! The stock and its owners: the tables, and every step that changes them.
//!
//! Time is the database's. A hold ends by the clock, in the query itself: a seat whose hold has
//! expired is free, and so are the seats and tickets of an expired booking, whether or not a job
//! has cleaned up. Every verb is one transaction. Its answer covers everything that a customer can
//! cause; errors come only from the database.

mod answers;
mod book;
mod hold;
mod left;
mod nearest;
mod outbox;
mod pay;
mod plan;
mod read;
mod rows;
mod sale;
mod sessions;
mod states;
mod view;

pub use sunbeon_client::{
    BookedSeat, BookedTicket, Booking, BookingState, MySeat, Seat, SeatState, Ticket,
};
use sunbeon_database::{Database, Migration, Result, Statement, statements};
pub use sunbeon_domain::{BookingId, SeatId, Section, TicketId};

pub use self::{
    answers::{
        Begun, Cancelled, Charge, Created, Ended, Freed, HeldSeat, Holding, MadePayment,
        MembersBooking, NewBooking, Paid, Put, Released, Removed, Reset, Session, Task, Unsettled,
        Visit, Work,
    },
    plan::{Plan, PlannedSection, PlannedTicket},
    states::{Kind, PaymentState},
};

const MIGRATIONS: [Migration; 3] = [
    Migration {
        version: 1,
        name: "stock and bookings",
        sql: include_str!("../migrations/0001_stock_and_bookings.sql"),
    },
    Migration {
        version: 2,
        name: "sessions and payment tokens",
        sql: include_str!("../migrations/0002_sessions_and_payment_tokens.sql"),
    },
    Migration {
        version: 3,
        name: "stock reports",
        sql: include_str!("../migrations/0003_stock_reports.sql"),
    },
];

statements! {
    /// Writes no rows, which a read-only database refuses.
    IS_UP = "DELETE FROM ended_sessions WHERE 1 = 0";
}

/// Returns every statement of the shop, for a test that compiles each on both databases.
pub fn statements() -> impl Iterator<Item = &'static Statement> {
    let all = [
        STATEMENTS,
        book::STATEMENTS,
        hold::STATEMENTS,
        left::STATEMENTS,
        nearest::STATEMENTS,
        outbox::STATEMENTS,
        pay::STATEMENTS,
        read::STATEMENTS,
        rows::STATEMENTS,
        sale::STATEMENTS,
        sessions::STATEMENTS,
        view::STATEMENTS,
    ];
    all.into_iter().flatten().copied()
}

/// The stock of every concert. A cheap handle.
#[derive(Debug, Clone)]
pub struct Stock(Database);

impl Stock {
    /// Opens the stock at its database's address. A database that is down is not an error.
    pub fn open(url: &str) -> Result<Self> {
        Database::open(url).map(Self)
    }

    /// Creates the stock on an open database.
    pub fn on(database: Database) -> Self {
        Self(database)
    }

    /// Brings the tables up to date; cheap if they are.
    pub async fn migrate(&self) -> Result<()> {
        self.0.migrate(&MIGRATIONS).await
    }

    /// Waits until [`Stock::migrate`] has succeeded once, at most two seconds.
    pub async fn migrated(&self) {
        self.0.migrated().await;
    }

    /// Closes the database's connections.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// Returns whether the database accepts writes and has the tables.
    pub async fn is_up(self) -> bool {
        self.0.execute(&IS_UP, &[]).await.is_ok()
    }
}
