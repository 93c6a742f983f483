//! Seats, held and given back.

use std::collections::BTreeSet;

use axum::{
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult, Body, Empty, OrFail, Reply, Success};
use sunbeon_domain::{Code, Field, Text, UnixMs};
use sunbeon_gate::Admitted;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::fields::Fields,
    routes::inside::Inside,
    stock::{Locked, Released, SeatId},
    sunbeon::Sunbeon,
};

const HELD: Text = Text {
    ko: "좌석 선택 성공",
    en: "The seats are yours for a while.",
};
const RELEASED: Text = Text {
    ko: "좌석 선택 해제 성공",
    en: "The seats are free again.",
};
const QUEUE_TOKEN: HeaderName = HeaderName::from_static("x-queue-token");
const QUEUE_TOKEN_EXPIRES: HeaderName = HeaderName::from_static("x-queue-token-expires");

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

/// Seats that are the member's for a while.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Held {
    seat_ids: Vec<SeatId>,
    /// When the first of the holds ends.
    held_until: UnixMs,
    #[serde(flatten)]
    token: Option<LongerToken>,
}

/// A booking token that lives as long as a hold; use it from now on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LongerToken {
    queue_token: String,
    queue_token_expires_at: UnixMs,
}

impl LongerToken {
    /// Where a hold outlives the booking token, asks Sunbeon to move the token's end. The hold
    /// stands also where that cannot be done.
    pub(crate) async fn fetch(
        sunbeon: &Sunbeon,
        admitted: &Admitted,
        held_until: UnixMs,
    ) -> Option<Self> {
        let (entry, until) = (admitted.entry_number?, admitted.until?);
        if held_until <= until {
            return None;
        }
        let extended = sunbeon.extend(&admitted.concert, &admitted.member, entry);
        match extended.await {
            Ok(Some(token)) if until < token.expires_at => Some(Self {
                queue_token: token.token,
                queue_token_expires_at: token.expires_at,
            }),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(%error, "a session is not extended, so a hold outlives it");
                None
            }
        }
    }

    /// As the token service gives it.
    pub(crate) fn headers(&self) -> [(HeaderName, String); 3] {
        [
            (QUEUE_TOKEN, self.queue_token.clone()),
            (
                QUEUE_TOKEN_EXPIRES,
                self.queue_token_expires_at.seconds().to_string(),
            ),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ]
    }
}

/// Hold seats, all of them or none. Again, while they are mine: the same holds.
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
    let Admitted {
        concert, member, ..
    } = &inside.0;
    let hold = shop.hold(concert).await?;
    let locked = shop.stock.lock(concert, member, &wanted, hold);
    let (seats, new) = match locked.await.or_fail()? {
        Locked::Held { seats, new } => (seats, new),
        Locked::OtherConcert(other) => return Err(inside.refused(&other)),
        Locked::NoStock => return Err(Code::StockNotFound.into()),
        Locked::Unknown(seat) => return Err(about(Code::SeatNotFound, &[seat])),
        Locked::Taken(seats) => return Err(about(Code::SeatTaken, &seats)),
        Locked::Limit => return Err(Code::LimitReached.into()),
    };
    shop.announcer.selected(concert, &new);
    let ends = || seats.iter().map(|seat| seat.held_until);
    let token = match ends().max() {
        Some(last) => LongerToken::fetch(&shop.sunbeon, &inside.0, last).await,
        None => None,
    };
    let headers = token.as_ref().map(LongerToken::headers);
    let held = Held {
        held_until: ends().min().unwrap_or_default(),
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
    let Admitted {
        concert, member, ..
    } = &inside.0;
    let released = shop.stock.release(concert, member, &given);
    match released.await.or_fail()? {
        Released::Done => {}
        Released::OtherConcert(other) => return Err(inside.refused(&other)),
        Released::NotHeld(seats) => return Err(about(Code::SeatNotHeld, &seats)),
    }
    let freed: Vec<_> = given.into_iter().collect();
    shop.announcer.released(concert, &freed);
    Ok(Reply::ok(RELEASED, Empty {}))
}

fn seat_ids(body: Map<String, Value>) -> ApiResult<BTreeSet<SeatId>> {
    let given = Fields::of(body, &["seatIds"])?.seat_ids()?;
    Ok(given.ok_or(Code::Invalid(Field::SeatIds))?)
}

/// A failure that names the seats that it is about.
pub(crate) fn about(code: Code, seats: &[SeatId]) -> ApiError {
    ApiError::new(code).with_data(json!({ "seatIds": seats }))
}
