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
    en: "These are the bookings.",
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
struct MembersBookings {
    bookings: Vec<MembersBooking>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<BookingId>,
}

/// List the bookings of a concert, oldest first, each with its member and payment.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings", tag = "admin",
    params(
        ("concertId" = ConcertId, Path),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "1-1,000; 100."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    security(("accessToken" = [])),
    responses((status = 200, body = Success<MembersBookings>))
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

/// Export the bookings of a concert as CSV (RFC 4180), oldest first. A text that a spreadsheet would
/// take for a formula has an apostrophe in front.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings.csv", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses((status = 200, body = String, content_type = "text/csv"))
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

/// Export the bookings of a concert as JSON lines, oldest first: one booking a line, as the list has it.
#[utoipa::path(
    get, path = "/v2/stock/{concertId}/bookings.jsonl", tag = "admin",
    params(("concertId" = ConcertId, Path)), security(("accessToken" = [])),
    responses((status = 200, body = String, content_type = "application/jsonl"))
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
