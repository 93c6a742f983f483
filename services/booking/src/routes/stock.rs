//! Operators' routes: putting stock on sale, taking it off, and resetting a sale.

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Code, ConcertId, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    stock::{Plan, PlannedSection, PlannedTicket, Put, Removed},
};

const PUT: Text = Text {
    ko: "판매 등록 성공",
    en: "The stock is on sale.",
};
const READ: Text = Text {
    ko: "판매 조회 성공",
    en: "Here is the stock on sale.",
};
const REMOVED: Text = Text {
    ko: "판매 종료 성공",
    en: "The stock has been taken off sale.",
};
const RESET: Text = Text {
    ko: "판매 초기화 성공",
    en: "The whole stock is for sale again.",
};
const RESET_IN_PART: Text = Text {
    ko: "판매 초기화 진행 중",
    en: "Part of the stock is for sale again; send the request again for the rest.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(put, read, remove))
        .routes(routes!(reset))
}

/// The stock of a concert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "perMemberLimit": 4, "sections": [{"section": "R", "price": 99000,
    "rows": 10, "seatsPerRow": 20}], "tickets": [{"ticketId": "standing", "name": "Standing",
    "price": 55000, "quantity": 500}], "remaining": 700}))]
struct StockOnSale {
    concert_id: ConcertId,
    /// How many seats and tickets together one member may have.
    per_member_limit: u32,
    sections: Vec<PlannedSection>,
    tickets: Vec<PlannedTicket>,
    /// How many seats and tickets are left.
    remaining: u64,
}

async fn on_sale(shop: &Shop, id: ConcertId, plan: Plan) -> ApiResult<StockOnSale> {
    let remaining = shop.stock.remaining(&id).await.or_fail()?;
    Ok(StockOnSale {
        concert_id: id,
        per_member_limit: plan.per_member_limit,
        sections: plan.sections,
        tickets: plan.tickets,
        remaining: remaining.unwrap_or_default(),
    })
}

/// Puts seats and tickets on sale, replacing the existing stock. The concert must exist.
#[utoipa::path(
    put, path = "/v2/stock/{concertId}", tag = "operators", operation_id = "putStock",
    request_body = Plan,
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STOCK_IN_USE", "WAITING_ROOM_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = PUT.en, body = Success<StockOnSale>),
    )
)]
async fn put(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
    Body(plan): Body<Plan>,
) -> ApiResult<Reply<StockOnSale>> {
    plan.check().map_err(Code::Invalid)?;
    let concert = shop.sunbeon.concert(&id).await.or_fail()?;
    concert.ok_or(Code::ConcertNotFound)?;
    match shop.stock.put(&id, &plan).await.or_fail()? {
        Put::Done => {}
        Put::InUse { sections, tickets } => {
            let in_the_way = json!({ "sections": sections, "ticketIds": tickets });
            return Err(ApiError::new(Code::StockInUse).with_data(in_the_way));
        }
        Put::Invalid(field) => return Err(Code::Invalid(field).into()),
    }
    shop.announcer.tickets_moved(&id);
    tracing::info!(concert = %id, "stock put on sale");
    Ok(Reply::ok(PUT, on_sale(&shop, id, plan).await?))
}

/// Returns the stock on sale.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}", tag = "operators", operation_id = "readStock",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "STOCK_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = READ.en, body = Success<StockOnSale>),
    )
)]
async fn read(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<StockOnSale>> {
    let found = shop.stock.plan(&id).await.or_fail()?;
    let plan = found.ok_or(Code::StockNotFound)?;
    Ok(Reply::ok(READ, on_sale(&shop, id, plan).await?))
}

/// Takes all stock off sale. Bookings can still be read.
#[utoipa::path(
    delete, path = "/v2/stock/{concertId}", tag = "operators", operation_id = "removeStock",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "STOCK_NOT_FOUND", "STOCK_IN_USE", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = REMOVED.en, body = Success<Empty>),
    )
)]
async fn remove(State(shop): State<Shop>, PathConcert(id): PathConcert) -> ApiResult<Reply<Empty>> {
    match shop.stock.remove(&id).await.or_fail()? {
        Removed::Done => {}
        Removed::InUse => return Err(Code::StockInUse.into()),
        Removed::NoStock => return Err(Code::StockNotFound.into()),
    }
    tracing::info!(concert = %id, "stock taken off sale");
    Ok(Reply::ok(REMOVED, Empty {}))
}

/// How many parts of a reset one request does, so that its answer arrives in time.
const PARTS: u32 = 5;

/// The effect of a reset.
#[derive(Default, Serialize, ToSchema)]
#[schema(example = json!({"cancelled": 1, "freed": 3}))]
struct ResetResult {
    /// Bookings cancelled, whether confirmed or still pending; payments are refunded.
    cancelled: u64,
    /// Seats freed, whether held or sold.
    freed: usize,
    /// True if bookings remain: send the request again. Left out once everything is for sale.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

/// Resets a sale: cancels every booking, refunds every payment and releases every hold.
///
/// A very large sale is reset in parts of up to 5,000 bookings; `more` means that the request must
/// be sent again.
#[utoipa::path(
    post, path = "/v2/stock/{concertId}/reset", tag = "operators", operation_id = "resetSale",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "STOCK_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = RESET.en, body = Success<ResetResult>),
    )
)]
async fn reset(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<ResetResult>> {
    let mut undone = ResetResult::default();
    for _ in 0..PARTS {
        let found = shop.stock.reset(&id).await.or_fail()?;
        let part = found.ok_or(Code::StockNotFound)?;
        shop.announcer.released(&id, &part.freed);
        shop.announcer.tickets_moved(&id);
        shop.outbox.wake();
        undone.cancelled += part.cancelled;
        undone.freed += part.freed.len();
        undone.more = part.more;
        if !part.more {
            break;
        }
    }
    let (cancelled, more) = (undone.cancelled, undone.more);
    tracing::info!(concert = %id, cancelled, more, "stock reset");
    let text = if more { RESET_IN_PART } else { RESET };
    Ok(Reply::ok(text, undone))
}
