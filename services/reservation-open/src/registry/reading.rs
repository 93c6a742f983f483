//! Reading concerts and their policies: for admins, and for shops' back ends.

use axum::{extract::State, response::IntoResponse};
use serde::Serialize;
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, QueryPairs, Reply, Success};
use sunbeon_domain::{Concert, ConcertId, Field, Text};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::concerts::etag;
use crate::ReservationOpen;

const READ: Text = Text {
    ko: "콘서트 조회 성공",
    en: "This is the concert.",
};
const LISTED: Text = Text {
    ko: "콘서트 목록 조회 성공",
    en: "These are the concerts.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
}

/// A page of concerts, in the order of their ids.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Concerts {
    concerts: Vec<Concert>,
    /// The `cursor` of the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<ConcertId>,
}

/// List concerts.
#[utoipa::path(
    get, path = "/v2/admin/concerts", tag = "admin",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "1-1,000; 100."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    security(("accessToken" = [])), responses((status = 200, body = Success<Concerts>))
)]
async fn list(
    State(service): State<ReservationOpen>,
    query: QueryPairs,
) -> ApiResult<Reply<Concerts>> {
    let after = query.field("cursor", Field::Cursor, |text| ConcertId::parse(text).ok())?;
    let limit = query.page_limit()?;
    let after = after.as_ref().map_or("", ConcertId::as_str);
    let concerts = service.registry.page(after, limit).await.or_fail()?;
    let last = concerts.last().filter(|_| concerts.len() == limit as usize);
    let next_cursor = last.map(|concert| concert.concert_id.clone());
    Ok(Reply::ok(
        LISTED,
        Concerts {
            concerts,
            next_cursor,
        },
    ))
}

/// Read a concert; its version is the `ETag`.
#[utoipa::path(
    get, path = "/v2/admin/concerts/{concertId}", tag = "admin",
    params(("concertId" = ConcertId, Path)),
    security(("accessToken" = [])), responses((status = 200, body = Success<Concert>))
)]
async fn read(
    State(service): State<ReservationOpen>,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    let concert = service.registry.find(&id).await.or_fail()?;
    Ok((etag(&concert), Reply::ok(READ, concert)))
}
