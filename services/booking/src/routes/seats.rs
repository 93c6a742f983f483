//! Holding seats and giving them back.

use std::collections::BTreeSet;

use axum::{extract::State, response::IntoResponse};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, Reply, Success};
use sunbeon_domain::{Code, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::{
        fields::Fields,
        inside::Inside,
        session::{LongerToken, lasting},
    },
    stock::{Holding, Released, SeatId},
};

const HELD: Text = Text {
    ko: "좌석 선택 성공",
    en: "The seats are yours for a while.",
};
const RELEASED: Text = Text {
    ko: "좌석 선택 해제 성공",
    en: "The seats are free again.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(lock, unlock))
}

/// Seats of one concert.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it is read field by field, so that a wrong one is named"
)]
struct SeatIds {
    /// 1-100, each once.
    #[schema(min_items = 1, max_items = 100)]
    seat_ids: Vec<SeatId>,
}

/// Seats that the member holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Held {
    seat_ids: Vec<SeatId>,
    /// When the first of the holds ends.
    held_until: UnixMs,
    #[serde(flatten)]
    token: Option<LongerToken>,
}

/// Hold seats, all of them or none, until the booking token ends at the latest. Where the policy allows,
/// the session is extended first and the longer token comes along. Seats that I hold already keep
/// their end.
#[utoipa::path(
    post, path = "/v2/seats/lock", tag = "booking", request_body = SeatIds,
    params(
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
        ("concertId" = Option<String>, Query, description = "Needed where the mode is off."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Held>, headers(
            ("X-Queue-Token" = String, description = "A token that lives as long as the hold."),
            ("X-Queue-Token-Expires" = i64, description = "Unix seconds."),
        )),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "SEAT_NOT_FOUND, STOCK_NOT_FOUND."),
        (status = 409, description = "SEAT_TAKEN with `seatIds`, LIMIT_REACHED."),
    )
)]
async fn lock(
    State(shop): State<Shop>,
    inside: Inside,
    Body(body): Body<Map<String, Value>>,
) -> ApiResult<impl IntoResponse> {
    let wanted = seat_ids(body)?;
    let hold = shop.hold(&inside.0.concert).await?;
    let (visit, token) = lasting(&shop, &inside, hold).await?;
    let concert = &visit.concert_id;
    let holding = shop.stock.hold(&visit, &wanted, hold).await.or_fail()?;
    let (seats, new) = match holding {
        Holding::Held { seats, new } => (seats, new),
        Holding::SessionOver => return Err(inside.refused(concert)),
        Holding::OtherConcert(other) => return Err(inside.refused(&other)),
        Holding::NoStock => return Err(Code::StockNotFound.into()),
        Holding::Unknown(seat) => return Err(about(Code::SeatNotFound, &[seat])),
        Holding::Taken(seats) => return Err(about(Code::SeatTaken, &seats)),
        Holding::Limit => return Err(Code::LimitReached.into()),
    };
    shop.announcer.selected(concert, &new);
    let first_end = seats.iter().map(|seat| seat.held_until).min();
    let headers = token.as_ref().map(LongerToken::headers);
    let held = Held {
        held_until: first_end.unwrap_or_default(),
        seat_ids: seats.into_iter().map(|seat| seat.seat_id).collect(),
        token,
    };
    Ok((headers, Reply::ok(HELD, held)))
}

/// Give back seats that are held, all of them or none.
#[utoipa::path(
    delete, path = "/v2/seats/lock", tag = "booking", request_body = SeatIds,
    params(
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
        ("concertId" = Option<String>, Query, description = "Needed where the mode is off."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Empty>),
        (status = 409, description = "SEAT_NOT_HELD with `seatIds`."),
    )
)]
async fn unlock(
    State(shop): State<Shop>,
    inside: Inside,
    Body(body): Body<Map<String, Value>>,
) -> ApiResult<Reply<Empty>> {
    let given = seat_ids(body)?;
    let visit = inside.visit();
    match shop.stock.release(&visit, &given).await.or_fail()? {
        Released::Done => {}
        Released::OtherConcert(other) => return Err(inside.refused(&other)),
        Released::NotHeld(seats) => return Err(about(Code::SeatNotHeld, &seats)),
    }
    let freed: Vec<_> = given.into_iter().collect();
    shop.announcer.released(&visit.concert_id, &freed);
    Ok(Reply::ok(RELEASED, Empty {}))
}

fn seat_ids(body: Map<String, Value>) -> ApiResult<BTreeSet<SeatId>> {
    let given = Fields::of(body, &["seatIds"])?.seat_ids()?;
    Ok(given.ok_or(Code::Invalid(Field::SeatIds))?)
}

/// Returns a failure that names the seats that it is about.
pub(crate) fn about(code: Code, seats: &[SeatId]) -> ApiError {
    ApiError::new(code).with_data(json!({ "seatIds": seats }))
}
