//! The ids of the glossary: parsed once at the edge and trusted inside.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $pattern:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = $pattern)))]
        #[schema(value_type = String, pattern = $pattern)]
        pub struct $name(String);

        impl $name {
            #[doc = concat!("Accepts ", $rule, ".")]
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let ok: fn(&str) -> bool = $ok;
                if ok(&text) { Ok(Self(text)) } else { Err(InvalidId(concat!("must be ", $rule))) }
            }

            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
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

text_id!(
    /// One sale with one line.
    ConcertId,
    "1 to 64 of A-Z, a-z, 0-9, '_' and '-'",
    "^[A-Za-z0-9_-]{1,64}$",
    |text| is_name(text, 64, b"_-")
);

text_id!(
    /// A person, as named by the access token.
    MemberId,
    "1 to 255 visible ASCII characters",
    "^[!-~]{1,255}$",
    |text| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);

text_id!(
    /// One seat of one concert: `<concertId>.<section>.<row>.<number>`. A well-formed id does not
    /// have to exist.
    SeatId,
    "1 to 100 of A-Z, a-z, 0-9, '_', '-' and '.'",
    "^[A-Za-z0-9_.-]{1,100}$",
    |text| is_name(text, 100, b"_-.")
);

text_id!(
    /// One kind of counted ticket of a concert.
    TicketId,
    "1 to 64 of A-Z, a-z, 0-9, '_' and '-'",
    "^[A-Za-z0-9_-]{1,64}$",
    |text| is_name(text, 64, b"_-")
);

text_id!(
    /// The name of a section of seats.
    Section,
    "1 to 20 of A-Z, a-z, 0-9, '_' and '-'",
    "^[A-Za-z0-9_-]{1,20}$",
    |text| is_name(text, 20, b"_-")
);

/// Returns whether a text consists of letters, digits and these other characters, up to this length.
fn is_name(text: &str, longest: usize, others: &[u8]) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(good)
}

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

/// The prefix of every guest's id; a login must not issue such an id.
pub const GUEST_PREFIX: &str = "guest:";

impl MemberId {
    /// Returns whether this is a guest, that is, a member who lined up without a login.
    pub fn is_guest(&self) -> bool {
        self.0.starts_with(GUEST_PREFIX)
    }
}

/// Microseconds since the epoch by the store's clock, strictly increasing per concert. It orders
/// the line and identifies the entry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "u64")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[schema(value_type = u64, maximum = 9_007_199_254_740_991_u64, example = 1_763_640_000_123_456_u64)]
pub struct EntryNumber(pub u64);

impl EntryNumber {
    /// The largest entry number: stores keep them as doubles, which are exact up to here.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Returns the id (`jti`) of every booking token for this entry of a concert.
    ///
    /// It is derived from the entry and is not secret: the signature proves a token. A token that is
    /// issued again because the first one was lost has the same id.
    pub fn token_id(self, concert: &ConcertId) -> String {
        format!("{concert}:{self}")
    }
}

impl TryFrom<u64> for EntryNumber {
    type Error = InvalidId;

    fn try_from(number: u64) -> Result<Self, InvalidId> {
        let fits = number <= Self::MAX.0;
        fits.then_some(Self(number))
            .ok_or(InvalidId("must be at most 9007199254740991"))
    }
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concert_id_is_1_to_64_of_its_alphabet() {
        for good in ["1", "demo", "A_b-9", &"x".repeat(64)] {
            assert_eq!(ConcertId::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a b",
            "a{b}",
            "a:b",
            "콘서트",
            "a\0",
            "a\n",
            &"x".repeat(65),
        ] {
            assert!(ConcertId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_member_id_is_visible_ascii() {
        for good in ["42", "a{b}:c", "user@example.com", &"~".repeat(255)] {
            assert_eq!(MemberId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\tb", "회원", "a\u{7f}", &"x".repeat(256)] {
            assert!(MemberId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_number_fits_into_a_double_exactly() {
        let read = serde_json::from_str::<EntryNumber>;
        assert_eq!(read("9007199254740991").unwrap(), EntryNumber::MAX);
        for bad in ["9007199254740992", "18446744073709551615", "-1", "1.5"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_in_json_follow_the_same_rules() {
        assert!(serde_json::from_str::<ConcertId>(r#""demo""#).is_ok());
        let error = serde_json::from_str::<ConcertId>(r#""a b""#).unwrap_err();
        assert!(error.to_string().contains("1 to 64"), "{error}");
    }
}
