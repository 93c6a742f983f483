//! The wire types. Standings, policies and concerts are in `sunbeon-domain`.

mod shop;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, Status, UnixMs};
use utoipa::ToSchema;

pub use self::shop::{
    BookedSeat, BookedTicket, Booking, BookingState, ChangedSeat, CreatedBooking, HeldSeats,
    LongerToken, MySeat, MySeats, Seat, SeatMap, SeatState, Ticket, Tickets,
};

/// A success, as sent to the client.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Success<T> {
    /// A sentence for people, in the request's language.
    pub message: String,
    /// The answer.
    pub data: T,
    /// The HTTP status.
    pub status: u16,
}

/// A failure, as sent to the client.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A sentence for people, in the request's language.
    pub message: String,
    /// A stable word that says what failed.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// Details beyond the code; left out if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// An access token for development.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmVk"}))]
pub struct AccessToken {
    /// An access token for 24 hours.
    pub token: String,
}

/// A new guest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"memberId": "guest:bwwvHl0PS46aUj9rHJ1-EA",
    "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiI0MiJ9.c2lnbmVk",
    "expiresAt": "2026-11-20T05:00:00.000Z"}))]
pub struct GuestToken {
    /// The guest's member id.
    pub member_id: MemberId,
    /// The access token to send.
    pub token: String,
    /// When it expires.
    pub expires_at: UnixMs,
}

/// A booking token with its concert and entry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "status": "ENTERED", "canEnter": true,
    "entryNumber": 1_763_614_800_000_000_u64,
    "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiI0MiJ9.c2lnbmVk",
    "expiresAt": "2026-11-20T05:10:00.000Z"}))]
pub struct IssuedToken {
    /// The concert.
    pub concert_id: ConcertId,
    /// Its title.
    pub concert_title: String,
    /// Always ENTERED.
    pub status: Status,
    /// Always true.
    pub can_enter: bool,
    /// The entry.
    pub entry_number: EntryNumber,
    /// A JWT signed with EdDSA; send it as `X-Queue-Token` beside the access token.
    pub token: String,
    /// When it expires.
    pub expires_at: UnixMs,
}

/// A session's booking token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"extended": true, "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiI0MiJ9.c2lnbmVk",
    "expiresAt": "2026-11-20T05:10:00.000Z"}))]
pub struct ExtendedSession {
    /// Whether this request extended it.
    pub extended: bool,
    /// The token for the member, replacing the previous one.
    pub token: String,
    /// When it expires.
    pub expires_at: UnixMs,
}

/// Sessions of a concert that ended before their booking tokens, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(
    {"revoked": [[1_763_614_800_000_000_u64, 1_763_616_000_u64]],
    "cursor": "1763614923456789-1763614800000000", "more": false}))]
pub struct RevokedPage {
    /// For each, the entry number and the Unix seconds at which the last token of that entry has expired.
    pub revoked: Vec<[u64; 2]>,
    /// The `after` of the next request; left out while the feed is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether there are more; ask for them at once.
    pub more: bool,
}

/// Whether to report again soon.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"live": true}))]
pub struct StockReported {
    /// Whether anybody is in line or inside. If not, a report every 45 seconds is enough.
    pub live: bool,
}

/// A page of concerts, in the order of their ids.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concerts": [{"concertId": "demo", "version": 1, "closed": false, "title": "Demo Concert",
    "timeZone": "Asia/Seoul", "mode": "queue", "joinStartHours": 4, "entryIntervalSeconds": 30,
    "groupSize": 10, "maxWaitTimeMinutes": 120, "refuseLongWait": false,
    "holdDurationMinutes": 10, "waitingTtlSeconds": 300, "readyTtlSeconds": 300,
    "sessionMinutes": 10, "keepPlaceMinutes": 30, "autoOpen": true, "paused": false,
    "stopWhenSoldOut": true, "identity": "member", "bookingStartAt": "2026-11-20T05:00:00.000Z"}], "nextCursor": "demo"}))]
pub struct ConcertPage {
    /// In the order of their ids.
    pub concerts: Vec<Concert>,
    /// The `cursor` of the next page; left out on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<ConcertId>,
}
