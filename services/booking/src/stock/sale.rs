//! Operators' verbs: putting stock on sale, taking it off, and resetting a sale.

use std::collections::HashMap;

use serde::Serialize;
use sunbeon_database::{DatabaseError, Result, Transaction, again, statements, values};
use sunbeon_domain::{ConcertId, UnixMs};

use super::{
    BookingId, Plan, PlannedSection, PlannedTicket, Put, Removed, Reset, SeatId, Section, Stock,
    TicketId, rows,
};

/// How many bookings one part of a reset cancels: well within the limit of a statement, and others
/// get a turn in between.
const AT_ONCE: u32 = 1_000;

statements! {
    PLAN = "SELECT plan FROM stock WHERE concert_id = $1";
    TURN_ALONE = "SELECT {in turn, alone}";
    STOCK_ALONE = "SELECT plan FROM stock WHERE concert_id = $1 {for update}";
    /// A new stock has an empty plan, so that there is a row to lock.
    NEW = "INSERT INTO stock (concert_id, per_member_limit, plan) VALUES ($1, $2, '') \
        ON CONFLICT (concert_id) DO UPDATE SET concert_id = excluded.concert_id";
    PUT_PLAN = "UPDATE stock SET per_member_limit = $2, plan = $3 WHERE concert_id = $1";
    REMOVE_STOCK = "DELETE FROM stock WHERE concert_id = $1";
    REMOVE_SEATS = "DELETE FROM seats WHERE concert_id = $1";
    REMOVE_TICKETS = "DELETE FROM tickets WHERE concert_id = $1";
    REMOVE_BUYERS = "DELETE FROM buyers WHERE concert_id = $1";
    REMOVE_REPORTS = "DELETE FROM stock_reports WHERE concert_id = $1";
    IN_USE = "SELECT CAST(\
        (SELECT COUNT(*) FROM seats WHERE concert_id = $1 AND holder IS NOT NULL \
            AND (held_until_ms IS NULL OR held_until_ms > $2)) \
        + (SELECT COUNT(*) FROM bookings WHERE concert_id = $1 AND (state = 'CONFIRMED' \
            OR (state IN ('PENDING', 'PAYING') AND expires_at_ms > $2))) AS BIGINT)";
    /// Per section: the largest row and number in use, and how many seats are held but not booked,
    /// so that their price is not fixed yet.
    TAKEN_SEATS = "SELECT section, MAX(seat_row), MAX(seat_number), \
        CAST(SUM(CASE WHEN booking_id IS NULL THEN 1 ELSE 0 END) AS BIGINT) FROM seats \
        WHERE concert_id = $1 AND holder IS NOT NULL \
            AND (held_until_ms IS NULL OR held_until_ms > $2) GROUP BY section";
    TAKEN_TICKETS = "SELECT t.ticket_id, \
        CAST(t.sold + COALESCE((SELECT SUM(p.quantity) FROM bookings b \
            JOIN booking_tickets p ON p.booking_id = b.booking_id \
                AND p.ticket_id = t.ticket_id \
            WHERE b.concert_id = t.concert_id AND b.state IN ('PENDING', 'PAYING') \
                AND b.expires_at_ms > $2), 0) AS BIGINT) \
        FROM tickets t WHERE t.concert_id = $1";
    DROP_SECTIONS = "DELETE FROM seats WHERE concert_id = $2 AND section NOT IN {listed}";
    SHRINK = "DELETE FROM seats WHERE concert_id = $1 AND section = $2 \
        AND (seat_row > $3 OR seat_number > $4)";
    REPRICE = "UPDATE seats SET price = $3 WHERE concert_id = $1 AND section = $2 AND price <> $3";
    GROW = "WITH RECURSIVE \
        r(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM r WHERE n < $4), \
        s(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM s WHERE n < $5) \
        INSERT INTO seats (seat_id, concert_id, section, seat_row, seat_number, price) \
        SELECT $1 || '.' || $2 || '.' || r.n || '.' || s.n, $1, $2, r.n, s.n, $3 FROM r, s \
        WHERE true ON CONFLICT (seat_id) DO NOTHING";
    DROP_TICKETS = "DELETE FROM tickets WHERE concert_id = $2 AND ticket_id NOT IN {listed}";
    PUT_TICKET = "INSERT INTO tickets (concert_id, ticket_id, name, price, quantity, sold) \
        VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (concert_id, ticket_id) DO UPDATE \
        SET name = excluded.name, price = excluded.price, quantity = excluded.quantity";
    FIND_UNDONE = "SELECT booking_id FROM bookings \
            WHERE concert_id = $1 AND state = 'CONFIRMED' \
        UNION ALL SELECT booking_id FROM bookings \
            WHERE concert_id = $1 AND state IN ('PENDING', 'PAYING') AND expires_at_ms > $2 \
        LIMIT $3";
    FREE_THEIRS = "UPDATE seats SET holder = NULL, held_until_ms = NULL, booking_id = NULL, \
        entry_number = NULL WHERE booking_id IN {listed} RETURNING seat_id";
    FREE_ALL = "UPDATE seats SET holder = NULL, held_until_ms = NULL, booking_id = NULL, \
        entry_number = NULL WHERE concert_id = $1 AND holder IS NOT NULL RETURNING seat_id";
    UNSELL = "UPDATE tickets SET sold = sold - back.quantity FROM (\
            SELECT t.ticket_id, CAST(SUM(t.quantity) AS BIGINT) AS quantity FROM bookings b \
            JOIN booking_tickets t ON t.booking_id = b.booking_id \
            WHERE b.booking_id IN {listed} AND b.state = 'CONFIRMED' GROUP BY t.ticket_id\
        ) AS back WHERE tickets.concert_id = $2 AND tickets.ticket_id = back.ticket_id";
    REFUNDS = "INSERT INTO tasks (task_id, kind, booking_id, attempt, due_ms, created_at_ms) \
        SELECT 'refund-' || booking_id || '-' || attempt, 'refund', booking_id, attempt, $2, $2 \
        FROM payments WHERE booking_id IN {listed} AND state = 'PAID'";
    REFUNDS_DUE = "UPDATE payments SET state = 'REFUND_DUE' \
        WHERE booking_id IN {listed} AND state = 'PAID'";
    CANCEL = "UPDATE bookings SET state = 'CANCELLED', cancelled_at_ms = $2 \
        WHERE booking_id IN {listed}";
}

impl Stock {
    /// Puts a plan on sale, replacing the previous one. Seats and tickets can be added at any time,
    /// and removed only down to what members have.
    pub async fn put(&self, concert: &ConcertId, plan: &Plan) -> Result<Put> {
        if let Err(field) = plan.check() {
            return Ok(Put::Invalid(field));
        }
        again(|| async {
            let mut tx = self.0.begin().await?;
            let put = put(&mut tx, concert, plan).await?;
            if put == Put::Done {
                tx.commit().await?;
            }
            Ok(put)
        })
        .await
    }

    /// Returns the plan on sale.
    pub async fn plan(&self, concert: &ConcertId) -> Result<Option<Plan>> {
        let row: Option<(String,)> = self.0.row(&PLAN, values![concert]).await?;
        row.map(|row| read(&row.0)).transpose()
    }

    /// Takes a concert's stock off sale. Its bookings can still be read.
    pub async fn remove(&self, concert: &ConcertId) -> Result<Removed> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            if lock_stock_alone(&mut tx, concert).await?.is_none() {
                return Ok(Removed::NoStock);
            }
            let now = rows::now(&mut tx).await?;
            let used: Option<(i64,)> = tx.row(&IN_USE, values![concert, now]).await?;
            if rows::the_value(used)? > 0 {
                return Ok(Removed::InUse);
            }
            for statement in [
                &REMOVE_SEATS,
                &REMOVE_TICKETS,
                &REMOVE_BUYERS,
                &REMOVE_REPORTS,
                &REMOVE_STOCK,
            ] {
                tx.execute(statement, values![concert]).await?;
            }
            tx.commit().await?;
            Ok(Removed::Done)
        })
        .await
    }

    /// Cancels up to 1,000 bookings of a concert that are confirmed or could still be, and has
    /// their payments refunded. The part that finds no more of them also releases every hold; then
    /// everything is for sale. Every part is complete in itself: a reset interrupted between two
    /// parts is finished by calling again. Returns `None` if the concert has no stock.
    pub async fn reset(&self, concert: &ConcertId) -> Result<Option<Reset>> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            if lock_stock_alone(&mut tx, concert).await?.is_none() {
                return Ok(None);
            }
            let reset = reset(&mut tx, concert).await?;
            tx.commit().await?;
            Ok(Some(reset))
        })
        .await
    }
}

fn read(plan: &str) -> Result<Plan> {
    serde_json::from_str(plan).map_err(|error| DatabaseError::Bug(error.into()))
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| DatabaseError::Bug(error.into()))
}

/// Locks a concert's stock exclusively until the end of the transaction, and returns its plan.
async fn lock_stock_alone(tx: &mut Transaction, concert: &ConcertId) -> Result<Option<String>> {
    tx.execute(&TURN_ALONE, values![concert]).await?;
    let row: Option<(String,)> = tx.row(&STOCK_ALONE, values![concert]).await?;
    Ok(row.map(|row| row.0))
}

async fn put(tx: &mut Transaction, concert: &ConcertId, plan: &Plan) -> Result<Put> {
    let limit = plan.per_member_limit;
    let mut before = lock_stock_alone(tx, concert).await?;
    if before.is_none() {
        tx.execute(&NEW, values![concert, limit]).await?;
        before = lock_stock_alone(tx, concert).await?;
    }
    let before = match before.unwrap_or_default() {
        empty if empty.is_empty() => None,
        text => Some(read(&text)?),
    };
    if before.as_ref() == Some(plan) {
        return Ok(Put::Done);
    }
    let now = rows::now(tx).await?;
    let sections = sections_in_the_way(tx, concert, plan, before.as_ref(), now).await?;
    let tickets = tickets_in_the_way(tx, concert, plan, now).await?;
    if !sections.is_empty() || !tickets.is_empty() {
        return Ok(Put::InUse { sections, tickets });
    }
    put_seats(tx, concert, &plan.sections).await?;
    put_tickets(tx, concert, &plan.tickets).await?;
    let values = values![concert, limit, json(plan)?];
    tx.execute(&PUT_PLAN, values).await?;
    Ok(Put::Done)
}

/// Returns the sections that would lose a seat somebody has, or change the price of a seat that is
/// held but not booked yet.
async fn sections_in_the_way(
    tx: &mut Transaction,
    concert: &ConcertId,
    plan: &Plan,
    before: Option<&Plan>,
    now: UnixMs,
) -> Result<Vec<Section>> {
    let taken: Vec<(Section, u32, u32, u32)> = tx.rows(&TAKEN_SEATS, values![concert, now]).await?;
    let planned = by_name(plan);
    let before = before.map(by_name).unwrap_or_default();
    let in_the_way = taken.into_iter().filter(|(section, row, number, held)| {
        planned.get(section).is_none_or(|planned| {
            let price_before = before.get(section).map(|before| before.price);
            *row > planned.rows
                || *number > planned.seats_per_row
                || (*held > 0 && price_before != Some(planned.price))
        })
    });
    let mut sections: Vec<_> = in_the_way.map(|taken| taken.0).collect();
    sections.sort_unstable();
    Ok(sections)
}

fn by_name(plan: &Plan) -> HashMap<&Section, &PlannedSection> {
    let sections = plan.sections.iter();
    sections
        .map(|section| (&section.section, section))
        .collect()
}

/// Returns the kinds of tickets of which members have more than the plan has.
async fn tickets_in_the_way(
    tx: &mut Transaction,
    concert: &ConcertId,
    plan: &Plan,
    now: UnixMs,
) -> Result<Vec<TicketId>> {
    let taken: Vec<(TicketId, u32)> = tx.rows(&TAKEN_TICKETS, values![concert, now]).await?;
    let planned = plan.tickets.iter();
    let planned: HashMap<_, _> = planned.map(|one| (&one.ticket_id, one.quantity)).collect();
    let in_the_way = taken
        .into_iter()
        .filter(|(id, taken)| *taken > planned.get(id).copied().unwrap_or_default());
    let mut tickets: Vec<_> = in_the_way.map(|taken| taken.0).collect();
    tickets.sort_unstable();
    Ok(tickets)
}

async fn put_seats(
    tx: &mut Transaction,
    concert: &ConcertId,
    sections: &[PlannedSection],
) -> Result<()> {
    let names: Vec<_> = sections.iter().map(|one| &one.section).collect();
    tx.execute(&DROP_SECTIONS, values![json(&names)?, concert])
        .await?;
    for section in sections {
        let price = i64::try_from(section.price).unwrap_or(i64::MAX);
        let (name, rows, number) = (&section.section, section.rows, section.seats_per_row);
        tx.execute(&SHRINK, values![concert, name, rows, number])
            .await?;
        tx.execute(&REPRICE, values![concert, name, price]).await?;
        let values = values![concert, name, price, rows, number];
        tx.execute(&GROW, values).await?;
    }
    Ok(())
}

async fn put_tickets(
    tx: &mut Transaction,
    concert: &ConcertId,
    tickets: &[PlannedTicket],
) -> Result<()> {
    let ids: Vec<_> = tickets.iter().map(|one| &one.ticket_id).collect();
    tx.execute(&DROP_TICKETS, values![json(&ids)?, concert])
        .await?;
    for ticket in tickets {
        let price = i64::try_from(ticket.price).unwrap_or(i64::MAX);
        let (id, name) = (&ticket.ticket_id, &ticket.name);
        let values = values![concert, id, name, price, ticket.quantity];
        tx.execute(&PUT_TICKET, values).await?;
    }
    Ok(())
}

/// Carries out one part of a reset.
async fn reset(tx: &mut Transaction, concert: &ConcertId) -> Result<Reset> {
    let now = rows::now(tx).await?;
    let values = values![concert, now, AT_ONCE];
    let found: Vec<(BookingId,)> = tx.rows(&FIND_UNDONE, values).await?;
    let more = found.len() == AT_ONCE as usize;
    let ids = rows::listed(found.iter().map(|(id,)| id));
    let freed: Vec<(SeatId,)> = match more {
        true => tx.rows(&FREE_THEIRS, values![&ids]).await?,
        false => tx.rows(&FREE_ALL, values![concert]).await?,
    };
    let mut freed: Vec<_> = freed.into_iter().map(|(id,)| id).collect();
    freed.sort_unstable();
    let cancelled = cancel(tx, concert, &ids, now).await?;
    Ok(Reset {
        cancelled,
        freed,
        more,
    })
}

/// Cancels the listed bookings and reverses their sales and payments.
async fn cancel(tx: &mut Transaction, concert: &ConcertId, ids: &str, now: UnixMs) -> Result<u64> {
    tx.execute(&UNSELL, values![ids, concert]).await?;
    tx.execute(&REFUNDS, values![ids, now]).await?;
    tx.execute(&REFUNDS_DUE, values![ids]).await?;
    tx.execute(&CANCEL, values![ids, now]).await
}
