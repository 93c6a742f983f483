//! The ENTER message: this entry's turn has come.

use jiff::civil::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};

/// The kind of a message; there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// A member's turn has come.
    Enter,
}

/// Sent by reservation-open for each admitted entry, consumed by entry-consumer. May come twice
/// or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enter {
    /// Who.
    pub member_id: MemberId,
    /// Where.
    pub concert_id: ConcertId,
    /// For people who read the queue; may be empty.
    #[serde(default)]
    pub member_name: String,
    /// For people who read the queue; may be empty.
    #[serde(default)]
    pub concert_title: String,
    /// The moment when the entry was taken off the front, UTC, `YYYY-MM-DDTHH:MM:SS`; the same when sent again.
    #[schemars(with = "String")]
    pub timestamp: DateTime,
    /// Always ENTER.
    pub message_type: MessageType,
    /// Which entry of the member's.
    pub entry_number: EntryNumber,
}

impl Enter {
    /// The message for an entry taken at a moment.
    pub fn new(
        concert_id: ConcertId,
        concert_title: String,
        member_id: MemberId,
        member_name: String,
        entry_number: EntryNumber,
        taken_at: UnixMs,
    ) -> Self {
        let second = UnixMs(taken_at.seconds() * 1000).timestamp();
        Self {
            member_id,
            concert_id,
            member_name,
            concert_title,
            timestamp: second.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            message_type: MessageType::Enter,
            entry_number,
        }
    }

    /// `<concertId>:<entryNumber>`, the same when sent again.
    pub fn message_id(&self) -> String {
        format!("{}:{}", self.concert_id, self.entry_number)
    }
}
