//! Holding seats.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sunbeon_database::{Result, Transaction, again, statements, values};
use sunbeon_domain::{ConcertId, UnixMs};

use super::{Freed, HeldSeat, Holding, Released, SeatId, Stock, Visit, nearest::nearest, rows};

statements! {
    HOLD = "UPDATE seats SET holder = $2, held_until_ms = $3, entry_number = $4, \
        booking_id = NULL WHERE seat_id = $1";
    FREE = "UPDATE seats SET holder = NULL, held_until_ms = NULL, entry_number = NULL \
        WHERE seat_id = $1";
    EXPIRED = "SELECT seat_id FROM seats WHERE held_until_ms <= (SELECT {now}) \
        ORDER BY held_until_ms LIMIT $1";
    /// A statement of its own, so that it locks no other row while it waits for this one.
    COLLECT = "UPDATE seats SET holder = NULL, held_until_ms = NULL, booking_id = NULL, \
        entry_number = NULL WHERE seat_id = $1 AND held_until_ms <= {now} RETURNING concert_id";
}

/// How often to look for equal seats where others take them first.
const TRIES: u32 = 5;

/// The seats that a visitor wants.
enum Wanted<'a> {
    These(&'a BTreeSet<SeatId>),
    /// So many like this one.
    Like(&'a SeatId, usize),
}

impl Stock {
    /// Holds all of these seats, or none, for up to `longest` and never beyond the visitor's
    /// booking token. Seats that the visitor already holds keep their deadline.
    pub async fn hold(
        &self,
        visit: &Visit,
        seats: &BTreeSet<SeatId>,
        longest: Duration,
    ) -> Result<Holding> {
        self.hold_wanted(visit, Wanted::These(seats), longest).await
    }

    /// Holds so many free seats of the section and price of this one, or none: the nearest that are side
    /// by side in a row, or else the nearest wherever they are. Longest as in [`Stock::hold`].
    pub async fn hold_like(
        &self,
        visit: &Visit,
        like: &SeatId,
        count: usize,
        longest: Duration,
    ) -> Result<Holding> {
        for _ in 1..TRIES {
            let wanted = Wanted::Like(like, count);
            let holding = self.hold_wanted(visit, wanted, longest).await?;
            if !matches!(holding, Holding::Taken(_)) {
                return Ok(holding);
            }
        }
        self.hold_wanted(visit, Wanted::Like(like, count), longest)
            .await
    }

    async fn hold_wanted(
        &self,
        visit: &Visit,
        wanted: Wanted<'_>,
        longest: Duration,
    ) -> Result<Holding> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let holding = hold(&mut tx, visit, &wanted, longest).await?;
            if let Holding::Held { .. } = holding {
                tx.commit().await?;
            }
            Ok(holding)
        })
        .await
    }

    /// Releases all of these seats, or none.
    pub async fn release(&self, visit: &Visit, seats: &BTreeSet<SeatId>) -> Result<Released> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let released = release(&mut tx, visit, seats).await?;
            if released == Released::Done {
                tx.commit().await?;
            }
            Ok(released)
        })
        .await
    }

    /// Releases up to `limit` seats whose holds have expired, so that they can be announced: each
    /// is returned to exactly one caller. Returns an error only if nothing was freed before it.
    pub async fn collect(&self, limit: u32) -> Result<Vec<Freed>> {
        let found: Vec<(SeatId,)> = self.0.rows(&EXPIRED, values![limit]).await?;
        let mut freed = BTreeMap::<_, Vec<_>>::new();
        for (seat,) in found {
            let concert: Result<Option<(ConcertId,)>> = self.0.row(&COLLECT, values![&seat]).await;
            if concert.is_err() && !freed.is_empty() {
                break;
            }
            if let Some((concert,)) = concert? {
                freed.entry(concert).or_default().push(seat);
            }
        }
        let freed = freed.into_iter().map(|(concert_id, mut seat_ids)| {
            seat_ids.sort_unstable();
            Freed {
                concert_id,
                seat_ids,
            }
        });
        Ok(freed.collect())
    }
}

async fn hold(
    tx: &mut Transaction,
    visit: &Visit,
    wanted: &Wanted<'_>,
    longest: Duration,
) -> Result<Holding> {
    let (concert, member) = (&visit.concert_id, &visit.member_id);
    let Some(limit) = rows::lock_stock_shared(tx, concert).await? else {
        return Ok(Holding::NoStock);
    };
    rows::lock_buyer(tx, concert, member).await?;
    if rows::is_over(tx, visit).await? {
        return Ok(Holding::SessionOver);
    }
    let chosen;
    let wanted = match wanted {
        Wanted::These(seats) => seats,
        Wanted::Like(like, count) => match nearest(tx, concert, like, *count).await? {
            Ok(seats) => {
                chosen = seats;
                &chosen
            }
            Err(why) => return Ok(why),
        },
    };
    let found = rows::lock_seats(tx, wanted).await?;
    let now = rows::now(tx).await?;
    if let Some(other) = rows::other_concert(&found, concert) {
        return Ok(Holding::OtherConcert(other));
    }
    if let Some(unknown) = wanted.iter().find(|id| !found.contains_key(id)) {
        return Ok(Holding::Unknown(unknown.clone()));
    }
    let Some(until) = visit.hold_end(now, longest) else {
        return Ok(Holding::SessionOver);
    };
    let (mut seats, mut new, mut again, mut taken) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (seat_id, seat) in found {
        let held_until = match (seat.owner(now), seat.held_until) {
            (None, _) => {
                new.push(seat_id.clone());
                until
            }
            (Some(owner), Some(_)) if owner == member && visit.is_after(seat.entry_number) => {
                again.push(seat_id.clone());
                until
            }
            (Some(owner), Some(held_until)) if owner == member => held_until,
            _ => {
                taken.push(seat_id);
                continue;
            }
        };
        seats.push(HeldSeat {
            seat_id,
            held_until,
        });
    }
    if !taken.is_empty() {
        return Ok(Holding::Taken(taken));
    }
    let had = rows::had_by(tx, concert, member, now).await?;
    if had + new.len() as i64 > limit {
        return Ok(Holding::Limit);
    }
    for id in new.iter().chain(&again) {
        let values = values![id, member, until, visit.entry_number];
        tx.execute(&HOLD, values).await?;
    }
    Ok(Holding::Held { seats, new })
}

async fn release(
    tx: &mut Transaction,
    visit: &Visit,
    given: &BTreeSet<SeatId>,
) -> Result<Released> {
    let concert = &visit.concert_id;
    rows::lock_stock_shared(tx, concert).await?;
    rows::lock_buyer(tx, concert, &visit.member_id).await?;
    let found = rows::lock_seats(tx, given).await?;
    let now = rows::now(tx).await?;
    if let Some(other) = rows::other_concert(&found, concert) {
        return Ok(Released::OtherConcert(other));
    }
    let is_held = |id: &&SeatId| {
        found
            .get(*id)
            .is_some_and(|seat| seat.is_held_by(visit, now))
    };
    let not_held: Vec<_> = given.iter().filter(|id| !is_held(id)).cloned().collect();
    if !not_held.is_empty() {
        return Ok(Released::NotHeld(not_held));
    }
    for id in given {
        tx.execute(&FREE, values![id]).await?;
    }
    Ok(Released::Done)
}

impl Visit {
    /// Returns the end of a hold that starts now: after `longest`, or with the booking token if
    /// that is earlier. Returns `None` if the token has expired.
    pub(super) fn hold_end(&self, now: UnixMs, longest: Duration) -> Option<UnixMs> {
        let end = now + rows::ms(longest);
        match self.until {
            Some(until) if until <= now => None,
            Some(until) => Some(end.min(until)),
            None => Some(end),
        }
    }
}
