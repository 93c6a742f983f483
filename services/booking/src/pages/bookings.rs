//! `/bookings`: the visitor's own bookings.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, QueryPairs};
use sunbeon_domain::{BookingId, Concert, UnixMs};
use sunbeon_pages::{Chosen, Page, show};

use super::visitor::Visitor;
use crate::{Shop, stock::Booking};

const PAGE: Page = super::page("shop-bookings");
/// How many bookings are on a page.
const ON_A_PAGE: u32 = 20;

#[derive(Serialize)]
struct Mine {
    visitor: Visitor,
    /// Left out for a visitor of whom nothing is known.
    bookings: Option<Vec<Listed>>,
    /// The booking after which the next page begins.
    after: Option<BookingId>,
}

/// A booking on the list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    booking: Booking,
    /// The concert's, or its id if it no longer exists.
    title: String,
    created: String,
    /// Until when it can be paid.
    until: String,
}

/// Shows the visitor's bookings, newest first.
pub(crate) async fn page(
    State(shop): State<Shop>,
    chosen: Chosen,
    visitor: Visitor,
    query: QueryPairs,
) -> ApiResult<Response> {
    let mut mine = Mine {
        bookings: None,
        after: None,
        visitor,
    };
    if let Some(member) = &mine.visitor.id {
        let after = query.iter().find(|(name, _)| *name == "after");
        let after = after.and_then(|(_, id)| BookingId::parse(id?));
        let found = shop
            .stock
            .bookings(member, after, ON_A_PAGE)
            .await
            .or_fail()?;
        let full = found.len() == ON_A_PAGE as usize;
        mine.after = found.last().filter(|_| full).map(|last| last.booking_id);
        // The bookings are shown even if nobody can say what the concerts are called.
        let concerts = shop.catalog.all().await.unwrap_or_default();
        let listed = found.into_iter().map(|booking| {
            let concert = concerts
                .iter()
                .find(|it| it.concert_id == booking.concert_id);
            listed(booking, concert, chosen)
        });
        mine.bookings = Some(listed.collect());
    }
    Ok(show(PAGE, chosen, StatusCode::OK, mine))
}

fn listed(booking: Booking, concert: Option<&Concert>, chosen: Chosen) -> Listed {
    let zone = concert.map_or("UTC", |concert| &concert.policy.time_zone);
    let local = |moment: UnixMs| moment.local_moment(zone, chosen.language);
    let title = concert.map(|concert| concert.policy.title.clone());
    Listed {
        title: title.unwrap_or_else(|| booking.concert_id.to_string()),
        created: local(booking.created_at),
        until: local(booking.expires_at),
        booking,
    }
}
