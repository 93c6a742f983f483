//! The states of the tables, each with the word that its column holds.

use serde::Serialize;
use sunbeon_database::{Cell, Column, Value};
use utoipa::ToSchema;

/// Declares an enum that is one word of a TEXT column.
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
    /// The state of a booking's row. Whether it has expired is a matter of the clock.
    pub(super) enum Stored {
        Pending = "PENDING",
        Paying = "PAYING",
        Confirmed = "CONFIRMED",
        Cancelled = "CANCELLED",
    }
}

impl Stored {
    /// Returns whether time ends such a booking.
    pub(super) fn is_unpaid(self) -> bool {
        matches!(self, Self::Pending | Self::Paying)
    }
}

words! {
    /// The state of one attempt to pay.
    #[derive(Serialize, ToSchema)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum PaymentState {
        /// The provider was asked; the outcome is not known.
        Asked = "ASKED",
        /// The money was taken.
        Paid = "PAID",
        /// No money was taken, and none will be.
        Declined = "DECLINED",
        /// The money was taken and is to be refunded.
        RefundDue = "REFUND_DUE",
        /// The money was refunded.
        Refunded = "REFUNDED",
    }
}

words! {
    /// A kind of task. Tasks of one kind that cannot be done hold up none of the other.
    pub enum Kind {
        /// Ending a session.
        Complete = "complete",
        /// Refunding a payment.
        Refund = "refund",
    }
}
