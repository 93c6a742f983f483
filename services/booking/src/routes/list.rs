//! The public list of concerts.

use axum::{extract::State, response::Response};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, Known, OrFail, QueryPairs, Success};
use sunbeon_domain::{Concert, ConcertId, Field, Identity, Mode, Text, UnixMs};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Shop, sunbeon::Catalog};

const LISTED: Text = Text {
    ko: "콘서트 목록 조회 성공",
    en: "Here are the concerts.",
};

pub(crate) fn router() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A concert, as everybody may see it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicConcert {
    concert_id: ConcertId,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_start_at: Option<UnixMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_end_at: Option<UnixMs>,
    time_zone: String,
    mode: Mode,
    /// Whether it is closed permanently.
    closed: bool,
    /// Who may line up.
    identity: Identity,
}

impl From<&Concert> for PublicConcert {
    fn from(concert: &Concert) -> Self {
        let policy = &concert.policy;
        Self {
            concert_id: concert.concert_id.clone(),
            title: policy.title.clone(),
            booking_start_at: policy.booking_start_at,
            booking_end_at: policy.booking_end_at,
            time_zone: policy.time_zone.clone(),
            mode: policy.mode,
            closed: concert.closed,
            identity: policy.identity,
        }
    }
}

/// A page of concerts, in the order of their ids.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concerts": [{"concertId": "demo", "title": "Demo Concert",
    "bookingStartAt": "2026-11-20T05:00:00.000Z", "timeZone": "Asia/Seoul", "mode": "queue",
    "closed": false, "identity": "member"}], "nextCursor": "demo"}))]
struct PublicConcerts {
    concerts: Vec<PublicConcert>,
    /// The `cursor` of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<ConcertId>,
}

/// Lists the concerts on sale, for everybody.
#[utoipa::path(
    get, path = "/v2/concerts", tag = "shop", operation_id = "listConcerts",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<ConcertId>, Query, description = "The `nextCursor` of the previous page."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer."),
    ),
    extensions(("x-fails" = json!([
        "WAITING_ROOM_DOWN",
    ]))),
    responses(
        (status = 200, description = LISTED.en, body = Success<PublicConcerts>, headers(
            ("ETag" = String, description = "Names this state of the answer."),
        )),
        (status = 304, description = "The list has not changed since the `ETag`."),
    )
)]
async fn list(
    State(catalog): State<Catalog>,
    query: QueryPairs,
    known: Known,
) -> ApiResult<Response> {
    let after = query.field("cursor", Field::Cursor, |text| ConcertId::parse(text).ok())?;
    let limit = query.page_limit()? as usize;
    let all = catalog.all().await.or_fail()?;
    let from = match &after {
        Some(after) => all.partition_point(|concert| concert.concert_id <= *after),
        None => 0,
    };
    let rest = &all[from..];
    let concerts: Vec<_> = rest.iter().take(limit).map(PublicConcert::from).collect();
    let next_cursor = match (rest.len() > limit, concerts.last()) {
        (true, Some(last)) => Some(last.concert_id.clone()),
        _ => None,
    };
    let page = PublicConcerts {
        concerts,
        next_cursor,
    };
    known.answer_ok(LISTED, page, "public, no-cache")
}
