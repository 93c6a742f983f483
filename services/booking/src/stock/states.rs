//! The states in the tables, each with the word in its column.

use serde::Serialize;
use sunbeon_database::{Cell, Column, Value};
use utoipa::ToSchema;

/// Declares an enum that is stored as one word in a TEXT column.
macro_rules! words {
    ($(#[$doc:meta])* $see:vis enum $name:ident { $($(#[$of:meta])* $state:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $see enum $name {
            $($(#[$of])* $state,)+
        }

        impl From<$name> for Value {
            fn from(state: $name) -> Self {
                match state {
                    $($name::$state => $word.into(),)+
                }
            }
        }

        impl Column for $name {
            fn read(cell: Cell) -> Option<Self> {
                match String::read(cell)?.as_str() {
                    $($word => Some(Self::$state),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// The state in a booking's row. Whether it has expired depends on the clock.
    pub(super) enum Stored {
        Pending = "PENDING",
        Paying = "PAYING",
        Confirmed = "CONFIRMED",
        Cancelled = "CANCELLED",
    }
}

impl Stored {
    /// Returns whether such a booking can expire.
    pub(super) fn is_unpaid(self) -> bool {
        matches!(self, Self::Pending | Self::Paying)
    }
}

words! {
    /// The state of one payment attempt.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum PaymentState {
        /// The provider was asked; the outcome is unknown.
        Asked = "ASKED",
        /// The charge went through.
        Paid = "PAID",
        /// Nothing was charged, and nothing will be.
        Declined = "DECLINED",
        /// The charge must be refunded.
        RefundDue = "REFUND_DUE",
        /// The charge was refunded.
        Refunded = "REFUNDED",
    }
}

words! {
    /// A kind of task. Failing tasks of one kind do not delay those of the other.
    pub enum Kind {
        /// Ending a session.
        Complete = "complete",
        /// Refunding a payment.
        Refund = "refund",
    }
}
