//! A member's own bookings and seats, which need only the access token.

use axum::{
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use serde::Serialize;
use sunbeon_chassis::{
    ApiError, ApiResult, Member, OrFail, PathConcert, QueryPairs, Reply, Success,
};
use sunbeon_client::MySeats;
use sunbeon_domain::{Code, ConcertId, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    stock::{self, BookingId, Cancelled},
};

const LISTED: Text = Text {
    ko: "예매 목록 조회 성공",
    en: "Here are your bookings.",
};
const SEATS: Text = Text {
    ko: "내 좌석 조회 성공",
    en: "Here are your seats.",
};
const READ: Text = Text {
    ko: "예매 조회 성공",
    en: "Here is your booking.",
};
const CANCELLED: Text = Text {
    ko: "예매 취소 성공",
    en: "The booking is cancelled.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, cancel))
        .routes(routes!(seats))
}

/// The `{bookingId}` in the path. A malformed one is a 404, because no booking has it.
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
#[schema(example = json!(
    {"bookings": [{"bookingId": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11", "concertId": "demo",
    "state": "PENDING", "amount": 154000, "seats": [{"seatId": "demo.R.1.1", "section": "R",
    "row": 1, "number": 1, "price": 99000}], "tickets": [{"ticketId": "standing",
    "name": "Standing", "quantity": 1, "price": 55000}], "createdAt": "2026-11-20T05:00:00.000Z",
    "expiresAt": "2026-11-20T05:10:00.000Z"}],
    "nextCursor": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11"}))]
struct Bookings {
    bookings: Vec<stock::Booking>,
    /// The `cursor` of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<BookingId>,
}

/// Lists my bookings, newest first.
#[utoipa::path(
    get, path = "/v2/bookings", tag = "shop", operation_id = "listBookings",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<BookingId>, Query, description = "The `nextCursor` of the previous page."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = LISTED.en, body = Success<Bookings>),
    )
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

/// Returns one of my bookings.
#[utoipa::path(
    get, path = "/v2/bookings/{bookingId}", tag = "shop", operation_id = "readBooking",
    params(
        ("bookingId" = String, Path, description = "The booking."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "BOOKING_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = READ.en, body = Success<stock::Booking>),
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

/// Cancels a booking: its seats and tickets are free again, and a payment is refunded.
///
/// The session that made it ends, so that the next member in line can be let in. Repeating it has
/// no further effect.
#[utoipa::path(
    delete, path = "/v2/bookings/{bookingId}", tag = "shop", operation_id = "cancelBooking",
    params(
        ("bookingId" = String, Path, description = "The booking."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "BOOKING_NOT_FOUND", "PAYMENT_IN_FLIGHT", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = CANCELLED.en, body = Success<stock::Booking>, example = json!({
            "message": CANCELLED.en, "status": 200, "data": {
                "bookingId": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11", "concertId": "demo", "state": "CANCELLED",
                "amount": 154000,
                "seats": [{"seatId": "demo.R.1.1", "section": "R", "row": 1, "number": 1, "price": 99000}],
                "tickets": [{"ticketId": "standing", "name": "Standing", "quantity": 1, "price": 55000}],
                "createdAt": "2026-11-20T05:00:00.000Z", "expiresAt": "2026-11-20T05:10:00.000Z",
                "confirmedAt": "2026-11-20T05:02:00.000Z", "cancelledAt": "2026-11-20T05:05:00.000Z",
            }
        })),
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

/// Lists the seats of a concert that I hold or have bought, as of now.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/seats/mine", tag = "shop", operation_id = "listMySeats",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = SEATS.en, body = Success<MySeats>),
    )
)]
async fn seats(
    State(shop): State<Shop>,
    member: Member,
    PathConcert(concert_id): PathConcert,
) -> ApiResult<Reply<MySeats>> {
    let seats = shop.stock.seats_of(&concert_id, &member.id).await;
    let seats = seats.or_fail()?;
    Ok(Reply::ok(SEATS, MySeats { concert_id, seats }))
}
