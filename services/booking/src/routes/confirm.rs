//! Booking held seats and tickets, and paying for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use axum::{
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use sunbeon_chassis::{ApiError, ApiResult, Body, IdempotencyKey, Member, OrFail, Reply, Success};
use sunbeon_client::CreatedBooking;
use sunbeon_database::DatabaseError;
use sunbeon_domain::{Code, Coded, ConcertId, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    jobs::{Settled, Till},
    routes::{
        bookings::PathBooking,
        fields::{OrderedTickets, payment_token, some_seat_ids, some_tickets},
        inside::Inside,
        seats::about,
        session::{self, lasting},
    },
    stock::{
        Begun, Booking, BookingId, BookingState, Charge, Created, NewBooking, SeatId, TicketId,
    },
};

const MADE: Text = Text {
    ko: "예매 생성 성공",
    en: "The booking is made; pay it before it expires.",
};
const CONFIRMED: Text = Text {
    ko: "예매 확정 성공",
    en: "The booking is confirmed.",
};
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Seconds until a client should ask again about a payment with an unknown outcome.
const ASK_AGAIN: u32 = 5;

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Returns the routes that need [`paid_before`] in front of the gate.
pub(crate) fn last_router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(confirm))
}

/// Answers members who repeat a completed payment, using only their access token: paying has ended
/// the session, so the gate would refuse the booking token.
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

/// The order: held seats, tickets, or both.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!(
    {"seatIds": ["demo.R.1.1"], "tickets": [{"ticketId": "standing", "quantity": 1}]}))]
struct Order {
    /// 1-100 different seats, all held by the member.
    #[serde(default, deserialize_with = "some_seat_ids")]
    #[schema(value_type = Option<Vec<SeatId>>, min_items = 1, max_items = 100)]
    seat_ids: Option<BTreeSet<SeatId>>,
    /// 1-100 different kinds of tickets.
    #[serde(default, deserialize_with = "some_tickets")]
    #[schema(value_type = Option<Vec<OrderedTickets>>, min_items = 1, max_items = 100)]
    tickets: Option<BTreeMap<TicketId, NonZeroU32>>,
}

/// Books held seats, tickets, or both.
///
/// With an `Idempotency-Key`, repeating the request books nothing more.
#[utoipa::path(
    post, path = "/v2/bookings", tag = "shop", operation_id = "createBooking",
    request_body = Order,
    params(
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("concertId" = Option<ConcertId>, Query,
            description = "The concert, if its mode is `off` and no booking token names it."),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$",
            description = "A key of your own, 1 to 128 visible ASCII characters: a request repeated with it books nothing more."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        "CONCERT_NOT_FOUND", {"SEAT_NOT_FOUND": {"seatIds": ["demo.R.1.1"]}},
        {"TICKET_NOT_FOUND": {"ticketIds": ["standing"]}}, "STOCK_NOT_FOUND",
        {"SEAT_NOT_HELD": {"seatIds": ["demo.R.1.1"]}},
        {"SOLD_OUT": {"ticketIds": ["standing"]}}, "LIMIT_REACHED", "IDEMPOTENCY_KEY_REUSED",
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 201, description = MADE.en, body = Success<CreatedBooking>, headers(
            ("Idempotent-Replayed" = String, description = "`true` if this repeats the answer to an earlier request."),
            ("X-Queue-Token" = Option<String>, description = "A booking token that lives as long as the hold, if the old one would end earlier."),
            ("X-Queue-Token-Expires" = Option<i64>, description = "When it expires, in Unix seconds."),
        )),
    )
)]
async fn create(
    State(shop): State<Shop>,
    inside: Inside,
    IdempotencyKey(key): IdempotencyKey,
    Body(order): Body<Order>,
) -> ApiResult<impl IntoResponse> {
    let hold = shop.hold(&inside.0.concert).await?;
    let (visit, token) = lasting(&shop, &inside, hold).await?;
    let wanted = NewBooking {
        visit,
        seat_ids: order.seat_ids.unwrap_or_default(),
        tickets: order.tickets.unwrap_or_default(),
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
    let headers = session::headers(token.as_ref(), &inside);
    let made = CreatedBooking {
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

/// The means of payment.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"paymentToken": "card"}))]
struct Payment {
    /// The payment provider's token; 1-255 visible ASCII characters.
    #[serde(deserialize_with = "payment_token")]
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    payment_token: SecretString,
}

/// Pays for a booking, which makes it permanent and ends the session.
///
/// Repeating it charges nothing more.
#[utoipa::path(
    post, path = "/v2/bookings/{bookingId}/confirm", tag = "shop", operation_id = "confirmBooking",
    request_body = Payment,
    params(
        ("bookingId" = String, Path, description = "The booking."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("concertId" = Option<ConcertId>, Query,
            description = "The concert, if its mode is `off` and no booking token names it."),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$",
            description = "A key of your own, 1 to 128 visible ASCII characters: a request repeated with it charges nothing more."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "PAYMENT_DECLINED", {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}},
        "WAITING_ROOM_DOWN", "BOOKING_NOT_FOUND", "BOOKING_EXPIRED", "BOOKING_CANCELLED",
        "PAYMENT_IN_FLIGHT", "IDEMPOTENCY_KEY_REUSED", "PAYMENT_DOWN", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = CONFIRMED.en, body = Success<Booking>),
    )
)]
async fn confirm(
    State(shop): State<Shop>,
    inside: Inside,
    PathBooking(id): PathBooking,
    IdempotencyKey(key): IdempotencyKey,
    Body(Payment { payment_token }): Body<Payment>,
) -> ApiResult<Reply<Booking>> {
    let visit = inside.visit();
    let found = shop.stock.booking(&visit.member_id, id).await.or_fail()?;
    inside.to(&found.ok_or(Code::BookingNotFound)?.concert_id)?;
    let begun = shop
        .stock
        .begin_payment(&visit, id, &payment_token, key.as_deref());
    match begun.await.map_err(not_begun)? {
        Begun::Charge(charge) => pay(shop.till, charge).await,
        Begun::Confirmed(booking) => Ok(Reply::ok(CONFIRMED, booking)),
        Begun::Declined => Err(Code::PaymentDeclined.into()),
        Begun::KeyReused => Err(Code::IdempotencyKeyReused.into()),
        Begun::InFlight => Err(Code::PaymentInFlight.into()),
        Begun::InDoubt => Err(unknown(anyhow::anyhow!(
            "an earlier attempt has no outcome yet, and the hold ends too soon to repeat it"
        ))),
        Begun::SessionOver => Err(inside.refused(&visit.concert_id)),
        Begun::Cancelled => Err(Code::BookingCancelled.into()),
        Begun::Expired => Err(Code::BookingExpired.into()),
        Begun::Unknown => Err(Code::BookingNotFound.into()),
    }
}

/// Answers that nobody knows yet whether the payment went through, and logs why.
fn unknown(cause: impl Into<anyhow::Error>) -> ApiError {
    ApiError::new(Code::PaymentDown)
        .retry_after(ASK_AGAIN)
        .caused_by(cause)
}

/// Answers PAYMENT_DOWN rather than DATABASE_DOWN, because the attempt may have been recorded
/// despite the missing answer, and may be charged later.
fn not_begun(error: DatabaseError) -> ApiError {
    match error.code() {
        Code::DatabaseDown => unknown(error),
        code => ApiError::new(code).caused_by(error),
    }
}

/// Pays in a separate task, so that the provider's answer is recorded even if the member
/// disconnects.
async fn pay(till: Till, charge: Charge) -> ApiResult<Reply<Booking>> {
    let settled = tokio::spawn(async move { till.settle(&charge).await }).await;
    match settled {
        Ok(Ok(Settled::Confirmed(booking))) => Ok(Reply::ok(CONFIRMED, booking)),
        Ok(Ok(Settled::Lost(booking))) => Err(match booking.state {
            BookingState::Cancelled => Code::BookingCancelled.into(),
            _ => Code::BookingExpired.into(),
        }),
        Ok(Ok(Settled::Declined)) => Err(Code::PaymentDeclined.into()),
        Ok(Ok(Settled::Unknown)) => Err(unknown(anyhow::anyhow!(
            "the payment provider did not say whether it charged"
        ))),
        // Not DATABASE_DOWN: the charge may have gone through.
        Ok(Err(error)) => Err(unknown(error)),
        Err(error) => Err(unknown(error)),
    }
}
