//! What everybody may see.

use std::collections::HashMap;

use sunbeon_database::{Result, values};
use sunbeon_domain::{ConcertId, MemberId, UnixMs};

use super::{Seat, SeatState, Section, Stock, Ticket, rows};

impl Stock {
    /// Every seat of a concert, in the order of sections, rows and numbers, as a member sees it.
    pub async fn seats(&self, concert: &ConcertId, member: &MemberId) -> Result<Vec<Seat>> {
        const NOW: &str = "SELECT {now}";
        const SQL: &str = "SELECT seat_id, concert_id, section, seat_row, seat_number, price, \
            holder, held_until_ms, booking_id FROM seats WHERE concert_id = $1";
        // Read first: what has ended since is shown as held, never the other way round.
        let now: Option<(i64,)> = self.0.row(NOW, values![]).await?;
        let now = now.map_or(i64::MAX, |now| now.0);
        let found: Vec<rows::SeatRow> = self.0.rows(SQL, values![concert.as_str()]).await?;
        let seats = found.iter().map(|row| seat(row, member, now));
        let mut seats: Vec<_> = seats.collect::<Result<_>>()?;
        seats.sort_unstable_by(|a, b| {
            (&a.section, a.row, a.number).cmp(&(&b.section, b.row, b.number))
        });
        Ok(seats)
    }

    /// How many seats nobody has, by section; nothing of a section where somebody has each.
    pub async fn free_seats(&self, concert: &ConcertId) -> Result<HashMap<Section, u64>> {
        const SQL: &str = "SELECT section, COUNT(*) FROM seats WHERE concert_id = $1 \
            AND (holder IS NULL OR held_until_ms <= (SELECT {now})) GROUP BY section";
        let found: Vec<(String, i64)> = self.0.rows(SQL, values![concert.as_str()]).await?;
        let counted = found
            .into_iter()
            .map(|(section, free)| Ok((rows::section(&section)?, rows::number(free)?)));
        counted.collect()
    }

    /// Every kind of ticket of a concert, in the order of ids.
    pub async fn tickets(&self, concert: &ConcertId) -> Result<Vec<Ticket>> {
        const SQL: &str = "SELECT t.ticket_id, t.name, t.price, t.quantity, \
            CAST(t.quantity - t.sold - COALESCE((SELECT SUM(p.quantity) FROM bookings b \
                JOIN booking_tickets p ON p.booking_id = b.booking_id \
                    AND p.ticket_id = t.ticket_id \
                WHERE b.concert_id = t.concert_id AND b.state IN ('PENDING', 'PAYING') \
                    AND b.expires_at_ms > (SELECT {now})), 0) AS BIGINT) \
            FROM tickets t WHERE t.concert_id = $1";
        let found: Vec<(String, String, i64, i64, i64)> =
            self.0.rows(SQL, values![concert.as_str()]).await?;
        let tickets = found
            .into_iter()
            .map(|(id, name, price, quantity, remaining)| {
                Ok(Ticket {
                    ticket_id: rows::ticket_id(&id)?,
                    name,
                    price: rows::number(price)?,
                    quantity: rows::number(quantity)?,
                    remaining: rows::number(remaining)?,
                })
            });
        let mut tickets: Vec<_> = tickets.collect::<Result<_>>()?;
        tickets.sort_unstable_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
        Ok(tickets)
    }

    /// Now, and the concerts of which tickets came free by time alone since then: of bookings that
    /// were not confirmed in time. The first look finds nothing.
    pub async fn tickets_freed(&self, since: Option<UnixMs>) -> Result<(UnixMs, Vec<ConcertId>)> {
        const NOW: &str = "SELECT {now}";
        const SQL: &str = "SELECT DISTINCT b.concert_id FROM bookings b \
            WHERE b.state IN ('PENDING', 'PAYING') \
            AND b.expires_at_ms > $1 AND b.expires_at_ms <= $2 \
            AND EXISTS (SELECT 1 FROM booking_tickets t WHERE t.booking_id = b.booking_id)";
        let now: Option<(i64,)> = self.0.row(NOW, values![]).await?;
        let now = now.ok_or_else(|| rows::nonsense("no time"))?.0;
        let since = since.map_or(now, |since| since.0);
        let found: Vec<(String,)> = self.0.rows(SQL, values![since, now]).await?;
        let concerts = found.into_iter().map(|row| rows::concert_id(row.0));
        Ok((UnixMs(now), concerts.collect::<Result<_>>()?))
    }

    /// How many seats and tickets of a concert nobody has. None: nothing is on sale.
    pub async fn remaining(&self, concert: &ConcertId) -> Result<Option<u64>> {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM seats s WHERE s.concert_id = k.concert_id \
            AND (s.holder IS NULL OR s.held_until_ms <= (SELECT {now}))) \
            FROM stock k WHERE k.concert_id = $1";
        let seats: Option<(i64,)> = self.0.row(SQL, values![concert.as_str()]).await?;
        let Some((seats,)) = seats else {
            return Ok(None);
        };
        let tickets = self.tickets(concert).await?;
        let tickets: u64 = tickets.iter().map(|one| u64::from(one.remaining)).sum();
        Ok(Some(rows::number::<u64>(seats)? + tickets))
    }
}

fn seat(row: &rows::SeatRow, member: &MemberId, now: i64) -> Result<Seat> {
    let mine = row.owner(now) == Some(member.as_str());
    let state = match (row.owner(now), row.held_until_ms) {
        (None, _) => SeatState::Available,
        (Some(_), Some(_)) => SeatState::Held,
        (Some(_), None) => SeatState::Sold,
    };
    Ok(Seat {
        seat_id: row.id()?,
        section: row.section()?,
        row: rows::number(row.seat_row)?,
        number: rows::number(row.seat_number)?,
        price: rows::number(row.price)?,
        state,
        mine,
        held_until: row.held_until_ms.filter(|_| mine).map(UnixMs),
    })
}
