//! What is on sale, as those inside see it.

use std::collections::HashMap;

use axum::extract::State;
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Code, ConcertId, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::inside::Inside,
    stock::{Plan, Seat, Section, Ticket},
};

const SHOWN: Text = Text {
    ko: "콘서트 조회 성공",
    en: "This is the concert.",
};
const TICKETS: Text = Text {
    ko: "티켓 조회 성공",
    en: "These are the tickets.",
};
const SEATS: Text = Text {
    ko: "좌석 조회 성공",
    en: "These are the seats.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(concert))
        .routes(routes!(tickets))
        .routes(routes!(seats))
}

/// A concert and what of it can be had.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
    concert_id: ConcertId,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_start_at: Option<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_end_at: Option<UnixMs>,
    time_zone: String,
    /// Seats and tickets together that one member may have.
    per_member_limit: u32,
    hold_duration_minutes: u32,
    sections: Vec<ShownSection>,
    tickets: Vec<Ticket>,
}

/// A section and how many of its seats nobody has.
#[derive(Serialize, ToSchema)]
struct ShownSection {
    section: Section,
    price: u64,
    remaining: u64,
}

/// One concert: times, limits, prices, and what is left.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Shown>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "CONCERT_NOT_FOUND, STOCK_NOT_FOUND."),
    )
)]
async fn concert(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Shown>> {
    inside.to(&id)?;
    let policy = shop.concert(&id).await?.policy;
    let plan = on_sale(&shop, &id).await?;
    let free = shop.stock.free_seats(&id).await.or_fail()?;
    let shown = Shown {
        title: policy.title,
        booking_start_at: policy.booking_start_at,
        booking_end_at: policy.booking_end_at,
        time_zone: policy.time_zone,
        per_member_limit: plan.per_member_limit,
        hold_duration_minutes: policy.hold_duration_minutes,
        sections: sections(plan, &free),
        tickets: shop.stock.tickets(&id).await.or_fail()?,
        concert_id: id,
    };
    Ok(Reply::ok(SHOWN, shown))
}

async fn on_sale(shop: &Shop, id: &ConcertId) -> ApiResult<Plan> {
    let plan = shop.stock.plan(id).await.or_fail()?;
    Ok(plan.ok_or(Code::StockNotFound)?)
}

fn sections(plan: Plan, free: &HashMap<Section, u64>) -> Vec<ShownSection> {
    let sections = plan.sections.into_iter().map(|planned| ShownSection {
        remaining: free.get(&planned.section).copied().unwrap_or_default(),
        section: planned.section,
        price: planned.price,
    });
    sections.collect()
}

/// The counted tickets of a concert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tickets {
    concert_id: ConcertId,
    tickets: Vec<Ticket>,
}

/// Every kind of counted ticket, in the order of ids.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/tickets", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Tickets>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "STOCK_NOT_FOUND."),
    )
)]
async fn tickets(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Tickets>> {
    inside.to(&id)?;
    let tickets = shop.stock.tickets(&id).await.or_fail()?;
    if tickets.is_empty() {
        on_sale(&shop, &id).await?;
    }
    Ok(Reply::ok(
        TICKETS,
        Tickets {
            concert_id: id,
            tickets,
        },
    ))
}

/// The seat map of a concert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Seats {
    concert_id: ConcertId,
    seats: Vec<Seat>,
}

/// Every seat, in the order of sections, rows and numbers; `mine` are those that I hold or have.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/seats", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Seats>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "STOCK_NOT_FOUND."),
    )
)]
async fn seats(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Seats>> {
    inside.to(&id)?;
    let seats = shop.stock.seats(&id, &inside.0.member).await.or_fail()?;
    if seats.is_empty() {
        on_sale(&shop, &id).await?;
    }
    Ok(Reply::ok(
        SEATS,
        Seats {
            concert_id: id,
            seats,
        },
    ))
}
