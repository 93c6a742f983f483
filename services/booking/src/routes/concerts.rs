//! A concert's stock, as admitted members see it.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sunbeon_chassis::{
    ApiError, ApiResult, Known, PathConcert, QueryPairs, Reply, Success, envelope::language,
};
use sunbeon_client::{SeatMap, Tickets};
use sunbeon_domain::{Code, ConcertId, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::inside::Inside,
    stock::{Section, Ticket},
    views::View,
};

const SHOWN: Text = Text {
    ko: "콘서트 조회 성공",
    en: "Here is the concert.",
};
const TICKETS: Text = Text {
    ko: "티켓 조회 성공",
    en: "Here are the tickets.",
};
const SEATS: Text = Text {
    ko: "좌석 조회 성공",
    en: "Here are the seats.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(concert))
        .routes(routes!(tickets))
        .routes(routes!(seats))
}

/// A concert and its stock.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "title": "Demo Concert", "bookingStartAt": "2026-11-20T05:00:00.000Z",
    "timeZone": "Asia/Seoul", "perMemberLimit": 4, "holdDurationMinutes": 10,
    "sections": [{"section": "R", "price": 99000, "remaining": 199}],
    "tickets": [{"ticketId": "standing", "name": "Standing", "price": 55000, "quantity": 500,
    "remaining": 499}]}))]
struct ConcertOnSale {
    concert_id: ConcertId,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_start_at: Option<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_end_at: Option<UnixMs>,
    time_zone: String,
    /// How many seats and tickets together one member may have.
    per_member_limit: u32,
    hold_duration_minutes: u32,
    sections: Vec<SectionOnSale>,
    tickets: Vec<Ticket>,
}

/// A section and the number of its free seats.
#[derive(Serialize, ToSchema)]
struct SectionOnSale {
    section: Section,
    price: u64,
    remaining: u64,
}

/// Returns a concert: times, limits, prices and how much is left, at most a second old.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}", tag = "shop", operation_id = "readConcert",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        "CONCERT_NOT_FOUND", "STOCK_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = SHOWN.en, body = Success<ConcertOnSale>),
    )
)]
async fn concert(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<ConcertOnSale>> {
    inside.to(&id)?;
    let policy = shop.concert(&id).await?.policy;
    let view = shop.views.of(&id).await?;
    let shown = ConcertOnSale {
        title: policy.title,
        booking_start_at: policy.booking_start_at,
        booking_end_at: policy.booking_end_at,
        time_zone: policy.time_zone,
        per_member_limit: view.plan.per_member_limit,
        hold_duration_minutes: policy.hold_duration_minutes,
        sections: sections(&view),
        tickets: view.tickets.clone(),
        concert_id: id,
    };
    Ok(Reply::ok(SHOWN, shown))
}

fn sections(view: &View) -> Vec<SectionOnSale> {
    let free: HashMap<&Section, u64> = view.map.free();
    let sections = view.plan.sections.iter().map(|planned| SectionOnSale {
        remaining: free.get(&planned.section).copied().unwrap_or_default(),
        section: planned.section.clone(),
        price: planned.price,
    });
    sections.collect()
}

/// Lists all kinds of counted tickets, in the order of their ids, at most a second old.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/tickets", tag = "shop", operation_id = "listTickets",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        "STOCK_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = TICKETS.en, body = Success<Tickets>),
    )
)]
async fn tickets(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Tickets>> {
    inside.to(&id)?;
    let view = shop.views.of(&id).await?;
    Ok(Reply::ok(
        TICKETS,
        Tickets {
            concert_id: id,
            tickets: view.tickets.clone(),
        },
    ))
}

/// Returns the seat map: every seat in the order of sections, rows and numbers, at most a second
/// old.
///
/// It is the same for everybody. With `since`, it has `changed` instead of `seats`: the seats that
/// may have changed since an earlier answer.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/seats", tag = "shop", operation_id = "listSeats",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("since" = Option<UnixMs>, Query,
            description = "The `at` of an earlier answer; if it is too old, all seats are sent."),
        ("X-Queue-Token" = Option<String>, Header,
            description = "The booking token; or the cookie `queue-token-<concertId>`."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer."),
    ),
    security(("member" = [])),
    extensions(("x-fails" = json!([
        {"QUEUE_TOKEN_REQUIRED": {"waitingPage": "/waiting-room/demo"}}, "WAITING_ROOM_DOWN",
        "STOCK_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = SEATS.en, body = Success<SeatMap<'static>>, headers(
            ("ETag" = String, description = "Names this state of the answer."),
        )),
        (status = 304, description = "The map has not changed since the `ETag`."),
    )
)]
async fn seats(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
    query: QueryPairs,
    known: Known,
    headers: HeaderMap,
) -> ApiResult<Response> {
    inside.to(&id)?;
    let since = query.field("since", Field::Since, UnixMs::parse)?;
    let map = shop.views.of(&id).await?.map.clone();
    if let Some(changes) = since.and_then(|since| map.changes_since(since)) {
        return Ok(changed(changes));
    }
    let rendered = map.rendered(language(), SEATS).await;
    let body = rendered.map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
    let dress = [(header::CACHE_CONTROL, PRIVATE), (header::VARY, VARY)];
    const JSON: (HeaderName, HeaderValue) = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    const GZIP: (HeaderName, HeaderValue) =
        (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(if takes_gzip(&headers) {
        known.answer(&body.tag, dress, ([JSON, GZIP], body.gzip))
    } else {
        known.answer(&body.tag, dress, ([JSON], body.plain))
    })
}

const VARY: HeaderValue = HeaderValue::from_static("accept-encoding");
/// Answers behind the gate are for one member, and must be revalidated every time.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

fn changed(changes: SeatMap<'_>) -> Response {
    let dress = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (dress, Reply::ok(SEATS, changes)).into_response()
}

/// Returns whether a client accepts gzip: it lists gzip, and not with weight 0 (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter();
    let codings = given
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let mut gzip = codings.filter_map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=")?.parse::<f32>().ok()?;
        (name.trim() == "gzip").then_some(weight > 0.0)
    });
    gzip.next().unwrap_or(false)
}
