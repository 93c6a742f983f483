//! What goes over the wire. Standings, policies and concerts are in `sunbeon-domain`.

use serde::{Deserialize, Serialize};
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, Status, UnixMs};
use utoipa::ToSchema;

/// A new guest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestToken {
    /// The guest's member id.
    pub member_id: MemberId,
    /// Send it as the access token.
    pub token: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// A booking token, and where its member stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// The concert.
    pub concert_id: ConcertId,
    /// Its title.
    pub concert_title: String,
    /// ENTERED.
    pub status: Status,
    /// True.
    pub can_enter: bool,
    /// The entry.
    pub entry_number: EntryNumber,
    /// A JWT signed with EdDSA; send it as `X-Queue-Token` beside the access token.
    pub token: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// A session's booking token, whose end may have been moved.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extended {
    /// Whether this request moved its end.
    pub extended: bool,
    /// For the member, in place of the previous one.
    pub token: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

/// The booking tokens that ended early and have not expired.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Revoked {
    /// Their `jti`s, sorted.
    pub revoked: Vec<String>,
}

/// A page of concerts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConcertPage {
    /// In the order of their ids.
    pub concerts: Vec<Concert>,
    /// Where the next page begins; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<ConcertId>,
}

/// What a shopper reads of a concert's seats.
#[derive(Debug, Clone, Deserialize)]
pub struct SeatMap {
    /// All of them.
    pub seats: Vec<Seat>,
}

/// What a shopper reads of a seat.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// Its id.
    pub seat_id: String,
    /// `AVAILABLE`, `HELD` or `SOLD`.
    pub state: String,
}

/// What a shopper reads of a concert's tickets.
#[derive(Debug, Clone, Deserialize)]
pub struct TicketKinds {
    /// All kinds.
    pub tickets: Vec<TicketKind>,
}

/// What a shopper reads of a kind of ticket.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketKind {
    /// Its id.
    pub ticket_id: String,
    /// How many there are in all.
    pub quantity: u64,
    /// How many are left.
    pub remaining: u64,
}

/// What a shopper reads of seats just held.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The booking token signed again with a later end, if the hold needed one.
    pub queue_token: Option<String>,
}

/// What a shopper reads of a booking.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Booked {
    /// Its id.
    pub booking_id: String,
}
