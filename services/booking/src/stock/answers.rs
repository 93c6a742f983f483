//! What the verbs are given, and what they answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::Duration,
};

use secrecy::SecretString;
use serde::Serialize;
use sunbeon_domain::{ConcertId, EntryNumber, Field, MemberId, UnixMs};
use utoipa::ToSchema;

use super::{BookingId, SeatId, Section, TicketId};

/// Whether a seat can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum SeatState {
    /// Nobody has it.
    Available,
    /// Somebody's for a while.
    Held,
    /// Somebody's for good.
    Sold,
}

/// One seat, as one member sees it.
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
    /// Whether it can be had.
    pub state: SeatState,
    /// Whether it is the asking member's, held or sold.
    pub mine: bool,
    /// When the asking member's own hold ends.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// It is on sale; also when exactly this plan was already.
    Done,
    /// Something of the old one is held, pending or confirmed; nothing is changed.
    InUse,
    /// The plan breaks a bound of this field.
    Invalid(Field),
}

/// What became of a stock that was to go.
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
pub enum Locked {
    /// All are the member's, in the order of ids.
    Held {
        /// Every seat that was asked for.
        seats: Vec<HeldSeat>,
        /// Those of them that were not the member's before this call: what to announce.
        new: Vec<SeatId>,
    },
    /// A seat is another concert's; nothing is changed, nor in the cases that follow.
    OtherConcert(ConcertId),
    /// Nothing is on sale for the concert.
    NoStock,
    /// There is no such seat.
    Unknown(SeatId),
    /// These are somebody's, or sold.
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
    /// The concert that the member was admitted to.
    pub concert_id: ConcertId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The entry whose session ends with the booking; none where the concert has no line.
    pub entry_number: Option<EntryNumber>,
    /// Seats that the member holds.
    pub seat_ids: BTreeSet<SeatId>,
    /// Tickets to take, at least one seat or ticket in all.
    pub tickets: BTreeMap<TicketId, NonZeroU32>,
    /// How long tickets are held.
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
    /// Not confirmed in time; what it held is free.
    Expired,
}

/// A booking, as it is by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Booking {
    /// The booking.
    pub booking_id: BookingId,
    /// The concert that it is for.
    pub concert_id: ConcertId,
    /// Whose it is; not shown.
    #[serde(skip)]
    pub member_id: MemberId,
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

/// A payment to ask the provider for. To ask again with the same key charges nobody twice.
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
    /// The booking is cancelled.
    Cancelled,
    /// The booking was not confirmed in time.
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
    /// Too late: the money goes back by a task.
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

/// What a task is done with. One kind that cannot be done holds up none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ends of sessions.
    Complete,
    /// Money that goes back.
    Refund,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Refund => "refund",
        }
    }
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
    /// End the session of an entry.
    Complete {
        /// The concert.
        concert_id: ConcertId,
        /// The member.
        member_id: MemberId,
        /// The entry.
        entry_number: EntryNumber,
    },
    /// Give money back.
    Refund {
        /// The provider's id of the payment.
        payment_id: String,
        /// How much.
        amount: u64,
        /// The provider's idempotency key: that of the charge.
        key: String,
    },
}

/// Seats of one concert whose holds have run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The concert.
    pub concert_id: ConcertId,
    /// The seats, in the order of ids.
    pub seat_ids: Vec<SeatId>,
}
