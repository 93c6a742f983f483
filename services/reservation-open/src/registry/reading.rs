//! Reading concerts and their policies, for admins and for shops' back ends.

use axum::{extract::State, response::IntoResponse};
use sunbeon_chassis::{ApiResult, OrFail, PathConcert, QueryPairs, Reply, Success};
use sunbeon_client::ConcertPage;
use sunbeon_domain::{Concert, ConcertId, Field, Text};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::concerts::etag;
use crate::ReservationOpen;

const READ: Text = Text {
    ko: "콘서트 조회 성공",
    en: "Here is the concert.",
};
const LISTED: Text = Text {
    ko: "콘서트 목록 조회 성공",
    en: "Here are the concerts.",
};

pub(crate) fn router() -> OpenApiRouter<ReservationOpen> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
}

/// Lists concerts with their policies, in the order of their ids.
#[utoipa::path(
    get, path = "/v2/admin/concerts", tag = "operators", operation_id = "listConcertSettings",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Items on a page, 1 to 1,000; 100 if left out."),
        ("cursor" = Option<ConcertId>, Query, description = "The `nextCursor` of the previous page."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = LISTED.en, body = Success<ConcertPage>),
    )
)]
async fn list(
    State(service): State<ReservationOpen>,
    query: QueryPairs,
) -> ApiResult<Reply<ConcertPage>> {
    let cursor = query.field("cursor", Field::Cursor, |text| ConcertId::parse(text).ok())?;
    let limit = query.page_limit()?;
    let after = cursor.as_ref().map_or("", ConcertId::as_str);
    let concerts = service.registry.page(after, limit).await.or_fail()?;
    let last = concerts.last().filter(|_| concerts.len() == limit as usize);
    let next_cursor = last.map(|concert| concert.concert_id.clone());
    Ok(Reply::ok(
        LISTED,
        ConcertPage {
            concerts,
            next_cursor,
        },
    ))
}

/// Returns a concert with its policy. The `ETag` is its version.
#[utoipa::path(
    get, path = "/v2/admin/concerts/{concertId}", tag = "operators", operation_id = "readConcertSettings",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "CONCERT_NOT_FOUND", "DATABASE_DOWN",
    ]))),
    responses(
        (status = 200, description = READ.en, body = Success<Concert>, headers(
            ("ETag" = String, description = "The concert's version, for `If-Match`."),
        )),
    )
)]
async fn read(
    State(service): State<ReservationOpen>,
    PathConcert(id): PathConcert,
) -> ApiResult<impl IntoResponse> {
    let concert = service.registry.find(&id).await.or_fail()?;
    Ok((etag(&concert), Reply::ok(READ, concert)))
}
