//! The arguments of statements.

use sunbeon_domain::{
    BookingId, ConcertId, EntryNumber, MemberId, SeatId, Section, TicketId, UnixMs,
};

/// One argument of a statement.
#[derive(Debug, Clone)]
pub enum Value {
    /// TEXT, or NULL.
    Text(Option<String>),
    /// BIGINT, or NULL.
    Int(Option<i64>),
    /// BOOLEAN.
    Bool(bool),
}

/// The arguments of a statement, `$1` first.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::Value::from($value)),*] };
}

macro_rules! arguments {
    ($kind:ident of $($argument:ty => $stored:expr;)+) => {
        $(impl From<$argument> for Value {
            fn from(argument: $argument) -> Self {
                Self::from(Some(argument))
            }
        }

        impl From<Option<$argument>> for Value {
            fn from(argument: Option<$argument>) -> Self {
                Self::$kind(argument.map($stored))
            }
        })+
    };
}

arguments! {
    Text of
    String => |text| text;
    &str => str::to_owned;
    &String => String::clone;
    &ConcertId => ToString::to_string;
    &MemberId => ToString::to_string;
    &SeatId => ToString::to_string;
    &TicketId => ToString::to_string;
    &Section => ToString::to_string;
    &BookingId => ToString::to_string;
}

arguments! {
    Int of
    i64 => |number| number;
    u32 => i64::from;
    UnixMs => |at| at.0;
    // The database compares numbers; a number beyond its range becomes the largest in range.
    EntryNumber => |number| i64::try_from(number.0).unwrap_or(i64::MAX);
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
