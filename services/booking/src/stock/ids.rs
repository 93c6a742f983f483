//! The ids of seats, tickets and bookings.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $longest:literal, $other:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Accepts ", $rule, "; `None` for anything else.")]
            pub fn parse(text: impl Into<String>) -> Option<Self> {
                let text = text.into();
                let good = |byte: u8| byte.is_ascii_alphanumeric() || $other.contains(&byte);
                let ok = (1..=$longest).contains(&text.len()) && text.bytes().all(good);
                ok.then_some(Self(text))
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::parse(text).ok_or(InvalidText(concat!("must be ", $rule)))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidText(&'static str);

text_id!(
    /// One seat of one concert: `<concertId>.<section>.<row>.<number>`. A well-formed id does not
    /// have to exist.
    SeatId,
    100,
    b"_-.",
    "1 to 100 of A-Z, a-z, 0-9, '_', '-' and '.'"
);

text_id!(
    /// One kind of counted ticket of a concert.
    TicketId,
    64,
    b"_-",
    "1 to 64 of A-Z, a-z, 0-9, '_' and '-'"
);

text_id!(
    /// The name of a section of seats.
    Section,
    20,
    b"_-",
    "1 to 20 of A-Z, a-z, 0-9, '_' and '-'"
);

/// One booking: a version 7 UUID, so that ids sort by time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = String, format = "uuid")]
pub struct BookingId(pub Uuid);

impl BookingId {
    /// Parses a UUID in its usual form.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for BookingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
