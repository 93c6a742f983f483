//! A stock with one concert on sale, on two replicas where the database allows.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use secrecy::SecretString;
use sunbeon_booking::stock::{
    Begun, Booking, BookingId, BookingState, Charge, Created, Holding, Kind, NewBooking, Paid,
    Plan, Put, SeatId, SeatState, Stock, Task, TicketId, Visit,
};
use sunbeon_database::{Database, Record, values};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_test_support::TestDatabase;
use tempfile::TempDir;

pub(crate) const HOLD: Duration = Duration::from_secs(600);
pub(crate) const MINUTE: i64 = 60_000;

pub(crate) struct World {
    pub(crate) stock: Stock,
    /// Another replica, or the same one if the database lives in this process.
    pub(crate) other: Stock,
    pub(crate) database: Database,
    pub(crate) url: String,
    _kept: (Option<TempDir>, Option<TestDatabase>),
}

impl World {
    pub(crate) async fn in_memory() -> World {
        Self::on("sqlite::memory:", true).await
    }

    pub(crate) async fn in_a_file() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}/stock.sqlite", folder.path().display());
        let mut world = Self::on(&url, false).await;
        world._kept.0 = Some(folder);
        world
    }

    pub(crate) async fn postgres() -> World {
        let database = TestDatabase::postgres().await;
        let mut world = Self::on(database.url(), false).await;
        world._kept.1 = Some(database);
        world
    }

    async fn on(url: &str, alone: bool) -> World {
        let database = Database::open(url).expect("a valid URL");
        let stock = Stock::on(database.clone());
        stock.migrate().await.expect("the tables can be created");
        let other = match alone {
            true => stock.clone(),
            false => Stock::open(url).expect("a valid URL"),
        };
        let put = stock.put(&demo(), &plan(4, 5)).await;
        assert_eq!(put.expect("a stock"), Put::Done);
        World {
            stock,
            other,
            database,
            url: url.to_owned(),
            _kept: (None, None),
        }
    }

    /// Returns one of the replicas.
    pub(crate) fn replica(&self, turn: usize) -> &Stock {
        [&self.stock, &self.other][turn % 2]
    }

    /// Makes everything this much older.
    pub(crate) async fn age(&self, ms: i64) {
        const AGE: [&str; 5] = [
            "UPDATE ended_sessions SET ended_ms = ended_ms - $1",
            "UPDATE seats SET held_until_ms = held_until_ms - $1",
            "UPDATE bookings SET due_ms = due_ms - $1, expires_at_ms = expires_at_ms - $1, \
             created_at_ms = created_at_ms - $1",
            "UPDATE payments SET due_ms = due_ms - $1",
            "UPDATE tasks SET due_ms = due_ms - $1, created_at_ms = created_at_ms - $1",
        ];
        for sql in AGE {
            let aged = self.database.execute(&sql.into(), values![ms]).await;
            aged.expect(sql);
        }
    }

    pub(crate) async fn rows<R: Record>(&self, sql: &'static str) -> Vec<R> {
        self.database.rows(&sql.into(), values![]).await.expect(sql)
    }

    pub(crate) async fn lock(&self, who: &str, seats: &[&str]) -> Holding {
        let locked = self
            .stock
            .hold(&visit(&demo(), &member(who)), &ids(seats), HOLD)
            .await;
        locked.expect("an answer")
    }

    /// Locks seats and creates a booking of them and of tickets of the kind `ga`.
    pub(crate) async fn book(&self, who: &str, seats: &[&str], tickets: u32) -> Booking {
        if !seats.is_empty() {
            let locked = self.lock(who, seats).await;
            assert!(matches!(locked, Holding::Held { .. }), "{locked:?}");
        }
        let created = self.stock.create(&wish(who, seats, tickets)).await;
        match created.expect("an answer") {
            Created::New(booking) => booking,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn begin(&self, who: &str, id: BookingId) -> Begun {
        let (who, token) = (member(who), SecretString::from("hunter2"));
        let begun = self
            .stock
            .begin_payment(&visit(&demo(), &who), id, &token, None)
            .await;
        begun.expect("an answer")
    }

    pub(crate) async fn charge(&self, who: &str, id: BookingId) -> Charge {
        match self.begin(who, id).await {
            Begun::Charge(charge) => charge,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn paid(&self, id: BookingId, attempt: u32) -> Paid {
        let payment = format!("pay-{id}-{attempt}");
        let paid = self.stock.paid(id, attempt, &payment).await;
        paid.expect("an answer")
    }

    /// Books, pays and confirms.
    pub(crate) async fn sell(&self, who: &str, seats: &[&str], tickets: u32) -> Booking {
        let id = self.book(who, seats, tickets).await.booking_id;
        self.charge(who, id).await;
        match self.paid(id, 1).await {
            Paid::Confirmed { booking, new: true } => booking,
            other => panic!("{other:?}"),
        }
    }

    /// Adds this many confirmed and this many pending bookings of one ticket each.
    pub(crate) async fn add_bookings(&self, confirmed: u32, pending: u32) {
        const BOOKINGS: &str = "WITH RECURSIVE n(i) AS \
            (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
            INSERT INTO bookings (booking_id, concert_id, member_id, state, amount, due_ms, \
                expires_at_ms, request, created_at_ms) \
            SELECT '01890a5d-ac96-774b-bcce-' || (100000000000 + i), 'demo', 'many-' || i, \
                CASE WHEN i <= $2 THEN 'CONFIRMED' ELSE 'PENDING' END, 10, \
                {now} + 600000, {now} + 600000, 'many', {now} FROM n";
        const TICKETS: &str = "INSERT INTO booking_tickets \
            (booking_id, ticket_id, name, quantity, price) \
            SELECT booking_id, 'ga', 'ga', 1, 10 FROM bookings WHERE request = 'many'";
        const PAYMENTS: &str = "INSERT INTO payments \
            (booking_id, attempt, payment_token, amount, state, payment_id, due_ms) \
            SELECT booking_id, 1, 'card', 10, 'PAID', 'pay-' || booking_id, 0 FROM bookings \
            WHERE request = 'many' AND state = 'CONFIRMED'";
        const SOLD: &str = "UPDATE tickets SET sold = sold + $1 WHERE ticket_id = 'ga'";
        let all = confirmed + pending;
        for (sql, values) in [
            (BOOKINGS, values![all, confirmed].as_slice()),
            (TICKETS, values![]),
            (PAYMENTS, values![]),
            (SOLD, values![confirmed]),
        ] {
            self.database.execute(&sql.into(), values).await.expect(sql);
        }
    }

    pub(crate) async fn state(&self, who: &str, id: BookingId) -> BookingState {
        let found = self.stock.booking(&member(who), id).await;
        found.expect("an answer").expect("a booking").state
    }

    pub(crate) async fn seat(&self, who: &str, id: &str) -> (SeatState, bool) {
        let (_, seats) = self.stock.seats(&demo()).await.expect("an answer");
        let seat = seats.iter().find(|seat| seat.seat_id == self::seat(id));
        let mine = self.stock.seats_of(&demo(), &member(who)).await;
        let mine = mine.expect("an answer");
        let mine = mine.iter().any(|seat| seat.seat_id == self::seat(id));
        (seat.expect("a seat").state, mine)
    }

    pub(crate) async fn tickets_left(&self) -> u32 {
        let tickets = self.stock.tickets(&demo()).await.expect("an answer");
        tickets[0].remaining
    }

    pub(crate) async fn due(&self) -> Vec<Task> {
        let mut due = Vec::new();
        for kind in [Kind::Complete, Kind::Refund] {
            due.extend(self.stock.due_tasks(kind, 100).await.expect("an answer"));
        }
        due
    }

    pub(crate) async fn refunds(&self) -> i64 {
        self.rows::<(i64,)>("SELECT COUNT(*) FROM tasks WHERE kind = 'refund'")
            .await[0]
            .0
    }

    /// Checks the invariants.
    pub(crate) async fn is_sound(&self) {
        let oversold: Vec<(String,)> = self
            .rows(
                "SELECT t.ticket_id FROM tickets t WHERE t.quantity < \
                 (SELECT COALESCE(SUM(p.quantity), 0) FROM bookings b \
                 JOIN booking_tickets p ON p.booking_id = b.booking_id \
                 WHERE b.concert_id = t.concert_id AND p.ticket_id = t.ticket_id \
                 AND (b.state = 'CONFIRMED' OR (b.state IN ('PENDING', 'PAYING') \
                 AND b.expires_at_ms > (SELECT {now}))))",
            )
            .await;
        assert!(oversold.is_empty(), "oversold: {oversold:?}");
        let miscounted: Vec<(String,)> = self
            .rows(
                "SELECT t.ticket_id FROM tickets t WHERE t.sold <> \
                 (SELECT COALESCE(SUM(p.quantity), 0) FROM bookings b \
                 JOIN booking_tickets p ON p.booking_id = b.booking_id \
                 WHERE b.concert_id = t.concert_id AND p.ticket_id = t.ticket_id \
                 AND b.state = 'CONFIRMED')",
            )
            .await;
        assert!(miscounted.is_empty(), "miscounted: {miscounted:?}");
        let twice: Vec<(String, i64)> = self
            .rows(
                "SELECT s.seat_id, COUNT(*) FROM booking_seats s \
                 JOIN bookings b ON b.booking_id = s.booking_id \
                 WHERE b.state = 'CONFIRMED' OR (b.state IN ('PENDING', 'PAYING') \
                 AND b.expires_at_ms > (SELECT {now})) GROUP BY s.seat_id HAVING COUNT(*) > 1",
            )
            .await;
        assert!(twice.is_empty(), "sold twice: {twice:?}");
        let adrift: Vec<(String,)> = self
            .rows(
                "SELECT s.seat_id FROM booking_seats s \
                 JOIN bookings b ON b.booking_id = s.booking_id WHERE NOT EXISTS \
                 (SELECT 1 FROM seats x WHERE x.seat_id = s.seat_id \
                 AND x.booking_id = b.booking_id AND x.holder = b.member_id \
                 AND (b.state = 'CONFIRMED') = (x.held_until_ms IS NULL)) \
                 AND (b.state = 'CONFIRMED' OR (b.state IN ('PENDING', 'PAYING') \
                 AND b.expires_at_ms > (SELECT {now})))",
            )
            .await;
        assert!(adrift.is_empty(), "booked but not held: {adrift:?}");
        let lost: Vec<(String,)> = self
            .rows(
                "SELECT s.seat_id FROM seats s JOIN bookings b ON b.booking_id = s.booking_id \
                 WHERE b.state = 'CANCELLED'",
            )
            .await;
        assert!(
            lost.is_empty(),
            "owned by nobody but not for sale: {lost:?}"
        );
        let kept: Vec<(String, i64)> = self
            .rows(
                "SELECT p.booking_id, p.attempt FROM payments p \
                 JOIN bookings b ON b.booking_id = p.booking_id \
                 WHERE (p.state = 'PAID' AND b.state <> 'CONFIRMED') \
                 OR (p.state = 'REFUND_DUE' AND NOT EXISTS (SELECT 1 FROM tasks t \
                 WHERE t.booking_id = p.booking_id AND t.attempt = p.attempt))",
            )
            .await;
        assert!(
            kept.is_empty(),
            "charged but neither confirmed nor refunded: {kept:?}"
        );
        let unpaid: Vec<(String,)> = self
            .rows(
                "SELECT b.booking_id FROM bookings b WHERE b.state = 'CONFIRMED' AND 1 <> \
                 (SELECT COUNT(*) FROM payments p WHERE p.booking_id = b.booking_id \
                 AND p.state = 'PAID')",
            )
            .await;
        assert!(
            unpaid.is_empty(),
            "confirmed but not paid exactly once: {unpaid:?}"
        );
    }
}

pub(crate) fn demo() -> ConcertId {
    ConcertId::parse("demo").expect("a valid id")
}

pub(crate) fn member(id: &str) -> MemberId {
    MemberId::parse(id).expect("a valid id")
}

/// Returns a seat of the concert `demo`, such as `A.1.2`.
pub(crate) fn seat(place: &str) -> SeatId {
    SeatId::parse(format!("demo.{place}")).expect("a valid id")
}

pub(crate) fn ids(places: &[&str]) -> BTreeSet<SeatId> {
    places.iter().map(|place| seat(place)).collect()
}

/// Returns a member's entry here; each member has another.
pub(crate) fn entry_of(member: &MemberId) -> EntryNumber {
    let bytes = member.as_str().bytes();
    let number = bytes.fold(0, |number, byte| number * 256 + u64::from(byte));
    EntryNumber(1_763_640_000_000_000 + number % 1_000_000_007)
}

/// Returns a visit in a member's session whose token outlives any hold.
pub(crate) fn visit(concert: &ConcertId, member: &MemberId) -> Visit {
    Visit {
        concert_id: concert.clone(),
        member_id: member.clone(),
        entry_number: Some(entry_of(member)),
        until: None,
    }
}

pub(crate) fn ticket() -> TicketId {
    TicketId::parse("ga").expect("a valid id")
}

/// Returns a plan of two rows of five seats at 1,000 each, and tickets at 10.
pub(crate) fn plan(limit: u32, tickets: u32) -> Plan {
    serde_json::from_value(serde_json::json!({
        "perMemberLimit": limit,
        "sections": [{"section": "A", "price": 1000, "rows": 2, "seatsPerRow": 5}],
        "tickets": [{"ticketId": "ga", "name": "스탠딩", "price": 10, "quantity": tickets}],
    }))
    .expect("a plan")
}

pub(crate) fn wish(who: &str, seats: &[&str], tickets: u32) -> NewBooking {
    let quantity = NonZeroU32::new(tickets).map(|quantity| (ticket(), quantity));
    NewBooking {
        visit: visit(&demo(), &member(who)),
        seat_ids: ids(seats),
        tickets: quantity.into_iter().collect(),
        hold: HOLD,
        idempotency_key: None,
    }
}
