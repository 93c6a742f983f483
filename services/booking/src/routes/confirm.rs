//! Booking what is held, and paying for it.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult, Body, IdempotencyKey, Member, OrFail, Reply, Success};
use sunbeon_database::DatabaseError;
use sunbeon_domain::{Code, Coded, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    jobs::{Settled, Till},
    routes::{
        bookings::PathBooking,
        fields::Fields,
        inside::Inside,
        seats::about,
        session::{LongerToken, lasting},
    },
    stock::{self, Begun, BookingId, BookingState, Charge, Created, NewBooking, SeatId, TicketId},
};

const MADE: Text = Text {
    ko: "예매 생성 성공",
    en: "The booking is made; it is yours once it is paid.",
};
const CONFIRMED: Text = Text {
    ko: "예매 확정 성공",
    en: "The booking is confirmed.",
};
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Seconds after which to ask again for a payment whose outcome is not known.
const ASK_AGAIN: u32 = 5;

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Needs [`paid_before`] in front of the gate.
pub(crate) fn last_router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(confirm))
}

/// Answers members who have paid and ask again, by their access token only: the payment has ended the
/// session, and the gate would refuse the booking token.
pub(crate) async fn paid_before(
    State(shop): State<Shop>,
    member: Member,
    Path(id): Path<String>,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    if let Some(id) = BookingId::parse(&id) {
        let found = shop.stock.booking(&member.id, id).await.or_fail()?;
        if let Some(paid) = found.filter(|found| found.state == BookingState::Confirmed) {
            return Ok(Reply::ok(CONFIRMED, paid).into_response());
        }
    }
    Ok(next.run(request).await)
}

/// What to book: seats that are held, tickets, or both.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it is read field by field, so that a wrong one is named"
)]
struct Order {
    /// 1-100, each once, each held by the member.
    #[schema(min_items = 1, max_items = 100)]
    seat_ids: Option<Vec<SeatId>>,
    /// 1-100, each kind once.
    #[schema(min_items = 1, max_items = 100)]
    tickets: Option<Vec<OrderedTickets>>,
}

#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "of a body that is read field by field")]
struct OrderedTickets {
    ticket_id: TicketId,
    #[schema(minimum = 1)]
    quantity: u32,
}

/// A booking that was made.
#[derive(Serialize, ToSchema)]
struct Made {
    #[serde(flatten)]
    booking: stock::Booking,
    #[serde(flatten)]
    token: Option<LongerToken>,
}

/// Book what is held, and tickets. With an `Idempotency-Key`, repeating the request books nothing
/// more.
#[utoipa::path(
    post, path = "/v2/bookings", tag = "booking", request_body = Order,
    params(
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
        ("concertId" = Option<String>, Query, description = "Needed where the mode is off."),
        ("Idempotency-Key" = Option<String>, Header, description = "1-128 visible ASCII."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 201, body = Success<Made>),
        (status = 404, description = "SEAT_NOT_FOUND, TICKET_NOT_FOUND, STOCK_NOT_FOUND."),
        (status = 409, description = "SEAT_NOT_HELD with `seatIds`, SOLD_OUT with `ticketIds`, \
            LIMIT_REACHED, IDEMPOTENCY_KEY_REUSED."),
    )
)]
async fn create(
    State(shop): State<Shop>,
    inside: Inside,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<Map<String, Value>>,
) -> ApiResult<impl IntoResponse> {
    let fields = Fields::of(body, &["seatIds", "tickets"])?;
    let (seats, tickets) = (fields.seat_ids()?, fields.tickets()?);
    let hold = shop.hold(&inside.0.concert).await?;
    let (visit, token) = lasting(&shop, &inside, hold).await?;
    let wanted = NewBooking {
        visit,
        seat_ids: seats.unwrap_or_default(),
        tickets: tickets.unwrap_or_default(),
        hold,
        idempotency_key: key,
    };
    let (made, replayed) = match shop.stock.create(&wanted).await.or_fail()? {
        Created::New(made) => (made, false),
        Created::Replayed(made) => (made, true),
        Created::SessionOver => return Err(inside.refused(&wanted.visit.concert_id)),
        Created::OtherConcert(other) => return Err(inside.refused(&other)),
        refused => return Err(not_made(refused)),
    };
    if !replayed && !made.tickets.is_empty() {
        shop.announcer.tickets_moved(&made.concert_id);
    }
    let replayed = replayed.then_some([(REPLAYED, HeaderValue::from_static("true"))]);
    let headers = token.as_ref().map(LongerToken::headers);
    let made = Made {
        booking: made,
        token,
    };
    Ok((replayed, headers, Reply::created(MADE, made)))
}

fn not_made(refused: Created) -> ApiError {
    match refused {
        Created::KeyReused => Code::IdempotencyKeyReused.into(),
        Created::Nothing => Code::Invalid(Field::SeatIds).into(),
        Created::NoStock => Code::StockNotFound.into(),
        Created::UnknownTicket(ticket) => {
            ApiError::new(Code::TicketNotFound).with_data(json!({ "ticketIds": [ticket] }))
        }
        Created::UnknownSeat(seat) => about(Code::SeatNotFound, &[seat]),
        Created::NotHeld(seats) => about(Code::SeatNotHeld, &seats),
        Created::SoldOut(tickets) => {
            ApiError::new(Code::SoldOut).with_data(json!({ "ticketIds": tickets }))
        }
        Created::Limit => Code::LimitReached.into(),
        Created::New(_)
        | Created::Replayed(_)
        | Created::SessionOver
        | Created::OtherConcert(_) => {
            let fault = anyhow::anyhow!("answered before");
            ApiError::new(Code::Internal).caused_by(fault)
        }
    }
}

/// How to pay.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it is read field by field, so that a wrong one is named"
)]
struct Payment {
    /// The payment provider's token; 1-255 visible ASCII characters.
    payment_token: String,
}

/// Pay a booking, which makes it the member's for good and ends the session. Repeating the request pays
/// nothing more.
#[utoipa::path(
    post, path = "/v2/bookings/{bookingId}/confirm", tag = "booking", request_body = Payment,
    params(
        ("bookingId" = String, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
        ("concertId" = Option<String>, Query, description = "Needed where the mode is off."),
        ("Idempotency-Key" = Option<String>, Header, description = "1-128 visible ASCII."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<stock::Booking>),
        (status = 402, description = "PAYMENT_DECLINED."),
        (status = 404, description = "BOOKING_NOT_FOUND."),
        (status = 409, description = "BOOKING_EXPIRED, BOOKING_CANCELLED, PAYMENT_IN_FLIGHT, \
            IDEMPOTENCY_KEY_REUSED."),
        (status = 503, description = "PAYMENT_DOWN: the outcome is not known yet."),
    )
)]
async fn confirm(
    State(shop): State<Shop>,
    inside: Inside,
    PathBooking(id): PathBooking,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<Map<String, Value>>,
) -> ApiResult<Reply<stock::Booking>> {
    let token = Fields::of(body, &["paymentToken"])?.payment_token()?;
    let visit = inside.visit();
    let found = shop.stock.booking(&visit.member_id, id).await.or_fail()?;
    inside.to(&found.ok_or(Code::BookingNotFound)?.concert_id)?;
    let begun = shop.stock.begin_payment(&visit, id, &token, key.as_deref());
    match begun.await.map_err(not_begun)? {
        Begun::Charge(charge) => pay(shop.till, charge).await,
        Begun::Confirmed(booking) => Ok(Reply::ok(CONFIRMED, booking)),
        Begun::Declined => Err(Code::PaymentDeclined.into()),
        Begun::KeyReused => Err(Code::IdempotencyKeyReused.into()),
        Begun::InFlight => Err(Code::PaymentInFlight.into()),
        Begun::InDoubt => Err(unknown()),
        Begun::SessionOver => Err(inside.refused(&visit.concert_id)),
        Begun::Cancelled => Err(Code::BookingCancelled.into()),
        Begun::Expired => Err(Code::BookingExpired.into()),
        Begun::Unknown => Err(Code::BookingNotFound.into()),
    }
}

fn unknown() -> ApiError {
    ApiError::new(Code::PaymentDown).retry_after(ASK_AGAIN)
}

/// Not DATABASE_DOWN: the attempt may have been written down without an answer, and is charged later.
fn not_begun(error: DatabaseError) -> ApiError {
    match error.code() {
        Code::DatabaseDown => unknown().caused_by(error),
        code => ApiError::new(code).caused_by(error),
    }
}

/// Pays in a task of its own, so that the provider's answer is recorded even if the member has gone.
async fn pay(till: Till, charge: Charge) -> ApiResult<Reply<stock::Booking>> {
    let settled = tokio::spawn(async move { till.settle(&charge).await }).await;
    match settled {
        Ok(Ok(Settled::Confirmed(booking))) => Ok(Reply::ok(CONFIRMED, booking)),
        Ok(Ok(Settled::Lost(booking))) => Err(match booking.state {
            BookingState::Cancelled => Code::BookingCancelled.into(),
            _ => Code::BookingExpired.into(),
        }),
        Ok(Ok(Settled::Declined)) => Err(Code::PaymentDeclined.into()),
        Ok(Ok(Settled::Unknown)) => Err(unknown()),
        // Not DATABASE_DOWN: money may be taken.
        Ok(Err(error)) => Err(unknown().caused_by(error)),
        Err(error) => Err(unknown().caused_by(error)),
    }
}
