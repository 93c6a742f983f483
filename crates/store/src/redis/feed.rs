//! Reading the feed of ended sessions.

use sunbeon_domain::EntryNumber;

use super::reply::nonsense;
use crate::{FeedPage, FeedPlace, Result, Revoked};

/// Reads what `revoked.lua` replies: packed, for there may be very many.
pub(super) fn feed_page(reply: &[Vec<u8>]) -> Result<FeedPage> {
    let [held, oldest, packed] = reply else {
        return Err(nonsense("a page of the feed has three parts"));
    };
    let oldest: u64 = std::str::from_utf8(oldest)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| nonsense("an order is a number"))?;
    let (each, rest) = packed.as_chunks::<20>();
    if !rest.is_empty() {
        return Err(nonsense("the feed is cut off"));
    }
    Ok(FeedPage {
        goes_on: held == b"1",
        oldest: Some(oldest).filter(|order| *order != 0),
        revoked: each.iter().map(revoked).collect(),
    })
}

fn revoked(packed: &[u8; 20]) -> Revoked {
    let [a, b, c, d, e, f, g, h, p, q, r, s, order @ ..] = *packed;
    Revoked {
        place: FeedPlace {
            order: u64::from_be_bytes(order),
            number: EntryNumber(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        },
        until: u32::from_be_bytes([p, q, r, s]).into(),
    }
}
