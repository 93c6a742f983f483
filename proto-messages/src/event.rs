//! Events: things that have already happened. They may be lost; polling and the database are the
//! authority.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

/// How often `gate.blind` is said while a gate is blind.
pub const BLIND_EVERY: Duration = Duration::from_secs(2);
/// A gate that has said nothing for so long sees again, or is gone.
pub const BLIND_FOR: Duration = Duration::from_secs(6);

/// Something that has already happened, published to the topic exchange under
/// [`Event::routing_key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Event {
    /// Members became READY; sent by entry-consumer.
    #[serde(rename = "queue.admitted")]
    QueueAdmitted {
        /// The concert.
        concert_id: ConcertId,
        /// The members, each with the entry that was called.
        admitted: Vec<Admitted>,
    },
    /// The front of the line moved; sent by reservation-open.
    #[serde(rename = "queue.advanced")]
    QueueAdvanced {
        /// The concert.
        concert_id: ConcertId,
        /// How many were taken.
        taken: u64,
        /// How many are still waiting.
        waiting: u64,
    },
    /// A concert was created, changed, closed, cleared or deleted; sent by reservation-open.
    #[serde(rename = "concert.changed")]
    ConcertChanged {
        /// The concert.
        concert_id: ConcertId,
        /// Its new version.
        version: u64,
    },
    /// Stock changed; sent by booking.
    #[serde(rename = "ticket.updated")]
    TicketUpdated {
        /// The concert.
        concert_id: ConcertId,
        /// How many are left, seats included.
        remaining: u64,
        /// How many are left of each kind of ticket.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tickets: Vec<TicketLeft>,
    },
    /// Seats were put on hold; sent by booking.
    #[serde(rename = "seat.selected")]
    SeatSelected {
        /// The concert.
        concert_id: ConcertId,
        /// The seats.
        seat_ids: Vec<String>,
    },
    /// Seats are free again; sent by booking.
    #[serde(rename = "seat.released")]
    SeatReleased {
        /// The concert.
        concert_id: ConcertId,
        /// The seats.
        seat_ids: Vec<String>,
    },
    /// Sockets joined a concert or left it, or are still there; sent by each instance of realtime.
    #[serde(rename = "room.counted")]
    RoomCounted {
        /// The concert.
        concert_id: ConcertId,
        /// The instance, by a name of its own.
        instance: String,
        /// How many sockets it has in the concert's room.
        sockets: u64,
    },
    /// A shop's gate cannot tell who was admitted; sent by booking every two seconds while that is so.
    #[serde(rename = "gate.blind")]
    GateBlind {
        /// The instance of the shop, by a name of its own.
        instance: String,
        /// Whether the gate lets everybody in meanwhile, or nobody.
        open: bool,
    },
}

/// One kind of ticket of a `ticket.updated` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TicketLeft {
    /// The kind.
    pub ticket_id: String,
    /// How many are left of it.
    pub remaining: u64,
}

/// One member of a `queue.admitted` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Admitted {
    /// The member.
    pub member_id: MemberId,
    /// The entry that was called.
    pub entry_number: EntryNumber,
}

impl Event {
    /// Returns `<type>.<concertId>`; for `gate.blind`, which concerns no concert, the type alone.
    pub fn routing_key(&self) -> String {
        let (kind, concert_id) = match self {
            Self::GateBlind { .. } => return "gate.blind".to_owned(),
            Self::QueueAdmitted { concert_id, .. } => ("queue.admitted", concert_id),
            Self::QueueAdvanced { concert_id, .. } => ("queue.advanced", concert_id),
            Self::ConcertChanged { concert_id, .. } => ("concert.changed", concert_id),
            Self::TicketUpdated { concert_id, .. } => ("ticket.updated", concert_id),
            Self::SeatSelected { concert_id, .. } => ("seat.selected", concert_id),
            Self::SeatReleased { concert_id, .. } => ("seat.released", concert_id),
            Self::RoomCounted { concert_id, .. } => ("room.counted", concert_id),
        };
        format!("{kind}.{concert_id}")
    }
}
