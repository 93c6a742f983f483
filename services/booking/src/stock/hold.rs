//! Holding seats.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sunbeon_database::{Result, Transaction, again, values};
use sunbeon_domain::{ConcertId, MemberId, UnixMs};

use super::{Freed, HeldSeat, Locked, Released, SeatId, Stock, rows};

impl Stock {
    /// Holds all of these seats for a member, or none. What the member has already keeps its
    /// deadline.
    pub async fn lock(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        seats: &BTreeSet<SeatId>,
        hold: Duration,
    ) -> Result<Locked> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let locked = lock(&mut tx, concert, member, seats, hold).await?;
            if let Locked::Held { .. } = locked {
                tx.commit().await?;
            }
            Ok(locked)
        })
        .await
    }

    /// Gives back all of these seats, or none.
    pub async fn release(
        &self,
        concert: &ConcertId,
        member: &MemberId,
        seats: &BTreeSet<SeatId>,
    ) -> Result<Released> {
        again(|| async {
            let mut tx = self.0.begin().await?;
            let released = release(&mut tx, concert, member, seats).await?;
            if released == Released::Done {
                tx.commit().await?;
            }
            Ok(released)
        })
        .await
    }

    /// Tidies up to so many seats whose holds have run out, for the announcement alone: each is
    /// answered once, by one of the callers. An error is answered where nothing was freed before it.
    pub async fn collect(&self, limit: u32) -> Result<Vec<Freed>> {
        const FIND: &str = "SELECT seat_id FROM seats WHERE held_until_ms <= (SELECT {now}) \
            ORDER BY held_until_ms LIMIT $1";
        // By itself, so that it holds no other row while it waits for this one.
        const FREE: &str = "UPDATE seats SET holder = NULL, held_until_ms = NULL, \
            booking_id = NULL WHERE seat_id = $1 AND held_until_ms <= {now} RETURNING concert_id";
        let found: Vec<(String,)> = self.0.rows(FIND, values![limit]).await?;
        let mut freed = BTreeMap::<_, Vec<_>>::new();
        for (seat,) in found {
            let concert: Result<Option<(String,)>> = self.0.row(FREE, values![&seat]).await;
            if concert.is_err() && !freed.is_empty() {
                break;
            }
            if let Some((concert,)) = concert? {
                let seats = freed.entry(rows::concert_id(concert)?).or_default();
                seats.push(rows::seat_id(&seat)?);
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

async fn lock(
    tx: &mut Transaction,
    concert: &ConcertId,
    member: &MemberId,
    wanted: &BTreeSet<SeatId>,
    hold: Duration,
) -> Result<Locked> {
    const HOLD: &str = "UPDATE seats SET holder = $2, held_until_ms = $3, booking_id = NULL \
        WHERE seat_id = $1";
    let Some(limit) = rows::on_sale(tx, concert.as_str()).await? else {
        return Ok(Locked::NoStock);
    };
    rows::buyer(tx, concert.as_str(), member.as_str()).await?;
    let found = rows::seats(tx, wanted).await?;
    let now = rows::now(tx).await?;
    if let Some(other) = rows::other_concert(&found, concert.as_str())? {
        return Ok(Locked::OtherConcert(other));
    }
    if let Some(unknown) = wanted.iter().find(|id| !found.contains_key(id)) {
        return Ok(Locked::Unknown(unknown.clone()));
    }
    let until = now.saturating_add(rows::ms(hold));
    let (mut seats, mut new, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (id, seat) in found {
        let held_until = match (seat.owner(now), seat.held_until_ms) {
            (None, _) => {
                new.push(id.clone());
                until
            }
            (Some(owner), Some(held_until)) if owner == member.as_str() => held_until,
            _ => {
                taken.push(id);
                continue;
            }
        };
        seats.push(HeldSeat {
            seat_id: id,
            held_until: UnixMs(held_until),
        });
    }
    if !taken.is_empty() {
        return Ok(Locked::Taken(taken));
    }
    let had = rows::had_by(tx, concert, member, now).await?;
    if had + new.len() as i64 > limit {
        return Ok(Locked::Limit);
    }
    for id in &new {
        tx.execute(HOLD, values![id.as_str(), member.as_str(), until])
            .await?;
    }
    Ok(Locked::Held { seats, new })
}

async fn release(
    tx: &mut Transaction,
    concert: &ConcertId,
    member: &MemberId,
    given: &BTreeSet<SeatId>,
) -> Result<Released> {
    const FREE: &str = "UPDATE seats SET holder = NULL, held_until_ms = NULL WHERE seat_id = $1";
    rows::on_sale(tx, concert.as_str()).await?;
    rows::buyer(tx, concert.as_str(), member.as_str()).await?;
    let found = rows::seats(tx, given).await?;
    let now = rows::now(tx).await?;
    if let Some(other) = rows::other_concert(&found, concert.as_str())? {
        return Ok(Released::OtherConcert(other));
    }
    let not_held = given.iter().filter(|id| {
        !found.get(id).is_some_and(|seat| {
            seat.owner(now) == Some(member.as_str()) && seat.booking_id.is_none()
        })
    });
    let not_held: Vec<_> = not_held.cloned().collect();
    if !not_held.is_empty() {
        return Ok(Released::NotHeld(not_held));
    }
    for id in given {
        tx.execute(FREE, values![id.as_str()]).await?;
    }
    Ok(Released::Done)
}
