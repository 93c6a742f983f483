//! The bounds of fields in bodies. A field out of bounds is refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};
use sunbeon_chassis::extract::objects;
use utoipa::ToSchema;

use crate::stock::{SeatId, TicketId};

/// How many different items a list may contain.
pub(crate) const ITEMS: std::ops::RangeInclusive<usize> = 1..=100;

/// A kind of ticket and a quantity.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OrderedTickets {
    ticket_id: TicketId,
    #[schema(value_type = u32, minimum = 1)]
    quantity: NonZeroU32,
}

/// Reads a list of 1 to 100 different seats.
pub(crate) fn seat_ids<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<SeatId>, D::Error> {
    let given = Vec::<SeatId>::deserialize(from)?;
    let count = given.len();
    let ids: BTreeSet<_> = given.into_iter().collect();
    if ITEMS.contains(&count) && ids.len() == count {
        Ok(ids)
    } else {
        Err(D::Error::custom("not 1 to 100 different seats"))
    }
}

/// Reads an optional list of 1 to 100 different seats.
pub(crate) fn some_seat_ids<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<BTreeSet<SeatId>>, D::Error> {
    seat_ids(from).map(Some)
}

/// Reads an optional list of 1 to 100 different kinds of tickets.
pub(crate) fn some_tickets<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<BTreeMap<TicketId, NonZeroU32>>, D::Error> {
    let given: Vec<OrderedTickets> = objects(from)?;
    let count = given.len();
    let pairs = given.into_iter().map(|one| (one.ticket_id, one.quantity));
    let tickets: BTreeMap<_, _> = pairs.collect();
    if ITEMS.contains(&count) && tickets.len() == count {
        Ok(Some(tickets))
    } else {
        Err(D::Error::custom("not 1 to 100 different kinds of tickets"))
    }
}

/// Reads a payment provider's token: 1 to 255 visible ASCII characters.
pub(crate) fn payment_token<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    let text = String::deserialize(from)?;
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=255).contains(&text.len()) {
        Ok(SecretString::from(text))
    } else {
        Err(D::Error::custom("not 1 to 255 visible ASCII characters"))
    }
}
