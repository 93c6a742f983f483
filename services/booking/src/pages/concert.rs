//! `/concerts/{concertId}`: choosing seats and tickets, and paying.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, PathConcert};
use sunbeon_domain::{ConcertId, UnixMs};
use sunbeon_pages::{Chosen, Page, show};

use super::{now, visitor::Visitor};
use crate::{Shop, routes::Inside};

const PAGE: Page = super::page("shop-concert");

#[derive(Serialize)]
struct OnSale {
    visitor: Visitor,
    id: ConcertId,
    title: String,
    starts: Option<String>,
    ends: Option<String>,
    /// Where to line up again.
    waiting_page: String,
    /// When the visitor's session ends and what time it is, in milliseconds since the epoch; there is no
    /// session where nobody lines up.
    until: Option<i64>,
    now: i64,
}

/// Shows a concert to a visitor whom the gate let in. What is left, the page's script reads from the API.
pub(crate) async fn page(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
    chosen: Chosen,
    visitor: Visitor,
) -> ApiResult<Response> {
    inside.to(&id)?;
    let policy = shop.concert(&id).await?.policy;
    // Holds end by the database's clock.
    let now = shop.stock.now().await.unwrap_or_else(|_| now());
    let local = |moment: UnixMs| moment.local_moment(&policy.time_zone, chosen.language);
    let shown = OnSale {
        visitor,
        starts: policy.booking_start_at.map(local),
        ends: policy.booking_end_at.map(local),
        waiting_page: shop.gate.waiting_page(&id),
        until: inside.visit().until.map(|until| until.0),
        now: now.0,
        title: policy.title,
        id,
    };
    Ok(show(PAGE, chosen, StatusCode::OK, shown))
}
