//! The stock as everybody sees it.

use sunbeon_database::{Result, statements, values};
use sunbeon_domain::{ConcertId, MemberId, UnixMs};

use super::{MySeat, Seat, SeatId, SeatState, Section, Stock, Ticket, TicketId, rows};

statements! {
    NOW = "SELECT {now}";
    SEATS = "SELECT seat_id, section, seat_row, seat_number, price, \
        holder IS NOT NULL, held_until_ms FROM seats WHERE concert_id = $1";
    MINE = "SELECT seat_id, held_until_ms FROM seats WHERE concert_id = $1 AND holder = $2 \
        AND (held_until_ms IS NULL OR held_until_ms > (SELECT {now}))";
    TICKETS = "SELECT t.ticket_id, t.name, t.price, t.quantity, \
        CAST(t.quantity - t.sold - COALESCE((SELECT SUM(p.quantity) FROM bookings b \
            JOIN booking_tickets p ON p.booking_id = b.booking_id \
                AND p.ticket_id = t.ticket_id \
            WHERE b.concert_id = t.concert_id AND b.state IN ('PENDING', 'PAYING') \
                AND b.expires_at_ms > (SELECT {now})), 0) AS BIGINT) \
        FROM tickets t WHERE t.concert_id = $1";
    FREED = "SELECT DISTINCT b.concert_id FROM bookings b \
        WHERE b.state IN ('PENDING', 'PAYING') \
        AND b.expires_at_ms > $1 AND b.expires_at_ms <= $2 \
        AND EXISTS (SELECT 1 FROM booking_tickets t WHERE t.booking_id = b.booking_id)";
    SOLD_OUT = "SELECT k.concert_id FROM stock k \
        WHERE NOT EXISTS (SELECT 1 FROM seats s WHERE s.concert_id = k.concert_id \
            AND (s.holder IS NULL OR s.held_until_ms IS NOT NULL)) \
        AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.concert_id = k.concert_id \
            AND t.quantity > t.sold)";
    FREE_SEATS = "SELECT (SELECT COUNT(*) FROM seats s WHERE s.concert_id = k.concert_id \
        AND (s.holder IS NULL OR s.held_until_ms <= (SELECT {now}))) \
        FROM stock k WHERE k.concert_id = $1";
}

type SeatColumns = (SeatId, Section, u32, u32, u64, bool, Option<UnixMs>);

impl Stock {
    /// Returns the time, and every seat of a concert as it was then or later, in the order of
    /// sections, rows and numbers.
    pub async fn seats(&self, concert: &ConcertId) -> Result<(UnixMs, Vec<Seat>)> {
        // Read the time first: a hold that ends meanwhile is then shown as held, and never the
        // reverse.
        let now = self.now().await?;
        let found: Vec<SeatColumns> = self.0.rows(&SEATS, values![concert]).await?;
        let seats = found.into_iter().map(|found| {
            let (seat_id, section, row, number, price, is_taken, held_until) = found;
            Seat {
                seat_id,
                section,
                row,
                number,
                price,
                state: state(is_taken, held_until, now),
            }
        });
        let mut seats: Vec<_> = seats.collect();
        seats.sort_unstable_by(|a, b| {
            (&a.section, a.row, a.number).cmp(&(&b.section, b.row, b.number))
        });
        Ok((now, seats))
    }

    /// Returns the seats of a concert that a member holds or has bought, in the order of their ids.
    pub async fn seats_of(&self, concert: &ConcertId, member: &MemberId) -> Result<Vec<MySeat>> {
        let found: Vec<(SeatId, Option<UnixMs>)> =
            self.0.rows(&MINE, values![concert, member]).await?;
        let seats = found.into_iter().map(|(seat_id, held_until)| MySeat {
            seat_id,
            state: match held_until {
                Some(_) => SeatState::Held,
                None => SeatState::Sold,
            },
            held_until,
        });
        let mut seats: Vec<_> = seats.collect();
        seats.sort_unstable_by(|a, b| a.seat_id.cmp(&b.seat_id));
        Ok(seats)
    }

    /// Returns every kind of ticket of a concert, in the order of their ids.
    pub async fn tickets(&self, concert: &ConcertId) -> Result<Vec<Ticket>> {
        let found: Vec<(TicketId, String, u64, u32, u32)> =
            self.0.rows(&TICKETS, values![concert]).await?;
        let tickets = found
            .into_iter()
            .map(|(ticket_id, name, price, quantity, remaining)| Ticket {
                ticket_id,
                name,
                price,
                quantity,
                remaining,
            });
        let mut tickets: Vec<_> = tickets.collect();
        tickets.sort_unstable_by(|a, b| a.ticket_id.cmp(&b.ticket_id));
        Ok(tickets)
    }

    /// Returns the time, and the concerts whose tickets have become free by expiry since `since`.
    /// The first call returns no concerts.
    pub async fn tickets_freed(&self, since: Option<UnixMs>) -> Result<(UnixMs, Vec<ConcertId>)> {
        let now = self.now().await?;
        let values = values![since.unwrap_or(now), now];
        let found: Vec<(ConcertId,)> = self.0.rows(&FREED, values).await?;
        let concerts = found.into_iter().map(|(concert,)| concert);
        Ok((now, concerts.collect()))
    }

    /// Returns how many seats and tickets of a concert are free, or `None` if the concert has no
    /// stock.
    pub async fn remaining(&self, concert: &ConcertId) -> Result<Option<u64>> {
        let seats: Option<(u64,)> = self.0.row(&FREE_SEATS, values![concert]).await?;
        let Some((seats,)) = seats else {
            return Ok(None);
        };
        let tickets = self.tickets(concert).await?;
        let tickets: u64 = tickets.iter().map(|one| u64::from(one.remaining)).sum();
        Ok(Some(seats + tickets))
    }

    /// Returns the concerts of which everything is sold for good.
    pub async fn sold_out(&self) -> Result<Vec<ConcertId>> {
        let found: Vec<(ConcertId,)> = self.0.rows(&SOLD_OUT, values![]).await?;
        Ok(found.into_iter().map(|(concert,)| concert).collect())
    }

    /// Reads the database's clock.
    pub async fn now(&self) -> Result<UnixMs> {
        rows::the_value(self.0.row(&NOW, values![]).await?)
    }
}

fn state(is_taken: bool, held_until: Option<UnixMs>, now: UnixMs) -> SeatState {
    match held_until {
        _ if !is_taken => SeatState::Available,
        None => SeatState::Sold,
        Some(until) if until > now => SeatState::Held,
        Some(_) => SeatState::Available,
    }
}
