//! What an operator does: putting on sale, taking off, starting over.

use sunbeon_database::{DatabaseError, Result, Transaction, again, values};
use sunbeon_domain::ConcertId;

use super::{Plan, PlannedSection, PlannedTicket, Put, Removed, Reset, Stock, rows};

/// How many bookings one part of a reset cancels: well within what a statement may take, and others
/// have a turn in between.
const AT_ONCE: u32 = 1_000;

impl Stock {
    /// Puts a plan on sale in the place of the one before.
    pub async fn put(&self, concert: &ConcertId, plan: &Plan) -> Result<Put> {
        if let Err(field) = plan.check() {
            return Ok(Put::Invalid(field));
        }
        again(|| async {
            let mut tx = self.0.begin().await?;
            let put = put(&mut tx, concert.as_str(), plan).await?;
            if put == Put::Done {
                tx.commit().await?;
            }
            Ok(put)
        })
        .await
    }

    /// The plan that is on sale.
    pub async fn plan(&self, concert: &ConcertId) -> Result<Option<Plan>> {
        const SQL: &str = "SELECT plan FROM stock WHERE concert_id = $1";
        let row: Option<(String,)> = self.0.row(SQL, values![concert.as_str()]).await?;
        row.map(|row| read(&row.0)).transpose()
    }

    /// Takes a concert's stock off sale. Its bookings stay to be read.
    pub async fn remove(&self, concert: &ConcertId) -> Result<Removed> {
        const STOCK: &str = "DELETE FROM stock WHERE concert_id = $1";
        again(|| async {
            let concert = concert.as_str();
            let mut tx = self.0.begin().await?;
            if alone(&mut tx, concert).await?.is_none() {
                return Ok(Removed::NoStock);
            }
            if in_use(&mut tx, concert).await? {
                return Ok(Removed::InUse);
            }
            clear(&mut tx, concert).await?;
            tx.execute(STOCK, values![concert]).await?;
            tx.commit().await?;
            Ok(Removed::Done)
        })
        .await
    }

    /// Cancels up to 1,000 bookings of a concert that could still be, or are, confirmed, with a
    /// refund of what was paid. The part that finds no more of them frees every hold as well, and
    /// everything is for sale then. Each part is whole by itself: what was cut short between two is
    /// gone on with by calling again. None: nothing is on sale.
    pub async fn reset(&self, concert: &ConcertId) -> Result<Option<Reset>> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            if alone(&mut tx, concert.as_str()).await?.is_none() {
                return Ok(None);
            }
            let reset = reset(&mut tx, concert.as_str()).await?;
            tx.commit().await?;
            Ok(Some(reset))
        })
        .await
    }
}

fn read(plan: &str) -> Result<Plan> {
    serde_json::from_str(plan).map_err(|error| DatabaseError::Bug(error.into()))
}

/// The plan of a stock that from here on nothing else happens to.
async fn alone(tx: &mut Transaction, concert: &str) -> Result<Option<String>> {
    const IN_TURN: &str = "SELECT {in turn, alone}";
    const SQL: &str = "SELECT plan FROM stock WHERE concert_id = $1 {for update}";
    tx.execute(IN_TURN, values![concert]).await?;
    let row: Option<(String,)> = tx.row(SQL, values![concert]).await?;
    Ok(row.map(|row| row.0))
}

/// Whether anything is held, pending or confirmed.
async fn in_use(tx: &mut Transaction, concert: &str) -> Result<bool> {
    const SQL: &str = "SELECT CAST(\
        (SELECT COUNT(*) FROM seats WHERE concert_id = $1 AND holder IS NOT NULL \
            AND (held_until_ms IS NULL OR held_until_ms > $2)) \
        + (SELECT COUNT(*) FROM bookings WHERE concert_id = $1 AND (state = 'CONFIRMED' \
            OR (state IN ('PENDING', 'PAYING') AND expires_at_ms > $2))) AS BIGINT)";
    let now = rows::now(tx).await?;
    let row: Option<(i64,)> = tx.row(SQL, values![concert, now]).await?;
    Ok(row.is_none_or(|row| row.0 > 0))
}

async fn clear(tx: &mut Transaction, concert: &str) -> Result<()> {
    tx.execute("DELETE FROM seats WHERE concert_id = $1", values![concert])
        .await?;
    tx.execute(
        "DELETE FROM tickets WHERE concert_id = $1",
        values![concert],
    )
    .await?;
    tx.execute("DELETE FROM buyers WHERE concert_id = $1", values![concert])
        .await
        .map(drop)
}

async fn put(tx: &mut Transaction, concert: &str, plan: &Plan) -> Result<Put> {
    // A stock that is not there yet has the empty plan, so that there is a row; it is locked, and
    // there until the end, also where it was there before.
    const NEW: &str = "INSERT INTO stock (concert_id, per_member_limit, plan) VALUES ($1, $2, '') \
        ON CONFLICT (concert_id) DO UPDATE SET concert_id = excluded.concert_id";
    const PLAN: &str = "UPDATE stock SET per_member_limit = $2, plan = $3 WHERE concert_id = $1";
    let limit = plan.per_member_limit;
    let mut before = alone(tx, concert).await?;
    if before.is_none() {
        tx.execute(NEW, values![concert, limit]).await?;
        before = alone(tx, concert).await?;
    }
    let before = before.unwrap_or_default();
    if !before.is_empty() && read(&before)? == *plan {
        return Ok(Put::Done);
    }
    if in_use(tx, concert).await? {
        return Ok(Put::InUse);
    }
    clear(tx, concert).await?;
    let text = serde_json::to_string(plan).map_err(|error| DatabaseError::Bug(error.into()))?;
    tx.execute(PLAN, values![concert, limit, text]).await?;
    for section in &plan.sections {
        put_section(tx, concert, section).await?;
    }
    for ticket in &plan.tickets {
        put_ticket(tx, concert, ticket).await?;
    }
    Ok(Put::Done)
}

async fn put_section(tx: &mut Transaction, concert: &str, section: &PlannedSection) -> Result<()> {
    const SQL: &str = "WITH RECURSIVE \
        r(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM r WHERE n < $4), \
        s(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < $5) \
        INSERT INTO seats (seat_id, concert_id, section, seat_row, seat_number, price) \
        SELECT $1 || '.' || $2 || '.' || r.n || '.' || s.n, $1, $2, r.n, s.n, $3 FROM r, s";
    let price = i64::try_from(section.price).unwrap_or(i64::MAX);
    let (name, rows, number) = (
        section.section.as_str(),
        section.rows,
        section.seats_per_row,
    );
    tx.execute(SQL, values![concert, name, price, rows, number])
        .await
        .map(drop)
}

async fn put_ticket(tx: &mut Transaction, concert: &str, ticket: &PlannedTicket) -> Result<()> {
    const SQL: &str = "INSERT INTO tickets (concert_id, ticket_id, name, price, quantity, sold) \
        VALUES ($1, $2, $3, $4, $5, 0)";
    let price = i64::try_from(ticket.price).unwrap_or(i64::MAX);
    let (id, name) = (ticket.ticket_id.as_str(), ticket.name.as_str());
    tx.execute(SQL, values![concert, id, name, price, ticket.quantity])
        .await
        .map(drop)
}

/// One part.
async fn reset(tx: &mut Transaction, concert: &str) -> Result<Reset> {
    const FIND: &str = "SELECT booking_id FROM bookings \
            WHERE concert_id = $1 AND state = 'CONFIRMED' \
        UNION ALL SELECT booking_id FROM bookings \
            WHERE concert_id = $1 AND state IN ('PENDING', 'PAYING') AND expires_at_ms > $2 \
        LIMIT $3";
    const THEIR_SEATS: &str = "UPDATE seats SET holder = NULL, held_until_ms = NULL, \
        booking_id = NULL WHERE booking_id IN {listed} RETURNING seat_id";
    const ALL_SEATS: &str = "UPDATE seats SET holder = NULL, held_until_ms = NULL, \
        booking_id = NULL WHERE concert_id = $1 AND holder IS NOT NULL RETURNING seat_id";
    let now = rows::now(tx).await?;
    let found: Vec<(String,)> = tx.rows(FIND, values![concert, now, AT_ONCE]).await?;
    let more = found.len() == AT_ONCE as usize;
    let ids: Vec<_> = found.into_iter().map(|row| row.0).collect();
    let ids = serde_json::to_string(&ids).map_err(|error| DatabaseError::Bug(error.into()))?;
    let freed: Vec<(String,)> = match more {
        true => tx.rows(THEIR_SEATS, values![&ids]).await?,
        false => tx.rows(ALL_SEATS, values![concert]).await?,
    };
    let freed = freed.iter().map(|row| rows::seat_id(&row.0));
    let mut freed: Vec<_> = freed.collect::<Result<_>>()?;
    freed.sort_unstable();
    let cancelled = cancel(tx, concert, &ids, now).await?;
    Ok(Reset {
        cancelled,
        freed,
        more,
    })
}

/// Cancels the bookings of a list, and gives back what was sold and paid with them.
async fn cancel(tx: &mut Transaction, concert: &str, ids: &str, now: i64) -> Result<u64> {
    const TICKETS: &str = "UPDATE tickets SET sold = sold - back.quantity FROM (\
            SELECT t.ticket_id, CAST(SUM(t.quantity) AS BIGINT) AS quantity FROM bookings b \
            JOIN booking_tickets t ON t.booking_id = b.booking_id \
            WHERE b.booking_id IN {listed} AND b.state = 'CONFIRMED' GROUP BY t.ticket_id\
        ) AS back WHERE tickets.concert_id = $2 AND tickets.ticket_id = back.ticket_id";
    const TASKS: &str = "INSERT INTO tasks (task_id, kind, booking_id, attempt, due_ms, created_at_ms) \
        SELECT 'refund-' || booking_id || '-' || attempt, 'refund', booking_id, attempt, $2, $2 \
        FROM payments WHERE booking_id IN {listed} AND state = 'PAID'";
    const PAYMENTS: &str = "UPDATE payments SET state = 'REFUND_DUE' \
        WHERE booking_id IN {listed} AND state = 'PAID'";
    const BOOKINGS: &str = "UPDATE bookings SET state = 'CANCELLED', cancelled_at_ms = $2 \
        WHERE booking_id IN {listed}";
    tx.execute(TICKETS, values![ids, concert]).await?;
    tx.execute(TASKS, values![ids, now]).await?;
    tx.execute(PAYMENTS, values![ids]).await?;
    tx.execute(BOOKINGS, values![ids, now]).await
}
