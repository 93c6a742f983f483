#![doc = include_str!("../README.md")]

mod code;
mod estimate;
mod given;
mod ids;
mod language;
mod pace;
mod phase;
mod plain;
mod policy;
mod poll;
mod standing;
mod stock;
mod time;

pub use code::{Code, Coded, Field};
pub use estimate::{COOLING_MS, Estimate, EstimateReason, LineFacts, SlotEnd, Slots};
pub use given::given;
pub use ids::{
    BookingId, ConcertId, EntryNumber, GUEST_PREFIX, InvalidId, MemberId, SeatId, Section, TicketId,
};
pub use language::{Language, Text};
pub use pace::Pace;
pub use phase::Phase;
pub use plain::is_plain;
pub use policy::{Concert, Identity, Mode, NewConcert, Policy, PolicyChange, PolicyField};
pub use poll::poll_after_ms;
pub use standing::{EntryState, Standing, Status};
pub use stock::{Stock, StockReport, Tier};
pub use time::UnixMs;
