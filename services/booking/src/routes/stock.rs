//! Operators' routes: putting on sale, taking off, starting over.

use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, PathConcert, Reply, Success};
use sunbeon_domain::{Code, ConcertId, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::fields::Fields,
    stock::{Plan, Put, Removed},
};

const PUT: Text = Text {
    ko: "판매 등록 성공",
    en: "It is on sale.",
};
const READ: Text = Text {
    ko: "판매 조회 성공",
    en: "This is on sale.",
};
const REMOVED: Text = Text {
    ko: "판매 종료 성공",
    en: "The stock is off sale.",
};
const RESET: Text = Text {
    ko: "판매 초기화 성공",
    en: "Everything is for sale again.",
};
const RESET_IN_PART: Text = Text {
    ko: "판매 초기화 진행 중",
    en: "Part of it is for sale again; send the request again for the rest.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(put, read, remove))
        .routes(routes!(reset))
}

/// What is on sale for a concert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OnSale {
    concert_id: ConcertId,
    #[serde(flatten)]
    plan: Plan,
    /// How many seats and tickets are left.
    remaining: u64,
}

async fn on_sale(shop: &Shop, id: ConcertId, plan: Plan) -> ApiResult<OnSale> {
    let remaining = shop.stock.remaining(&id).await.or_fail()?;
    Ok(OnSale {
        concert_id: id,
        plan,
        remaining: remaining.unwrap_or_default(),
    })
}

/// Put seats and tickets on sale, or change what is on sale. More is possible at any time; less only
/// down to what members hold or have bought.
#[utoipa::path(
    put, path = "/v2/stock/{concertId}", tag = "admin", request_body = Plan,
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<OnSale>),
        (status = 404, description = "CONCERT_NOT_FOUND."),
        (status = 409, description = "STOCK_IN_USE with `sections` and `ticketIds`: members have more \
            of these, or hold seats at another price."),
        (status = 503, description = "WAITING_ROOM_DOWN."),
    )
)]
async fn put(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
    Body(body): Body<Map<String, Value>>,
) -> ApiResult<Reply<OnSale>> {
    let plan = Fields::of(body, &["perMemberLimit", "sections", "tickets"])?.plan()?;
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

/// Show what is on sale.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<OnSale>),
        (status = 404, description = "STOCK_NOT_FOUND."),
    )
)]
async fn read(State(shop): State<Shop>, PathConcert(id): PathConcert) -> ApiResult<Reply<OnSale>> {
    let plan = shop.stock.plan(&id).await.or_fail()?;
    let plan = plan.ok_or(Code::StockNotFound)?;
    Ok(Reply::ok(READ, on_sale(&shop, id, plan).await?))
}

/// Take everything off sale. Bookings can still be read.
#[utoipa::path(
    delete, path = "/v2/stock/{concertId}", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Empty>),
        (status = 404, description = "STOCK_NOT_FOUND."),
        (status = 409, description = "STOCK_IN_USE."),
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

/// How many parts of a reset one request does, so that it is answered in time.
const PARTS: u32 = 5;

/// What a reset undid.
#[derive(Default, Serialize, ToSchema)]
struct Undone {
    /// Bookings that were confirmed or could still have been; what was paid goes back.
    cancelled: u64,
    /// Seats that were held or sold.
    freed: usize,
    /// Bookings are left: send the request again. Left out once everything is for sale.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

/// Start over: cancel every booking, refund what was paid, free every hold. One request undoes up to
/// 5,000 bookings; `more` says to send it again.
#[utoipa::path(
    post, path = "/v2/stock/{concertId}/reset", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Undone>),
        (status = 404, description = "STOCK_NOT_FOUND."),
    )
)]
async fn reset(State(shop): State<Shop>, PathConcert(id): PathConcert) -> ApiResult<Reply<Undone>> {
    let mut undone = Undone::default();
    for _ in 0..PARTS {
        let part = shop.stock.reset(&id).await.or_fail()?;
        let part = part.ok_or(Code::StockNotFound)?;
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
