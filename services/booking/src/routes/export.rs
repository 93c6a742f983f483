//! Operators' routes: the bookings of a concert, as pages and as files.

mod csv;

use axum::{body::Body, extract::State, http::header, response::IntoResponse};
use futures::stream;
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, QueryPairs, Reply, Success};
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
/// How many bookings to read at once for a file.
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
    /// The `cursor` of the next page; left out on the last.
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
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before."),
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
/// A text that a spreadsheet would take for a formula has an apostrophe in front.
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
        (status = 200, description = "One booking a line.", body = String, content_type = "text/csv",
            example = json!("bookingId,memberId,state\r\n019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11,42,CONFIRMED\r\n")),
    )
)]
async fn csv_file(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    const FILE: FileKind = FileKind {
        extension: "csv",
        content_type: "text/csv; charset=utf-8; header=present",
        encode: csv::encode,
    };
    export(shop.stock, id, FILE).await
}

/// Exports the bookings of a concert as JSON lines, oldest first: one booking a line, as the list has it.
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
        (status = 200, description = "One booking a line.", body = String, content_type = "application/jsonl",
            example = json!("{\"bookingId\":\"019aa000-5e1b-7c63-a1f7-2f6a2c1f9b11\",\"state\":\"CONFIRMED\"}\n")),
    )
)]
async fn json_lines(
    State(shop): State<Shop>,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    const FILE: FileKind = FileKind {
        extension: "jsonl",
        content_type: "application/jsonl",
        encode: lines,
    };
    export(shop.stock, id, FILE).await
}

/// One way to write bookings to a file.
struct FileKind {
    extension: &'static str,
    content_type: &'static str,
    encode: fn(&[MembersBooking], IsFirst) -> anyhow::Result<Vec<u8>>,
}

/// Whether these are the first bookings of a file.
type IsFirst = bool;

/// Streams a file, page by page. Where a page cannot be read, the connection is cut: a file that ends
/// early is never taken for a whole one.
async fn export(stock: Stock, id: ConcertId, kind: FileKind) -> ApiResult<impl IntoResponse> {
    tracing::info!(concert = %id, kind = kind.extension, "bookings exported");
    let name = format!("attachment; filename=\"bookings-{id}.{}\"", kind.extension);
    let first = stock.bookings_of(&id, None, AT_ONCE).await.or_fail()?;
    let pages = stream::try_unfold(Some((first, true)), move |page| {
        let (stock, id) = (stock.clone(), id.clone());
        async move {
            let Some((bookings, is_first)) = page else {
                return anyhow::Ok(None);
            };
            let bytes = (kind.encode)(&bookings, is_first)?;
            let last = bookings.last().map(|last| last.booking.booking_id);
            let next = match last.filter(|_| bookings.len() == AT_ONCE as usize) {
                Some(last) => Some((stock.bookings_of(&id, Some(last), AT_ONCE).await?, false)),
                None => None,
            };
            Ok(Some((bytes, next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.content_type.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pages)))
}

fn lines(bookings: &[MembersBooking], _: IsFirst) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for booking in bookings {
        serde_json::to_writer(&mut lines, booking)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
