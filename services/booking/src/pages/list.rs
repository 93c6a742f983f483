//! `/`: the concerts on sale.

use std::collections::HashSet;

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, QueryPairs};
use sunbeon_domain::{Concert, ConcertId, Identity, Phase, UnixMs};
use sunbeon_pages::{Chosen, Page, show};

use super::{now, visitor::Visitor};
use crate::Shop;

const PAGE: Page = super::page("shop-list");
/// How many concerts are on a page.
const ON_A_PAGE: usize = 50;

#[derive(Serialize)]
struct List {
    visitor: Visitor,
    concerts: Vec<Listed>,
    /// The numbers of the pages before and after this one.
    before: Option<usize>,
    after: Option<usize>,
}

/// A concert on the list.
#[derive(Serialize)]
struct Listed {
    id: ConcertId,
    title: String,
    sale: Sale,
    starts: Option<String>,
    ends: Option<String>,
    /// Whether guests may line up, too.
    guests: bool,
}

/// What a visitor can do about a concert, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Sale {
    Open,
    Paused,
    /// Members may line up.
    Before,
    Early,
    Sold,
    Over,
}

impl Sale {
    fn of(concert: &Concert, sold_out: &HashSet<ConcertId>, now: UnixMs) -> Self {
        match concert.phase(now) {
            Phase::Closed | Phase::Ended => Self::Over,
            Phase::Early => Self::Early,
            Phase::Before => Self::Before,
            _ if sold_out.contains(&concert.concert_id) => Self::Sold,
            Phase::Paused => Self::Paused,
            Phase::Open => Self::Open,
        }
    }
}

/// Shows the concerts: first those that can be booked now, then those to come, in the order of their
/// beginnings.
pub(crate) async fn page(
    State(shop): State<Shop>,
    chosen: Chosen,
    visitor: Visitor,
    query: QueryPairs,
) -> ApiResult<Response> {
    let all = shop.catalog.all().await.or_fail()?;
    let (sold_out, now) = (shop.views.sold_out().await, now());
    let sales = all
        .iter()
        .map(|concert| (Sale::of(concert, &sold_out, now), concert));
    let mut sales: Vec<_> = sales.collect();
    sales.sort_by_key(|(sale, concert)| (*sale, concert.policy.booking_start_at));
    let number = number(&query);
    let from = ON_A_PAGE.saturating_mul(number - 1).min(sales.len());
    let rest = &sales[from..];
    let listed = rest.iter().take(ON_A_PAGE).map(|(sale, concert)| {
        let policy = &concert.policy;
        let local = |moment: UnixMs| moment.local_moment(&policy.time_zone, chosen.language);
        Listed {
            id: concert.concert_id.clone(),
            title: policy.title.clone(),
            sale: *sale,
            starts: policy.booking_start_at.map(local),
            ends: policy.booking_end_at.map(local),
            guests: policy.identity == Identity::Guest,
        }
    });
    let list = List {
        concerts: listed.collect(),
        before: (number > 1).then(|| number - 1),
        after: (rest.len() > ON_A_PAGE).then(|| number + 1),
        visitor,
    };
    Ok(show(PAGE, chosen, StatusCode::OK, list))
}

/// Returns the number in `?page=`, from 1.
fn number(query: &QueryPairs) -> usize {
    let asked = query.iter().find(|(name, _)| *name == "page");
    let number = asked.and_then(|(_, number)| number?.parse().ok());
    number.filter(|number| *number > 0).unwrap_or(1)
}
