//! One's own bookings, for which the access token is enough.

use axum::{
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use serde::Serialize;
use sunbeon_chassis::{ApiError, ApiResult, Member, OrFail, QueryPairs, Reply, Success};
use sunbeon_domain::{Code, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    stock::{self, BookingId, Cancelled},
};

const LISTED: Text = Text {
    ko: "예매 목록 조회 성공",
    en: "These are your bookings.",
};
const READ: Text = Text {
    ko: "예매 조회 성공",
    en: "This is your booking.",
};
const CANCELLED: Text = Text {
    ko: "예매 취소 성공",
    en: "The booking is cancelled.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, cancel))
}

/// The `{bookingId}` of the path. A malformed one is 404, as it names no booking.
pub(crate) struct PathBooking(pub(crate) BookingId);

impl<S: Send + Sync> FromRequestParts<S> for PathBooking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        let id = text.and_then(|Path(text)| BookingId::parse(&text));
        Ok(Self(id.ok_or(Code::BookingNotFound)?))
    }
}

/// A page of bookings, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Bookings {
    bookings: Vec<stock::Booking>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<BookingId>,
}

/// List my bookings, newest first.
#[utoipa::path(
    get, path = "/v2/bookings", tag = "booking",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "1-1,000; 100."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    security(("accessToken" = [])), responses((status = 200, body = Success<Bookings>))
)]
async fn list(
    State(shop): State<Shop>,
    member: Member,
    query: QueryPairs,
) -> ApiResult<Reply<Bookings>> {
    let before = query.field("cursor", Field::Cursor, BookingId::parse)?;
    let limit = query.page_limit()?;
    let bookings = shop.stock.bookings(&member.id, before, limit);
    let bookings = bookings.await.or_fail()?;
    let last = bookings.last().filter(|_| bookings.len() == limit as usize);
    let next_cursor = last.map(|booking| booking.booking_id);
    Ok(Reply::ok(
        LISTED,
        Bookings {
            bookings,
            next_cursor,
        },
    ))
}

/// Show one of my bookings.
#[utoipa::path(
    get, path = "/v2/bookings/{bookingId}", tag = "booking",
    params(("bookingId" = String, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<stock::Booking>),
        (status = 404, description = "BOOKING_NOT_FOUND."),
    )
)]
async fn read(
    State(shop): State<Shop>,
    member: Member,
    PathBooking(id): PathBooking,
) -> ApiResult<Reply<stock::Booking>> {
    let found = shop.stock.booking(&member.id, id);
    let found = found.await.or_fail()?;
    Ok(Reply::ok(READ, found.ok_or(Code::BookingNotFound)?))
}

/// Cancel a booking: what it held is free again, what was paid is refunded, and its session ends, so
/// that the next in line is let in. Repeating the request changes nothing.
#[utoipa::path(
    delete, path = "/v2/bookings/{bookingId}", tag = "booking",
    params(("bookingId" = String, Path)), security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<stock::Booking>),
        (status = 404, description = "BOOKING_NOT_FOUND."),
        (status = 409, description = "PAYMENT_IN_FLIGHT."),
    )
)]
async fn cancel(
    State(shop): State<Shop>,
    member: Member,
    PathBooking(id): PathBooking,
) -> ApiResult<Reply<stock::Booking>> {
    let cancelled = shop.stock.cancel(&member.id, id);
    let cancelled = match cancelled.await.or_fail()? {
        Cancelled::Done {
            booking: cancelled,
            freed,
            tickets,
        } => {
            shop.announcer.released(&cancelled.concert_id, &freed);
            if tickets {
                shop.announcer.tickets_moved(&cancelled.concert_id);
            }
            shop.outbox.wake();
            cancelled
        }
        Cancelled::Already(cancelled) => cancelled,
        Cancelled::InFlight => return Err(Code::PaymentInFlight.into()),
        Cancelled::Unknown => return Err(Code::BookingNotFound.into()),
    };
    Ok(Reply::ok(CANCELLED, cancelled))
}
