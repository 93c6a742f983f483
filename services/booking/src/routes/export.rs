//! Operators' routes: a concert's bookings, as pages and as files.

use axum::{extract::State, response::Response};
use serde::Serialize;
use sunbeon_chassis::{
    ApiResult, Export, ExportRow, OrFail, PathConcert, QueryPairs, Reply, Success,
};
use sunbeon_domain::{ConcertId, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    stock::{BookingId, MembersBooking, Stock},
};

const LISTED: Text = Text {
    ko: "예매 목록 조회 성공",
    en: "Here are the bookings.",
};
/// How many bookings an export reads at a time.
const AT_ONCE: u32 = 500;

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(list_all))
        .routes(routes!(csv_file))
        .routes(routes!(json_lines))
}

/// A page of a concert's bookings, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"bookings": [{"bookingId": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11", "concertId": "demo",
    "state": "CONFIRMED", "amount": 154000, "seats": [{"seatId": "demo.R.1.1", "section": "R",
    "row": 1, "number": 1, "price": 99000}], "tickets": [{"ticketId": "standing",
    "name": "Standing", "quantity": 1, "price": 55000}], "createdAt": "2026-11-20T05:00:00.000Z",
    "expiresAt": "2026-11-20T05:10:00.000Z", "confirmedAt": "2026-11-20T05:00:00.000Z",
    "memberId": "42", "entryNumber": 1_763_614_800_000_000_u64, "payment": {"paymentId": "pay-1",
    "state": "PAID"}}], "nextCursor": "019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11"}))]
struct MembersBookings {
    bookings: Vec<MembersBooking>,
    /// The `cursor` of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<BookingId>,
}

/// Lists the bookings of a concert, oldest first, each with its member and payment.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings", tag = "operators", operation_id = "listConcertBookings",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<BookingId>, Query, description = "The `nextCursor` of the previous page."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = LISTED.en, body = Success<MembersBookings>),
    )
)]
async fn list_all(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
    query: QueryPairs,
) -> ApiResult<Reply<MembersBookings>> {
    let after = query.field("cursor", Field::Cursor, BookingId::parse)?;
    let limit = query.page_limit()?;
    let found = shop.stock.bookings_of(&id, after, limit + 1).await;
    let mut bookings = found.or_fail()?;
    let more = bookings.len() > limit as usize;
    bookings.truncate(limit as usize);
    let last = bookings.last().filter(|_| more);
    Ok(Reply::ok(
        LISTED,
        MembersBookings {
            next_cursor: last.map(|last| last.booking.booking_id),
            bookings,
        },
    ))
}

/// Exports the bookings of a concert as CSV (RFC 4180), oldest first.
///
/// An apostrophe is put in front of texts that a spreadsheet would take for a formula.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings.csv", tag = "operators", operation_id = "exportBookingsAsCsv",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = "One booking per line.", body = String, content_type = "text/csv",
            example = json!("bookingId,memberId,state\r\n019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11,42,CONFIRMED\r\n")),
    )
)]
async fn csv_file(State(shop): State<Shop>, PathConcert(id): PathConcert) -> ApiResult<Response> {
    export(shop.stock, id, Export::Csv).await
}

/// Exports the bookings of a concert as JSON lines, oldest first: one booking per line, in the
/// list's format.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings.jsonl", tag = "operators", operation_id = "exportBookingsAsJsonLines",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = "One booking per line.", body = String, content_type = "application/jsonl",
            example = json!("{\"bookingId\":\"019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11\",\"state\":\"CONFIRMED\"}\n")),
    )
)]
async fn json_lines(State(shop): State<Shop>, PathConcert(id): PathConcert) -> ApiResult<Response> {
    export(shop.stock, id, Export::JsonLines).await
}

async fn export(stock: Stock, id: ConcertId, kind: Export) -> ApiResult<Response> {
    tracing::info!(concert = %id, ?kind, "bookings exported");
    let name = format!("bookings-{id}");
    let read = move |last: Option<&MembersBooking>| {
        let (stock, id) = (stock.clone(), id.clone());
        let after = last.map(|last| last.booking.booking_id);
        async move { stock.bookings_of(&id, after, AT_ONCE).await }
    };
    kind.file(&name, read).await
}

impl ExportRow for MembersBooking {
    const COLUMNS: &'static [&'static str] = &[
        "bookingId",
        "concertId",
        "memberId",
        "entryNumber",
        "state",
        "amount",
        "seats",
        "tickets",
        "paymentId",
        "paymentState",
        "createdAt",
        "expiresAt",
        "confirmedAt",
        "cancelledAt",
    ];

    /// Seats appear as their ids and tickets as `<ticketId>=<quantity>`, separated by spaces.
    fn fields(&self) -> Vec<String> {
        let Self {
            booking,
            member_id,
            entry_number,
            payment,
        } = self;
        let seats = booking.seats.iter().map(|seat| seat.seat_id.to_string());
        let tickets = booking.tickets.iter();
        let tickets = tickets.map(|ticket| format!("{}={}", ticket.ticket_id, ticket.quantity));
        let payment = payment.as_ref();
        let joined = |words: Vec<String>| words.join(" ");
        vec![
            booking.booking_id.to_string(),
            booking.concert_id.to_string(),
            member_id.to_string(),
            entry_number.map_or(String::new(), |entry| entry.0.to_string()),
            word(&booking.state),
            booking.amount.to_string(),
            joined(seats.collect()),
            joined(tickets.collect()),
            payment.map_or(String::new(), |payment| payment.payment_id.clone()),
            payment.map_or(String::new(), |payment| word(&payment.state)),
            word(&booking.created_at),
            word(&booking.expires_at),
            booking.confirmed_at.as_ref().map_or(String::new(), word),
            booking.cancelled_at.as_ref().map_or(String::new(), word),
        ]
    }
}

/// Returns a state or a moment in its JSON form, without quotes.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
