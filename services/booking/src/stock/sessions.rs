//! Ending a session's holds with the session.

use sunbeon_database::{Result, again, record, statements, values};

use super::{
    BookingId, Ended, SeatId, Session, Stock, outbox::LONGEST_SESSION_MS, rows, states::Stored,
};

statements! {
    LIVE = "SELECT concert_id, holder, entry_number FROM seats \
            WHERE held_until_ms > (SELECT {now}) AND booking_id IS NULL \
            AND entry_number IS NOT NULL \
        UNION SELECT concert_id, member_id, entry_number FROM bookings \
            WHERE state = 'PENDING' AND expires_at_ms > (SELECT {now}) \
            AND entry_number IS NOT NULL";
    OVER = "INSERT INTO ended_sessions (concert_id, entry_number, ended_ms) \
        VALUES ($1, $2, {now}) ON CONFLICT (concert_id, entry_number) DO NOTHING";
    FORGET = "DELETE FROM ended_sessions WHERE ended_ms <= {now} - $1";
    HELD = "SELECT seat_id FROM seats WHERE concert_id = $1 AND holder = $2 \
        AND entry_number = $3 AND booking_id IS NULL";
    FREE = "UPDATE seats SET holder = NULL, held_until_ms = NULL, entry_number = NULL \
        WHERE seat_id = $1";
    UNPAID = "SELECT booking_id FROM bookings WHERE concert_id = $1 AND member_id = $2 \
        AND entry_number = $3 AND state = 'PENDING' AND expires_at_ms > (SELECT {now})";
}

record!(Session {
    concert_id,
    member_id,
    entry_number
});

impl Stock {
    /// Returns every session that holds a seat or has a booking that could still be paid. A booking
    /// with a payment in flight ends with its payment, not with its session.
    pub async fn live_sessions(&self) -> Result<Vec<Session>> {
        self.0.rows(&LIVE, values![]).await
    }

    /// Records that a session has ended and ends what it held: its holds are released, its bookings
    /// expire. From then on nothing can be held, booked or paid in it. An interrupted call is
    /// finished by calling again.
    pub async fn end_session(&self, session: &Session) -> Result<Ended> {
        let mut seats = again(|| self.free_holds(session)).await?;
        let mut tickets = false;
        let Session {
            concert_id,
            member_id,
            entry_number,
        } = session;
        let values = values![concert_id, member_id, *entry_number];
        let unpaid: Vec<(BookingId,)> = self.0.rows(&UNPAID, values).await?;
        for (id,) in unpaid {
            let booking = again(|| self.expire(id, session)).await?;
            seats.extend(booking.seats);
            tickets |= booking.tickets;
        }
        seats.sort_unstable();
        Ok(Ended { seats, tickets })
    }

    /// Forgets sessions whose tokens must all have expired by now.
    pub async fn forget_sessions(&self) -> Result<()> {
        self.0
            .execute(&FORGET, values![LONGEST_SESSION_MS])
            .await
            .map(drop)
    }

    async fn free_holds(&self, session: &Session) -> Result<Vec<SeatId>> {
        let Session {
            concert_id,
            member_id,
            entry_number,
        } = session;
        let mut tx = self.0.begin().await?;
        rows::lock_stock_shared(&mut tx, concert_id).await?;
        rows::lock_buyer(&mut tx, concert_id, member_id).await?;
        tx.execute(&OVER, values![concert_id, *entry_number])
            .await?;
        let values = values![concert_id, member_id, *entry_number];
        let held: Vec<(SeatId,)> = tx.rows(&HELD, values).await?;
        let seats = rows::lock_seats(&mut tx, held.iter().map(|(id,)| id)).await?;
        let now = rows::now(&mut tx).await?;
        let mut freed = Vec::new();
        for (id, seat) in seats {
            let is_theirs = seat.owner(now) == Some(member_id) && seat.booking_id.is_none();
            if is_theirs && seat.entry_number == Some(*entry_number) {
                tx.execute(&FREE, values![&id]).await?;
                freed.push(id);
            }
        }
        tx.commit().await?;
        Ok(freed)
    }

    async fn expire(&self, id: BookingId, session: &Session) -> Result<Ended> {
        let mut tx = self.0.begin().await?;
        let found = rows::lock_booking(&mut tx, id, None).await?;
        let booking = found.ok_or_else(|| rows::nonsense("a booking without a row"))?;
        let is_theirs = booking.row.entry_number == Some(session.entry_number);
        if !(is_theirs && booking.row.state == Stored::Pending && booking.holds) {
            return Ok(Ended::default());
        }
        booking.free_seats(&mut tx).await?;
        booking.expire(&mut tx).await?;
        tx.commit().await?;
        Ok(Ended {
            tickets: !booking.tickets.is_empty(),
            seats: booking.own,
        })
    }
}
