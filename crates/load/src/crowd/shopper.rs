//! A fan in the shop behind the gate.

use sunbeon_client::{Basket, Error, Inside, SeatState};
use sunbeon_domain::{BookingId, ConcertId, SeatId};

use crate::{
    api::{Failure, Instances, Turn},
    dice::Dice,
};

/// A fan with a booking token. Refusals of the shop (a seat was just taken, a payment was declined)
/// are part of shopping; anything else is a failure.
pub(super) struct Shopper<'a> {
    pub(super) api: &'a Instances,
    pub(super) concert: &'a ConcertId,
    pub(super) access_token: &'a str,
    pub(super) booking_token: String,
}

impl Shopper<'_> {
    /// Looks around, picks something and pays for it. Returns `None` if most is sold or the fan
    /// gives up: the crowd leaves half of everything to people.
    pub(super) async fn shop(&mut self, dice: &mut Dice) -> Result<Option<BookingId>, Failure> {
        let Some(basket) = self.choose(dice).await? else {
            return Ok(None);
        };
        tokio::time::sleep(dice.seconds(2, 8)).await;
        if dice.below(6) == 0 {
            self.put_back(&basket).await?;
            return Ok(None);
        }
        let Some(booked) = self.book(&basket).await? else {
            return Ok(None);
        };
        tokio::time::sleep(dice.seconds(1, 5)).await;
        let declined = dice.below(10) == 0 && !self.pay(booked, "decline").await?;
        if declined && dice.below(2) == 0 {
            self.cancel(booked).await?;
            return Ok(None);
        }
        let paid = self.pay(booked, "card").await?;
        Ok(paid.then_some(booked))
    }

    /// Cancels a booking.
    pub(super) async fn cancel(&self, booked: BookingId) -> Result<(), Failure> {
        let turn = self.api.turn().await;
        let cancelled = self.inside(&turn).cancel(booked).await;
        granted(cancelled).map(drop)
    }

    async fn choose(&mut self, dice: &mut Dice) -> Result<Option<Basket>, Failure> {
        let seats = {
            let turn = self.api.turn().await;
            granted(self.inside(&turn).seats(self.concert).await)?.unwrap_or_default()
        };
        let all = seats.len();
        let available = seats
            .into_iter()
            .filter(|seat| seat.state == SeatState::Available);
        let free: Vec<_> = available.map(|seat| seat.seat_id).collect();
        if !free.is_empty() && free.len() * 2 > all {
            return self.take_seats(free, dice).await;
        }
        let turn = self.api.turn().await;
        let answered = granted(self.inside(&turn).tickets(self.concert).await)?;
        let mut kinds = answered.unwrap_or_default().into_iter();
        let plenty = kinds.find(|kind| kind.remaining * 2 > kind.quantity);
        Ok(plenty.map(|kind| Basket::Ticket(kind.ticket_id)))
    }

    /// Holds one or two free seats.
    async fn take_seats(
        &mut self,
        mut free: Vec<SeatId>,
        dice: &mut Dice,
    ) -> Result<Option<Basket>, Failure> {
        let count = (1 + dice.below(2)).min(free.len() as u64);
        let drawn = (0..count).map(|_| free.swap_remove(dice.below(free.len() as u64) as usize));
        let wanted: Vec<_> = drawn.collect();
        let held = {
            let turn = self.api.turn().await;
            granted(self.inside(&turn).lock(&wanted).await)?
        };
        let Some(held) = held else {
            return Ok(None);
        };
        if let Some(longer) = held.token {
            self.booking_token = longer.queue_token;
        }
        Ok(Some(Basket::Seats(wanted)))
    }

    async fn put_back(&self, basket: &Basket) -> Result<(), Failure> {
        if let Basket::Seats(seats) = basket {
            let turn = self.api.turn().await;
            granted(self.inside(&turn).unlock(seats).await)?;
        }
        Ok(())
    }

    async fn book(&self, basket: &Basket) -> Result<Option<BookingId>, Failure> {
        let turn = self.api.turn().await;
        let made = granted(self.inside(&turn).book(basket).await)?;
        Ok(made.map(|made| made.booking.booking_id))
    }

    /// Pays. Returns `false` if the payment was declined or came too late.
    async fn pay(&self, booked: BookingId, payment_token: &str) -> Result<bool, Failure> {
        let key = uuid::Uuid::new_v4().to_string();
        let turn = self.api.turn().await;
        let inside = self.inside(&turn);
        let paid = inside.confirm(booked, payment_token, &key);
        Ok(granted(paid.await)?.is_some())
    }

    fn inside(&self, turn: &Turn<'_>) -> Inside {
        let caller = turn.sunbeon.by(self.access_token);
        caller.inside(self.booking_token.as_str())
    }
}

/// Turns the shop's ordinary refusals into `None`.
fn granted<T>(answer: Result<T, Error>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.status(), Some(402 | 409)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
