//! The ENTER message: it is this entry's turn.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};

/// The kind of a message; there is only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// A member's turn has come.
    Enter,
}

/// The message that reservation-open sends for each entry taken, and entry-consumer handles. It may
/// arrive twice or late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Enter {
    /// The member.
    pub member_id: MemberId,
    /// The concert.
    pub concert_id: ConcertId,
    /// For people who read the queue; may be empty.
    #[serde(default)]
    pub member_name: String,
    /// For people who read the queue; may be empty.
    #[serde(default)]
    pub concert_title: String,
    /// When the entry was taken off the front, UTC, `YYYY-MM-DDTHH:MM:SS`. A repeated message has
    /// the same.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub timestamp: DateTime,
    /// Always ENTER.
    pub message_type: MessageType,
    /// The member's entry.
    pub entry_number: EntryNumber,
}

impl Enter {
    /// Creates the message for an entry taken at a given moment.
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

    /// Returns `<concertId>:<entryNumber>`, the same for a repeated message.
    pub fn message_id(&self) -> String {
        format!("{}:{}", self.concert_id, self.entry_number)
    }
}
