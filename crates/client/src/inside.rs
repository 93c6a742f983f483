use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sunbeon_domain::{BookingId, ConcertId, SeatId, TicketId};
use sunbeon_tokens::QUEUE_TOKEN;

use crate::{
    Booking, Caller, CreatedBooking, Error, HeldSeats, Result, Seat, SeatMap, Ticket, Tickets,
};

/// A member in the shop, holding a booking token. A cheap handle.
#[derive(Debug, Clone)]
pub struct Inside {
    caller: Caller,
    booking_token: SecretString,
}

/// The items to book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basket {
    /// Held seats.
    Seats(Vec<SeatId>),
    /// One ticket of a kind.
    Ticket(TicketId),
}

impl Caller {
    /// Returns this caller with a booking token for the shop.
    pub fn inside(&self, booking_token: impl Into<SecretString>) -> Inside {
        Inside::new(self.clone(), booking_token.into())
    }
}

impl Inside {
    fn new(caller: Caller, booking_token: SecretString) -> Self {
        Self {
            caller,
            booking_token,
        }
    }

    /// Returns all seats of a concert.
    pub async fn seats(&self, concert: &ConcertId) -> Result<Vec<Seat>> {
        let path = format!("/v2/concerts/{concert}/seats");
        let request = self.request(Method::GET, &path);
        let map: SeatMap<'_> = self.caller.send(request).await?;
        let seats = map
            .seats
            .ok_or_else(|| Error::nonsense("a seat map without seats"))?;
        Ok(seats.into_owned())
    }

    /// Returns all kinds of tickets of a concert.
    pub async fn tickets(&self, concert: &ConcertId) -> Result<Vec<Ticket>> {
        let path = format!("/v2/concerts/{concert}/tickets");
        let request = self.request(Method::GET, &path);
        let kinds: Tickets = self.caller.send(request).await?;
        Ok(kinds.tickets)
    }

    /// Holds seats, all of them or none.
    pub async fn lock(&self, seats: &[SeatId]) -> Result<HeldSeats> {
        let request = self.request(Method::POST, "/v2/seats/lock");
        let request = request.json(&json!({"seatIds": seats}));
        self.caller.send(request).await
    }

    /// Holds so many free seats of the section and price of this one, the nearest, or none.
    pub async fn lock_like(&self, seat: &SeatId, count: usize) -> Result<HeldSeats> {
        let request = self.request(Method::POST, "/v2/seats/lock");
        let request = request.json(&json!({"like": seat, "count": count}));
        self.caller.send(request).await
    }

    /// Releases held seats.
    pub async fn unlock(&self, seats: &[SeatId]) -> Result<()> {
        let request = self.request(Method::DELETE, "/v2/seats/lock");
        let request = request.json(&json!({"seatIds": seats}));
        self.caller.done(request).await
    }

    /// Books the basket.
    pub async fn book(&self, basket: &Basket) -> Result<CreatedBooking> {
        let request = self.request(Method::POST, "/v2/bookings");
        self.caller.send(request.json(&basket.wanted())).await
    }

    /// Pays for a booking. Repeating the same `key` charges only once.
    pub async fn confirm(
        &self,
        booking: BookingId,
        payment_token: &str,
        key: &str,
    ) -> Result<Booking> {
        let path = format!("/v2/bookings/{booking}/confirm");
        let request = self.request(Method::POST, &path);
        let request = request.header("Idempotency-Key", key);
        let request = request.json(&json!({"paymentToken": payment_token}));
        self.caller.send(request).await
    }

    /// Cancels a booking.
    pub async fn cancel(&self, booking: BookingId) -> Result<()> {
        let path = format!("/v2/bookings/{booking}");
        self.caller.done(self.request(Method::DELETE, &path)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.caller.request(method, path);
        request.header(QUEUE_TOKEN, self.booking_token.expose_secret())
    }
}

impl Basket {
    fn wanted(&self) -> Value {
        match self {
            Self::Seats(seats) => json!({"seatIds": seats}),
            Self::Ticket(id) => json!({"tickets": [{"ticketId": id, "quantity": 1}]}),
        }
    }
}
