//! A fan in the shop behind the gate.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sunbeon_domain::ConcertId;

use crate::{
    api::{Api, Failure, Purchase},
    dice::Dice,
};

/// Somebody with a booking token. What the shop refuses (a seat that was just taken, a declined
/// payment) is part of shopping; anything else fails.
pub(super) struct Shopper<'a> {
    pub(super) api: &'a Api,
    pub(super) concert: &'a ConcertId,
    pub(super) access_token: &'a str,
    pub(super) booking_token: String,
}

/// What is in the basket.
enum Basket {
    Seats(Vec<String>),
    Ticket(String),
}

#[derive(Deserialize)]
struct Seats {
    seats: Vec<Seat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    seat_id: String,
    state: String,
}

#[derive(Deserialize)]
struct Tickets {
    tickets: Vec<Ticket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    ticket_id: String,
    quantity: u64,
    remaining: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Locked {
    queue_token: Option<String>,
}

/// A booking that was made.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Booked {
    booking_id: String,
}

impl Shopper<'_> {
    /// Looks around, takes something and pays for it; nothing where all is as good as sold, or the
    /// fan gives up. A crowd leaves half of everything to people.
    pub(super) async fn shop(&mut self, dice: &mut Dice) -> Result<Option<Booked>, Failure> {
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
        let declined = dice.below(10) == 0 && !self.pay(&booked, "decline").await?;
        if declined && dice.below(2) == 0 {
            self.cancel(&booked).await?;
            return Ok(None);
        }
        let paid = self.pay(&booked, "card").await?;
        Ok(paid.then_some(booked))
    }

    /// Cancels what was booked.
    pub(super) async fn cancel(&self, booked: &Booked) -> Result<(), Failure> {
        let path = format!("v2/bookings/{}", booked.booking_id);
        self.ask::<serde_json::Value>(Method::DELETE, &path, None)
            .await
            .map(drop)
    }

    async fn choose(&mut self, dice: &mut Dice) -> Result<Option<Basket>, Failure> {
        let path = format!("v2/concerts/{}/seats", self.concert);
        let seats: Option<Seats> = self.ask(Method::GET, &path, None).await?;
        let seats = seats.map_or(Vec::new(), |seats| seats.seats);
        let mut free: Vec<_> = seats
            .iter()
            .filter(|seat| seat.state == "AVAILABLE")
            .collect();
        if !free.is_empty() && free.len() * 2 > seats.len() {
            let count = 1 + dice.below(2);
            let wanted: Vec<_> = (0..count.min(free.len() as u64))
                .map(|_| free.swap_remove(dice.below(free.len() as u64) as usize))
                .map(|seat| seat.seat_id.clone())
                .collect();
            let body = json!({ "seatIds": wanted });
            let locked: Option<Locked> =
                self.ask(Method::POST, "v2/seats/lock", Some(body)).await?;
            let Some(locked) = locked else {
                return Ok(None);
            };
            if let Some(token) = locked.queue_token {
                self.booking_token = token;
            }
            return Ok(Some(Basket::Seats(wanted)));
        }
        let path = format!("v2/concerts/{}/tickets", self.concert);
        let tickets: Option<Tickets> = self.ask(Method::GET, &path, None).await?;
        let tickets = tickets.map_or(Vec::new(), |tickets| tickets.tickets);
        let plenty = tickets
            .into_iter()
            .find(|ticket| ticket.remaining * 2 > ticket.quantity);
        Ok(plenty.map(|ticket| Basket::Ticket(ticket.ticket_id)))
    }

    async fn put_back(&self, basket: &Basket) -> Result<(), Failure> {
        if let Basket::Seats(seats) = basket {
            let body = json!({ "seatIds": seats });
            self.ask::<serde_json::Value>(Method::DELETE, "v2/seats/lock", Some(body))
                .await?;
        }
        Ok(())
    }

    async fn book(&self, basket: &Basket) -> Result<Option<Booked>, Failure> {
        let body = match basket {
            Basket::Seats(seats) => json!({ "seatIds": seats }),
            Basket::Ticket(id) => json!({"tickets": [{"ticketId": id, "quantity": 1}]}),
        };
        self.ask(Method::POST, "v2/bookings", Some(body)).await
    }

    /// `false`: the payment was declined, or came too late.
    async fn pay(&self, booked: &Booked, payment_token: &str) -> Result<bool, Failure> {
        let path = format!("v2/bookings/{}/confirm", booked.booking_id);
        let body = json!({ "paymentToken": payment_token });
        let paid: Option<Booked> = self.ask(Method::POST, &path, Some(body)).await?;
        Ok(paid.is_some())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Result<Option<T>, Failure> {
        let purchase = Purchase {
            method,
            path,
            access_token: self.access_token,
            booking_token: &self.booking_token,
            body,
        };
        self.api.purchase(purchase).await
    }
}
