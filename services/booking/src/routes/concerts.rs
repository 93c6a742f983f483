//! What is on sale, as admitted members see it.

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sunbeon_chassis::{
    ApiError, ApiResult, Known, OrFail, PathConcert, QueryPairs, Reply, Success, envelope::language,
};
use sunbeon_domain::{Code, ConcertId, Field, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Shop,
    routes::inside::Inside,
    stock::{MySeat, Section, Ticket},
    views::{Changes, View, WholeMap},
};

const SHOWN: Text = Text {
    ko: "콘서트 조회 성공",
    en: "This is the concert.",
};
const TICKETS: Text = Text {
    ko: "티켓 조회 성공",
    en: "These are the tickets.",
};
const SEATS: Text = Text {
    ko: "좌석 조회 성공",
    en: "These are the seats.",
};
const MY_SEATS: Text = Text {
    ko: "내 좌석 조회 성공",
    en: "These are your seats.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(concert))
        .routes(routes!(tickets))
        .routes(routes!(seats))
        .routes(routes!(my_seats))
}

/// A concert and what of it is for sale.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Shown {
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
    sections: Vec<ShownSection>,
    tickets: Vec<Ticket>,
}

/// A section and how many of its seats nobody has.
#[derive(Serialize, ToSchema)]
struct ShownSection {
    section: Section,
    price: u64,
    remaining: u64,
}

/// Show a concert: times, limits, prices, and what is left, at most a second old.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Shown>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "CONCERT_NOT_FOUND, STOCK_NOT_FOUND."),
    )
)]
async fn concert(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<Shown>> {
    inside.to(&id)?;
    let policy = shop.concert(&id).await?.policy;
    let view = shop.views.of(&id).await?;
    let shown = Shown {
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

fn sections(view: &View) -> Vec<ShownSection> {
    let free: HashMap<&Section, u64> = view.map.free();
    let sections = view.plan.sections.iter().map(|planned| ShownSection {
        remaining: free.get(&planned.section).copied().unwrap_or_default(),
        section: planned.section.clone(),
        price: planned.price,
    });
    sections.collect()
}

/// The counted tickets of a concert.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tickets {
    concert_id: ConcertId,
    tickets: Vec<Ticket>,
}

/// Show every kind of counted ticket, in the order of ids, at most a second old.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/tickets", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<Tickets>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "STOCK_NOT_FOUND."),
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

/// Show the seat map: every seat in the order of sections, rows and numbers, the same for everybody
/// and at most a second old. With `since`, only what may have changed since an earlier answer.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/seats", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("since" = Option<String>, Query, description = "`asOf` of an earlier answer. The answer has \
            `changed` instead of `seats`, unless that is too long ago."),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<WholeMap<'static>>, headers(("ETag" = String))),
        (status = 304, description = "Unchanged."),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
        (status = 404, description = "STOCK_NOT_FOUND."),
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
    let body = map.rendered(language(), SEATS).await;
    let body = body.map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
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
/// Behind the gate, so for one member, and to be asked for again each time.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

fn changed(changes: Changes) -> Response {
    let dress = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (dress, Reply::ok(SEATS, changes)).into_response()
}

/// Returns whether a client takes gzip: it names it, and not with the weight 0 (RFC 9110 §12.5.3).
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

/// The seats that a member holds or has bought.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MySeats {
    concert_id: ConcertId,
    seats: Vec<MySeat>,
}

/// Show the seats of a concert that I hold or have bought, as they are now.
#[utoipa::path(
    get, path = "/v2/concerts/{concertId}/seats/mine", tag = "booking",
    params(
        ("concertId" = ConcertId, Path),
        ("X-Queue-Token" = String, Header, description = "The member's booking token."),
    ),
    security(("accessToken" = [])),
    responses(
        (status = 200, body = Success<MySeats>),
        (status = 403, description = "QUEUE_TOKEN_REQUIRED."),
    )
)]
async fn my_seats(
    State(shop): State<Shop>,
    inside: Inside,
    PathConcert(id): PathConcert,
) -> ApiResult<Reply<MySeats>> {
    inside.to(&id)?;
    let seats = shop.stock.seats_of(&id, &inside.0.member).await.or_fail()?;
    Ok(Reply::ok(
        MY_SEATS,
        MySeats {
            concert_id: id,
            seats,
        },
    ))
}
