//! The shop's answers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sunbeon_domain::{BookingId, ConcertId, SeatId, Section, TicketId, UnixMs};
use utoipa::ToSchema;

/// The state of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SeatState {
    /// Nobody has it.
    Available,
    /// A member holds it for a limited time.
    Held,
    /// A member has bought it.
    Sold,
}

/// One seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// The seat.
    pub seat_id: SeatId,
    /// Its section.
    pub section: Section,
    /// Its row, from 1.
    pub row: u32,
    /// Its number in the row, from 1.
    pub number: u32,
    /// Its price.
    pub price: u64,
    /// Its state.
    pub state: SeatState,
}

/// The seat map: every seat, or the changes since an earlier answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "at": "2026-11-20T05:00:00.000Z", "seats": [{"seatId": "demo.R.1.1",
    "section": "R", "row": 1, "number": 1, "price": 99000, "state": "AVAILABLE"}]}))]
pub struct SeatMap<'a> {
    /// The concert.
    #[schema(value_type = ConcertId)]
    pub concert_id: Cow<'a, ConcertId>,
    /// When it was read.
    pub at: UnixMs,
    /// All seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Seat>>)]
    pub seats: Option<Cow<'a, [Seat]>>,
    /// With `since`, instead of `seats`: the seats that may have changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<ChangedSeat>>,
}

/// A seat's state, which may be the same as before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedSeat {
    /// The seat.
    pub seat_id: SeatId,
    /// Its state now.
    pub state: SeatState,
}

/// A seat that a member holds or has bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MySeat {
    /// The seat.
    pub seat_id: SeatId,
    /// `HELD` or `SOLD`.
    pub state: SeatState,
    /// The end of the hold; left out once the seat is sold.
    #[serde(
        default,
        rename = "holdEndsAt",
        skip_serializing_if = "Option::is_none"
    )]
    pub held_until: Option<UnixMs>,
}

/// The seats of a concert that a member holds or has bought.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "seats": [{"seatId": "demo.R.1.1", "state": "HELD",
    "holdEndsAt": "2026-11-20T05:10:00.000Z"}]}))]
pub struct MySeats {
    /// The concert.
    pub concert_id: ConcertId,
    /// The seats, in the order of their ids.
    pub seats: Vec<MySeat>,
}

/// A kind of ticket, and how many are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The kind.
    pub ticket_id: TicketId,
    /// The name shown to fans.
    pub name: String,
    /// The price of one.
    pub price: u64,
    /// The total number.
    pub quantity: u32,
    /// How many are free.
    pub remaining: u32,
}

/// The counted tickets of a concert.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "tickets": [{"ticketId": "standing", "name": "Standing",
    "price": 55000, "quantity": 500, "remaining": 499}]}))]
pub struct Tickets {
    /// The concert.
    pub concert_id: ConcertId,
    /// All kinds, in the order of their ids.
    pub tickets: Vec<Ticket>,
}

/// A booking token that lives as long as a hold and replaces the previous one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LongerToken {
    /// The token that replaces the previous one.
    #[schema(required = false)]
    pub queue_token: String,
    /// When it expires.
    #[schema(required = false)]
    pub queue_token_expires_at: UnixMs,
}

/// Seats that the member holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"seatIds": ["demo.R.1.1", "demo.R.1.2"], "holdEndsAt": "2026-11-20T05:10:00.000Z"}))]
pub struct HeldSeats {
    /// Every requested seat, in the order of their ids.
    pub seat_ids: Vec<SeatId>,
    /// The end of the first hold.
    pub hold_ends_at: UnixMs,
    /// Present if the previous one would end before the hold.
    #[serde(flatten)]
    pub token: Option<LongerToken>,
}

/// The state of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum BookingState {
    /// Created, not paid yet.
    Pending,
    /// A payment is in flight.
    Paying,
    /// Paid, and sold permanently.
    Confirmed,
    /// Cancelled, or refunded.
    Cancelled,
    /// Not paid before its deadline or its session ended; its seats and tickets are free.
    Expired,
}

/// A booking, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"bookingId": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11", "concertId": "demo",
    "state": "CONFIRMED", "amount": 154000, "seats": [{"seatId": "demo.R.1.1", "section": "R",
    "row": 1, "number": 1, "price": 99000}], "tickets": [{"ticketId": "standing",
    "name": "Standing", "quantity": 1, "price": 55000}], "createdAt": "2026-11-20T05:00:00.000Z",
    "expiresAt": "2026-11-20T05:10:00.000Z", "confirmedAt": "2026-11-20T05:00:00.000Z"}))]
pub struct Booking {
    /// The booking.
    pub booking_id: BookingId,
    /// The concert.
    pub concert_id: ConcertId,
    /// Its state.
    pub state: BookingState,
    /// The total price, in the smallest unit of the shop's currency.
    pub amount: u64,
    /// Its seats, in the order of their ids.
    pub seats: Vec<BookedSeat>,
    /// Its tickets, in the order of their ids.
    pub tickets: Vec<BookedTicket>,
    /// When it was created.
    pub created_at: UnixMs,
    /// When it expires or expired; meaningless once it is confirmed or cancelled.
    pub expires_at: UnixMs,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<UnixMs>,
    /// When it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<UnixMs>,
}

/// A seat of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookedSeat {
    /// The seat.
    pub seat_id: SeatId,
    /// Its section.
    pub section: Section,
    /// Its row.
    pub row: u32,
    /// Its number in the row.
    pub number: u32,
    /// The price paid.
    pub price: u64,
}

/// Tickets of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookedTicket {
    /// The kind.
    pub ticket_id: TicketId,
    /// The name at the time of booking.
    pub name: String,
    /// The number of tickets.
    pub quantity: u32,
    /// The price of one.
    pub price: u64,
}

/// A new booking.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(
    {"bookingId": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11", "concertId": "demo",
    "state": "PENDING", "amount": 154000, "seats": [{"seatId": "demo.R.1.1", "section": "R",
    "row": 1, "number": 1, "price": 99000}], "tickets": [{"ticketId": "standing",
    "name": "Standing", "quantity": 1, "price": 55000}], "createdAt": "2026-11-20T05:00:00.000Z",
    "expiresAt": "2026-11-20T05:10:00.000Z"}))]
pub struct CreatedBooking {
    /// The booking.
    #[serde(flatten)]
    pub booking: Booking,
    /// Present if the previous one would end before the hold.
    #[serde(flatten)]
    pub token: Option<LongerToken>,
}
