//! The events and their names.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sunbeon_domain::{ConcertId, SeatId, Standing};

/// The family of names that a page uses: it is answered in the one that it joined with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// `join:queue`, `queue:position`, …
    Colons,
    /// `join-queue`, `queue-updated`, …
    Hyphens,
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    JoinQueue,
    JoinEvent,
    LeaveQueue,
    LeaveEvent,
}

impl Ask {
    pub(crate) fn named(name: &str) -> Option<(Self, Names)> {
        let ask = match name {
            "join:queue" | "join-queue" => Self::JoinQueue,
            "join:event" | "join-event" | "join-seat-selection" => Self::JoinEvent,
            "leave:queue" | "leave-queue" => Self::LeaveQueue,
            "leave:event" | "leave-event" | "leave-seat-selection" => Self::LeaveEvent,
            _ => return None,
        };
        let names = match name.contains(':') {
            true => Names::Colons,
            false => Names::Hyphens,
        };
        Some((ask, names))
    }
}

/// What a server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A [`Place`].
    Position,
    /// A [`Called`].
    Admitted,
    /// The public snapshot of the line.
    Line,
    /// [`Tickets`].
    Tickets,
    /// [`Seats`] that are no longer free.
    Selected,
    /// [`Seats`] that are free again.
    Released,
    /// [`RoomInfo`].
    Room,
    /// [`Restored`].
    Restored,
}

impl Event {
    pub(crate) fn name(self, names: Names) -> &'static str {
        let (colons, hyphens) = match self {
            Self::Position => ("queue:position", "queue-updated"),
            Self::Admitted => ("queue:admitted", "queue-entry-allowed"),
            Self::Line => ("queue:line", "queue-line"),
            Self::Tickets => ("ticket:updated", "ticket-updated"),
            Self::Selected => ("seat:selected", "seat-locked"),
            Self::Released => ("seat:released", "seat-released"),
            Self::Room => ("room:info", "room-info"),
            Self::Restored => ("session:restored", "session-restored"),
        };
        match names {
            Names::Colons => colons,
            Names::Hyphens => hyphens,
        }
    }
}

/// Where a member stands. Only one in line has a position.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    concert_id: ConcertId,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_waiting: Option<u64>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_wait_time: Option<u64>,
    standing: Standing,
}

impl From<Standing> for Place {
    fn from(standing: Standing) -> Self {
        Self {
            concert_id: standing.concert_id.clone(),
            position: standing.queue_number,
            total_waiting: standing.total_waiting_count,
            estimated_wait_time: standing.estimated_wait_seconds,
            standing,
        }
    }
}

/// A member's turn has come.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Called {
    concert_id: ConcertId,
    standing: Standing,
}

impl From<Standing> for Called {
    fn from(standing: Standing) -> Self {
        let concert_id = standing.concert_id.clone();
        Self {
            concert_id,
            standing,
        }
    }
}

/// How many tickets of a kind are left.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tickets<'a> {
    pub(crate) event_id: &'a ConcertId,
    pub(crate) concert_id: &'a ConcertId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_type_id: Option<&'a str>,
    pub(crate) remaining_quantity: u64,
}

/// Some seats of a concert.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seats<'a> {
    pub(crate) event_id: &'a ConcertId,
    pub(crate) concert_id: &'a ConcertId,
    pub(crate) seat_ids: &'a [&'a str],
}

/// How many sockets have joined a concert.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomInfo<'a> {
    pub(crate) event_id: &'a ConcertId,
    pub(crate) concert_id: &'a ConcertId,
    pub(crate) sockets: u64,
}

/// Everything as it is now, for a page that may have missed something.
#[derive(Serialize)]
pub(crate) struct Restored {
    pub(crate) concerts: Vec<RestoredConcert>,
}

/// A concert that a page may have missed something of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RestoredConcert {
    pub(crate) concert_id: ConcertId,
    /// Where the member stands; left out for a page that has joined only the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standing: Option<Standing>,
    /// The seats that the member holds; left out where they are not known, and to be read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seat_ids: Option<Vec<SeatId>>,
}

/// Writes down what many are told, once for all of them.
pub(crate) fn written(data: &impl Serialize) -> Box<RawValue> {
    to_raw_value(data).expect("what is told is JSON")
}
