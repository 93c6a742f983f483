//! Holding and releasing seats.

use std::collections::BTreeSet;

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, Reply, Success};
use sunbeon_client::HeldSeats;
use sunbeon_domain::{Code, ConcertId, Field, Text, given};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::{
        fields::{ITEMS, seat_ids, some_seat_ids},
        inside::Inside,
        session::{self, lasting},
    },
    stock::{Holding, Released, SeatId},
};

const HELD: Text = Text {
    ko: "좌석 선택 성공",
    en: "The seats are held for you; book them before the hold ends.",
};
const RELEASED: Text = Text {
    ko: "좌석 선택 해제 성공",
    en: "The seats are free again.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(lock, unlock))
}

/// Seats of one concert.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"seatIds": ["demo.R.1.1", "demo.R.1.2"]}))]
struct SeatIds {
    /// 1-100 different seats.
    #[serde(deserialize_with = "seat_ids")]
    #[schema(value_type = Vec<SeatId>, min_items = 1, max_items = 100)]
    seat_ids: BTreeSet<SeatId>,
}

/// Seats to hold: these, or the nearest equal to one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"seatIds": ["demo.R.1.1", "demo.R.1.2"]}))]
struct WantedSeats {
    /// 1-100 different seats.
    #[serde(default, deserialize_with = "some_seat_ids")]
    #[schema(value_type = Option<Vec<SeatId>>, min_items = 1, max_items = 100)]
    seat_ids: Option<BTreeSet<SeatId>>,
    /// Instead of `seatIds`: a seat of the same section and price as those wanted.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SeatId>)]
    like: Option<SeatId>,
    /// With `like`: how many, 1-100.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<usize>, minimum = 1, maximum = 100)]
    count: Option<usize>,
}

enum Wanted {
    These(BTreeSet<SeatId>),
    Like(SeatId, usize),
}

impl WantedSeats {
    /// Returns what is wanted, or the field that is missing or too many.
    fn wanted(self) -> Result<Wanted, Field> {
        match (self.seat_ids, self.like, self.count) {
            (Some(seats), None, None) => Ok(Wanted::These(seats)),
            (None, Some(like), Some(count)) if ITEMS.contains(&count) => {
                Ok(Wanted::Like(like, count))
            }
            (None, Some(_), _) => Err(Field::Count),
            (None, None, Some(_)) => Err(Field::Like),
            _ => Err(Field::SeatIds),
        }
    }
}

/// Holds seats, all of them or none, at most until the booking token ends.
///
/// With `like` and `count` instead of `seatIds`, it holds the nearest free seats of the same section and price,
/// side by side if there are such. If the policy allows, the session is extended first, and the answer includes the longer token.
/// Seats that I already hold keep their deadline.
#[utoipa::path(
    post, path = "/v2/seats/lock", tag = "shop", operation_id = "lockSeats",
    request_body = WantedSeats,
    params(
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("concertId" = Option<ConcertId>, Query,
            description = "The concert, if its mode is `off` and no booking token names it."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        "CONCERT_NOT_FOUND", {"SEAT_NOT_FOUND": {"seatIds": ["demo.R.1.1"]}}, "STOCK_NOT_FOUND",
        {"SEAT_TAKEN": {"seatIds": ["demo.R.1.1"]}}, "SOLD_OUT", "LIMIT_REACHED", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = HELD.en, body = Success<HeldSeats>, headers(
            ("X-Queue-Token" = Option<String>, description = "A booking token that lives as long as the hold, if the old one would end earlier."),
            ("X-Queue-Token-Expires" = Option<i64>, description = "When it expires, in Unix seconds."),
        )),
    )
)]
async fn lock(
    State(shop): State<Shop>,
    inside: Inside,
    Body(wanted): Body<WantedSeats>,
) -> ApiResult<impl IntoResponse> {
    let wanted = wanted.wanted().map_err(Code::Invalid)?;
    let hold = shop.hold(&inside.0.concert).await?;
    let (visit, token) = lasting(&shop, &inside, hold).await?;
    let concert = &visit.concert_id;
    let holding = match &wanted {
        Wanted::These(seats) => shop.stock.hold(&visit, seats, hold).await,
        Wanted::Like(seat, count) => shop.stock.hold_like(&visit, seat, *count, hold).await,
    };
    let (seats, new) = match holding.or_fail()? {
        Holding::Held { seats, new } => (seats, new),
        Holding::SessionOver => return Err(inside.refused(concert)),
        Holding::OtherConcert(other) => return Err(inside.refused(&other)),
        Holding::NoStock => return Err(Code::StockNotFound.into()),
        Holding::Unknown(seat) => return Err(about(Code::SeatNotFound, &[seat])),
        Holding::Taken(seats) => return Err(about(Code::SeatTaken, &seats)),
        Holding::SoldOut => return Err(Code::SoldOut.into()),
        Holding::Limit => return Err(Code::LimitReached.into()),
    };
    shop.announcer.selected(concert, &new);
    let first_end = seats.iter().map(|seat| seat.held_until).min();
    let headers = session::headers(token.as_ref(), &inside);
    let held = HeldSeats {
        hold_ends_at: first_end.unwrap_or_default(),
        seat_ids: seats.into_iter().map(|seat| seat.seat_id).collect(),
        token,
    };
    Ok((headers, Reply::ok(HELD, held)))
}

/// Releases held seats, all of them or none.
#[utoipa::path(
    delete, path = "/v2/seats/lock", tag = "shop", operation_id = "unlockSeats",
    request_body = SeatIds,
    params(
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("concertId" = Option<ConcertId>, Query,
            description = "The concert, if its mode is `off` and no booking token names it."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        {"SEAT_NOT_HELD": {"seatIds": ["demo.R.1.1"]}}, "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = RELEASED.en, body = Success<Empty>),
    )
)]
async fn unlock(
    State(shop): State<Shop>,
    inside: Inside,
    Body(SeatIds { seat_ids }): Body<SeatIds>,
) -> ApiResult<Reply<Empty>> {
    let visit = inside.visit();
    match shop.stock.release(&visit, &seat_ids).await.or_fail()? {
        Released::Done => {}
        Released::OtherConcert(other) => return Err(inside.refused(&other)),
        Released::NotHeld(seats) => return Err(about(Code::SeatNotHeld, &seats)),
    }
    let freed: Vec<_> = seat_ids.into_iter().collect();
    shop.announcer.released(&visit.concert_id, &freed);
    Ok(Reply::ok(RELEASED, Empty {}))
}

/// Returns a failure that names the seats in question.
pub(crate) fn about(code: Code, seats: &[SeatId]) -> ApiError {
    ApiError::new(code).with_data(json!({ "seatIds": seats }))
}
