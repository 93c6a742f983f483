//! What a shop has left, reported to the line.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use sunbeon_chassis::{
    ApiResult, Body, OrFail, Origin, PathConcert, Reply, Success, extract::objects,
};
use sunbeon_client::StockReported;
use sunbeon_domain::{Code, ConcertId, StockReport, Text, Tier};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const REPORTED: Text = Text {
    ko: "남은 수량 등록 성공",
    en: "The line knows what is left.",
};

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new().routes(routes!(report))
}

/// What a shop has left.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!(
    {"tiers": [{"name": "R", "price": 150_000, "left": 12}, {"name": "S", "left": 0}], "held": 3}))]
struct WhatIsLeft {
    /// 1-64 price tiers, in the order in which they are shown.
    #[serde(deserialize_with = "objects")]
    #[schema(min_items = 1, max_items = 64)]
    tiers: Vec<Tier>,
    /// How many are held or not paid yet, of all tiers together, 0-10,000,000: they may come back.
    #[schema(minimum = 0, maximum = 10_000_000)]
    held: u32,
}

/// Tells the line what is left, by price tier.
///
/// Report on change and every few seconds: a report counts for a minute. At nothing left and nothing held,
/// everybody in line is told so, and the policy's `stopWhenSoldOut` decides whether anybody is still called.
#[utoipa::path(
    put, path = "/v2/reservation/stock/{concertId}", tag = "shop back ends", operation_id = "reportStock",
    request_body = WhatIsLeft,
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = REPORTED.en, body = Success<StockReported>),
    )
)]
async fn report(
    State(service): State<Arc<Token>>,
    _: Origin,
    PathConcert(id): PathConcert,
    Body(WhatIsLeft { tiers, held }): Body<WhatIsLeft>,
) -> ApiResult<Reply<StockReported>> {
    let report = StockReport { tiers, held };
    report.check().map_err(Code::Invalid)?;
    let live = service.store.put_stock(&id, &report).await.or_fail()?;
    Ok(Reply::ok(REPORTED, StockReported { live }))
}
