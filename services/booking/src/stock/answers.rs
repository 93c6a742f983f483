//! The arguments and answers of the verbs.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::Duration,
};

use secrecy::SecretString;
use serde::Serialize;
use sunbeon_domain::{ConcertId, EntryNumber, Field, MemberId, UnixMs};
use utoipa::ToSchema;

use super::{BookingId, PaymentState, SeatId, Section, TicketId};

/// Who holds and books, and in which session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The concert that the member was admitted to.
    pub concert_id: ConcertId,
    /// The member.
    pub member_id: MemberId,
    /// The entry whose session it is; `None` where the concert has no line.
    pub entry_number: Option<EntryNumber>,
    /// When the booking token ends; no hold lasts longer.
    pub until: Option<UnixMs>,
}

impl Visit {
    /// Returns whether a hold or booking of this entry belongs to another session of the member. A
    /// member has one session at a time, so that other one is over.
    pub(super) fn is_after(&self, entry: Option<EntryNumber>) -> bool {
        matches!((entry, self.entry_number), (Some(theirs), Some(own)) if theirs != own)
    }
}

/// A member's session with a concert.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session {
    /// The concert.
    pub concert_id: ConcertId,
    /// The member.
    pub member_id: MemberId,
    /// The entry.
    pub entry_number: EntryNumber,
}

/// What came free with a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// Seats, in the order of ids: what to announce.
    pub seats: Vec<SeatId>,
    /// Whether tickets did.
    pub tickets: bool,
}

/// Whether a seat is for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SeatState {
    /// Nobody has it.
    Available,
    /// A member holds it for a while.
    Held,
    /// A member has bought it.
    Sold,
}

/// One seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// What it costs.
    pub price: u64,
    /// Whether it is for sale.
    pub state: SeatState,
}

/// A seat that a member holds or has bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MySeat {
    /// The seat.
    pub seat_id: SeatId,
    /// `HELD` or `SOLD`.
    pub state: SeatState,
    /// When the hold ends; left out once it is sold.
    #[serde(rename = "holdEndsAt", skip_serializing_if = "Option::is_none")]
    pub held_until: Option<UnixMs>,
}

/// One kind of ticket, and how many are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The kind.
    pub ticket_id: TicketId,
    /// Shown to the fan.
    pub name: String,
    /// What one costs.
    pub price: u64,
    /// How many there are in all.
    pub quantity: u32,
    /// How many nobody has.
    pub remaining: u32,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is on sale; also if exactly this plan was already.
    Done,
    /// The plan has less than members hold or have bought, or another price for what they hold;
    /// nothing is changed.
    InUse {
        /// The sections in which it has, in the order of names.
        sections: Vec<Section>,
        /// The kinds of tickets of which it has, in the order of ids.
        tickets: Vec<TicketId>,
    },
    /// The plan breaks a bound of this field.
    Invalid(Field),
}

/// What became of a stock that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Done,
    /// Something of it is held, pending or confirmed; nothing is changed.
    InUse,
    /// There is none.
    NoStock,
}

/// What one part of a reset undid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Bookings that were confirmed or could still have been.
    pub cancelled: u64,
    /// Seats that were held or sold, or whose hold had just run out, in the order of ids.
    pub freed: Vec<SeatId>,
    /// Whether there are bookings left: the next part is to be called for.
    pub more: bool,
}

/// A seat and the end of its hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldSeat {
    /// The seat.
    pub seat_id: SeatId,
    /// Until when it is the member's.
    pub held_until: UnixMs,
}

/// What became of seats that a member wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// The member holds all of them, in the order of ids.
    Held {
        /// Every seat that was asked for.
        seats: Vec<HeldSeat>,
        /// Those of them that the member did not hold before this call: what to announce.
        new: Vec<SeatId>,
    },
    /// The session is over; nothing is changed, nor in the cases that follow.
    SessionOver,
    /// A seat is another concert's.
    OtherConcert(ConcertId),
    /// Nothing is on sale for the concert.
    NoStock,
    /// There is no such seat.
    Unknown(SeatId),
    /// Others hold these seats or have bought them.
    Taken(Vec<SeatId>),
    /// It would be more than one member may have.
    Limit,
}

/// What became of seats that a member gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// All are free.
    Done,
    /// A seat is another concert's; nothing is changed.
    OtherConcert(ConcertId),
    /// These are not held by the member, no longer, or are part of a booking; nothing is changed.
    NotHeld(Vec<SeatId>),
}

/// A booking to be made.
#[derive(Debug, Clone)]
pub struct NewBooking {
    /// Who books, and in which session.
    pub visit: Visit,
    /// Seats that the member holds.
    pub seat_ids: BTreeSet<SeatId>,
    /// Tickets to take, at least one seat or ticket in all.
    pub tickets: BTreeMap<TicketId, NonZeroU32>,
    /// How long tickets are held, at most.
    pub hold: Duration,
    /// The same key of the same member gives the same booking.
    pub idempotency_key: Option<String>,
}

/// What became of a new booking. But for the first two, nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is made, and PENDING.
    New(Booking),
    /// The same request with the same key made it before; as it is now.
    Replayed(Booking),
    /// The key came with another request.
    KeyReused,
    /// Neither a seat nor a ticket is in it.
    Nothing,
    /// The session is over.
    SessionOver,
    /// A seat is another concert's.
    OtherConcert(ConcertId),
    /// Nothing is on sale for the concert.
    NoStock,
    /// There is no such kind of ticket.
    UnknownTicket(TicketId),
    /// There is no such seat.
    UnknownSeat(SeatId),
    /// These seats are not held by the member, no longer, or are part of another booking.
    NotHeld(Vec<SeatId>),
    /// There are not so many left of these tickets.
    SoldOut(Vec<TicketId>),
    /// It would be more than one member may have.
    Limit,
}

/// How far a booking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum BookingState {
    /// Made, not paid.
    Pending,
    /// A payment is in flight.
    Paying,
    /// Paid; sold for good.
    Confirmed,
    /// Given up, or refunded.
    Cancelled,
    /// Not paid before its time or its session was over; what it held is free.
    Expired,
}

/// A booking, as it is by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// The concert that it is for.
    pub concert_id: ConcertId,
    /// Whose it is; not shown.
    #[serde(skip)]
    pub member_id: MemberId,
    /// The session that it was made or last paid in; not shown.
    #[serde(skip)]
    pub entry_number: Option<EntryNumber>,
    /// How far it is.
    pub state: BookingState,
    /// What it costs in all, in the shop's smallest unit of money.
    pub amount: u64,
    /// Its seats, in the order of ids.
    pub seats: Vec<BookedSeat>,
    /// Its tickets, in the order of ids.
    pub tickets: Vec<BookedTicket>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it expires or expired; says nothing of one that is confirmed or cancelled.
    pub expires_at: UnixMs,
    /// When it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<UnixMs>,
    /// When it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<UnixMs>,
}

/// A seat of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// What it cost.
    pub price: u64,
}

/// Tickets of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookedTicket {
    /// The kind.
    pub ticket_id: TicketId,
    /// Its name when it was booked.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one cost.
    pub price: u64,
}

/// A booking as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembersBooking {
    /// The booking.
    #[serde(flatten)]
    pub booking: Booking,
    /// Whose it is.
    pub member_id: MemberId,
    /// The session that it was made or last paid in; left out where the concert had no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_number: Option<EntryNumber>,
    /// The last payment that the provider took; left out if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<MadePayment>,
}

/// A payment that the provider took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadePayment {
    /// The provider's id of it.
    pub payment_id: String,
    /// `PAID`, `REFUND_DUE` or `REFUNDED`.
    pub state: PaymentState,
}

/// A charge to send to the provider. Sending it again with the same key charges nobody twice.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The booking that is paid.
    pub booking_id: BookingId,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// `<bookingId>-<attempt>`: the provider's idempotency key.
    pub key: String,
    /// How much.
    pub amount: u64,
    /// The provider's token for the means of payment.
    pub payment_token: SecretString,
}

/// An attempt to pay whose outcome is not known.
#[derive(Debug, Clone)]
pub enum Unsettled {
    /// The booking still holds its seats: send the same charge again.
    Charge(Charge),
    /// The booking no longer holds its seats, or not for long: have the charge voided. If the
    /// provider took the money before, tell [`Stock::paid`](super::Stock::paid), else
    /// [`Stock::declined`](super::Stock::declined).
    Void {
        /// The booking.
        booking_id: BookingId,
        /// Which attempt at it.
        attempt: u32,
        /// The provider's idempotency key of the charge.
        key: String,
    },
}

/// What is to be done about a confirmation. But for the first, nothing is changed.
#[derive(Debug, Clone)]
pub enum Begun {
    /// Ask the provider, then tell [`Stock::paid`](super::Stock::paid) or
    /// [`Stock::declined`](super::Stock::declined); on no answer, neither.
    Charge(Charge),
    /// It is paid already.
    Confirmed(Booking),
    /// This very attempt was declined.
    Declined,
    /// The key came with another payment token.
    KeyReused,
    /// Another attempt is under way.
    InFlight,
    /// This attempt is under way, and too little is left of the hold to send its charge again.
    InDoubt,
    /// The session is over.
    SessionOver,
    /// The booking is cancelled.
    Cancelled,
    /// The booking's time, or the session that it was made in, is over.
    Expired,
    /// The member has no such booking.
    Unknown,
}

/// What a payment that was made came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paid {
    /// The booking is confirmed; `new` at the first time of asking: what to announce.
    Confirmed {
        /// As it is now.
        booking: Booking,
        /// Whether this call confirmed it.
        new: bool,
    },
    /// Too late: a task refunds the money.
    Lost {
        /// As it is now.
        booking: Booking,
        /// Seats that this call freed: what to announce.
        freed: Vec<SeatId>,
    },
}

/// What became of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled.
    Done {
        /// As it is now.
        booking: Booking,
        /// Seats that this call freed: what to announce.
        freed: Vec<SeatId>,
        /// Whether this call freed tickets.
        tickets: bool,
    },
    /// It was cancelled before, or had expired; nothing is changed.
    Already(Booking),
    /// A payment is under way; nothing is changed.
    InFlight,
    /// The member has no such booking.
    Unknown,
}

/// Something to do outside, at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// For [`Stock::task_done`](super::Stock::task_done) and
    /// [`Stock::task_again`](super::Stock::task_again).
    pub id: String,
    /// What to do.
    pub work: Work,
}

/// What a task is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// End a session.
    Complete(Session),
    /// Refund a payment.
    Refund {
        /// The provider's id of the payment.
        payment_id: String,
        /// How much.
        amount: u64,
        /// The provider's idempotency key: that of the charge.
        key: String,
    },
}

/// Seats of one concert whose holds have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The concert.
    pub concert_id: ConcertId,
    /// The seats, in the order of ids.
    pub seat_ids: Vec<SeatId>,
}
