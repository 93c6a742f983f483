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

use super::{Booking, BookingId, PaymentState, SeatId, Section, TicketId};

/// The member who holds or books, and the session: what the gate makes of its `Visit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The concert that the member was admitted to.
    pub concert_id: ConcertId,
    /// The member.
    pub member_id: MemberId,
    /// The entry that the session belongs to; `None` if the concert has no line.
    pub entry_number: Option<EntryNumber>,
    /// The end of the booking token; no hold lasts longer.
    pub until: Option<UnixMs>,
}

impl Visit {
    /// Returns whether a hold or booking of this entry belongs to another session of the member. A
    /// member has one session at a time, so that other session has ended.
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

/// The stock freed by the end of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// The seats to announce, in the order of their ids.
    pub seats: Vec<SeatId>,
    /// Whether tickets were freed.
    pub tickets: bool,
}

/// The result of putting a plan on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The plan is on sale, even if it was before.
    Done,
    /// The plan has less than members hold or have bought, or another price for seats that they
    /// hold; nothing has changed.
    InUse {
        /// The sections in conflict, in the order of their names.
        sections: Vec<Section>,
        /// The kinds of tickets in conflict, in the order of their ids.
        tickets: Vec<TicketId>,
    },
    /// This field is out of bounds.
    Invalid(Field),
}

/// The result of removing a stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The stock is removed.
    Done,
    /// Some of it is held, pending or confirmed; nothing has changed.
    InUse,
    /// There is no stock.
    NoStock,
}

/// The effect of one part of a reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Bookings cancelled, whether confirmed or still pending.
    pub cancelled: u64,
    /// Seats freed, whether held, sold or just expired, in the order of their ids.
    pub freed: Vec<SeatId>,
    /// Whether bookings remain, so that another part is needed.
    pub more: bool,
}

/// A seat and the end of its hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSeat {
    /// The seat.
    pub seat_id: SeatId,
    /// The end of the member's hold.
    pub held_until: UnixMs,
}

/// The result of holding seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// The member holds all of them, in the order of their ids.
    Held {
        /// All requested seats.
        seats: Vec<HeldSeat>,
        /// Seats that the member did not hold before this call, to be announced.
        new: Vec<SeatId>,
    },
    /// The session has ended. Nothing has changed, here and in the following cases.
    SessionOver,
    /// A seat belongs to another concert.
    OtherConcert(ConcertId),
    /// The concert has no stock.
    NoStock,
    /// The seat does not exist.
    Unknown(SeatId),
    /// Others hold these seats or have bought them.
    Taken(Vec<SeatId>),
    /// Fewer equal seats are free than were asked for.
    SoldOut,
    /// A member may not have that many.
    Limit,
}

/// The result of releasing seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// All are free.
    Done,
    /// A seat belongs to another concert; nothing has changed.
    OtherConcert(ConcertId),
    /// The member does not hold these seats, or no longer, or has booked them; nothing has changed.
    NotHeld(Vec<SeatId>),
}

/// A booking to create.
#[derive(Debug, Clone)]
pub struct NewBooking {
    /// The member who books, and the session.
    pub visit: Visit,
    /// Seats that the member holds.
    pub seat_ids: BTreeSet<SeatId>,
    /// Tickets to take; there must be at least one seat or ticket in all.
    pub tickets: BTreeMap<TicketId, NonZeroU32>,
    /// The longest time for which tickets are held.
    pub hold: Duration,
    /// Repeating a member's key returns the same booking.
    pub idempotency_key: Option<String>,
}

/// The result of creating a booking. In all cases except the first two, nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// The booking is created and PENDING.
    New(Booking),
    /// The same request with the same key created it before; this is its current state.
    Replayed(Booking),
    /// The key was used for another request.
    KeyReused,
    /// There is neither a seat nor a ticket.
    Nothing,
    /// The session has ended.
    SessionOver,
    /// A seat belongs to another concert.
    OtherConcert(ConcertId),
    /// The concert has no stock.
    NoStock,
    /// The kind of ticket does not exist.
    UnknownTicket(TicketId),
    /// The seat does not exist.
    UnknownSeat(SeatId),
    /// The member does not hold these seats, or no longer, or has booked them.
    NotHeld(Vec<SeatId>),
    /// Not enough of these tickets are left.
    SoldOut(Vec<TicketId>),
    /// A member may not have that many.
    Limit,
}

/// A booking as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MembersBooking {
    /// The booking.
    #[serde(flatten)]
    pub booking: Booking,
    /// The member.
    pub member_id: MemberId,
    /// The session in which it was created or last paid; left out if the concert had no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_number: Option<EntryNumber>,
    /// The last successful charge; left out if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<MadePayment>,
}

/// A payment that was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadePayment {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// `PAID`, `REFUND_DUE` or `REFUNDED`.
    pub state: PaymentState,
}

/// A charge to send to the provider. Repeating it with the same key charges nobody twice.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The booking.
    pub booking_id: BookingId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// `<bookingId>-<attempt>`: the provider's idempotency key.
    pub key: String,
    /// The amount.
    pub amount: u64,
    /// The provider's token for the means of payment.
    pub payment_token: SecretString,
}

/// A payment attempt with an unknown outcome.
#[derive(Debug, Clone)]
pub enum Unsettled {
    /// The booking still holds its seats: send the same charge again.
    Charge(Charge),
    /// The booking no longer holds its seats, or only briefly: have the charge voided. If the
    /// provider had already taken the money, call [`Stock::paid`](super::Stock::paid), else
    /// [`Stock::declined`](super::Stock::declined).
    Void {
        /// The booking.
        booking_id: BookingId,
        /// The number of the attempt.
        attempt: u32,
        /// The provider's idempotency key of the charge.
        key: String,
    },
}

/// The next step of a confirmation. In all cases except the first, nothing has changed.
#[derive(Debug, Clone)]
pub enum Begun {
    /// Ask the provider, then call [`Stock::paid`](super::Stock::paid) or
    /// [`Stock::declined`](super::Stock::declined), or neither if there is no answer.
    Charge(Charge),
    /// The booking is already paid.
    Confirmed(Booking),
    /// This attempt was declined.
    Declined,
    /// The key was used with another payment token.
    KeyReused,
    /// Another attempt is in flight.
    InFlight,
    /// This attempt is in flight, and the hold is too short to send the charge again.
    InDoubt,
    /// The session has ended.
    SessionOver,
    /// The booking is cancelled.
    Cancelled,
    /// The booking's deadline or session has passed.
    Expired,
    /// The member has no such booking.
    Unknown,
}

/// The result of recording a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paid {
    /// The booking is confirmed. `new` is true the first time, when it must be announced.
    Confirmed {
        /// The booking as it is now.
        booking: Booking,
        /// Whether this call confirmed it.
        new: bool,
    },
    /// The charge came too late; a task refunds it.
    Lost {
        /// The booking as it is now.
        booking: Booking,
        /// Seats freed by this call, to be announced.
        freed: Vec<SeatId>,
    },
}

/// The result of a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// The booking is cancelled.
    Done {
        /// The booking as it is now.
        booking: Booking,
        /// Seats freed by this call, to be announced.
        freed: Vec<SeatId>,
        /// Whether this call freed tickets.
        tickets: bool,
    },
    /// It was cancelled before, or had expired; nothing has changed.
    Already(Booking),
    /// A payment is in flight; nothing has changed.
    InFlight,
    /// The member has no such booking.
    Unknown,
}

/// An external effect to carry out, at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The id for [`Stock::task_done`](super::Stock::task_done) and
    /// [`Stock::task_again`](super::Stock::task_again).
    pub id: String,
    /// The effect.
    pub work: Work,
}

/// The effect of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// End a session.
    Complete(Session),
    /// Refund a payment.
    Refund {
        /// The provider's id of the payment.
        payment_id: String,
        /// The amount.
        amount: u64,
        /// The provider's idempotency key, which is that of the charge.
        key: String,
    },
}

/// Seats of one concert whose holds have expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// The concert.
    pub concert_id: ConcertId,
    /// The seats, in the order of their ids.
    pub seat_ids: Vec<SeatId>,
}
