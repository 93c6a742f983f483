//! The feed of sessions that ended early, for gates.

use std::sync::Arc;

use axum::extract::State;
use sunbeon_chassis::{ApiError, ApiResult, Origin, PathConcert, QueryPairs, Reply, Success};
use sunbeon_client::RevokedPage;
use sunbeon_domain::{Coded, ConcertId, EntryNumber, Field, Text};
use sunbeon_store::{FeedPlace, Revoked};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Token;

const REVOKED: Text = Text {
    ko: "종료된 세션 목록 조회 성공",
    en: "These sessions have ended; their booking tokens are no longer valid.",
};

pub(crate) fn router() -> OpenApiRouter<Arc<Token>> {
    OpenApiRouter::new().routes(routes!(revoked))
}

/// Lists sessions of a concert that ended before their booking tokens, in pages.
///
/// Poll every two seconds with the `cursor` of the last answer, or at once while `more` is true. An answer may
/// repeat sessions. Each is listed until an hour after its token could last have been valid.
#[utoipa::path(
    get, path = "/v2/reservation/revoked/{concertId}", tag = "shop back ends", operation_id = "listRevokedSessions",
    params(
        ("concertId" = ConcertId, Path, description = "The concert."),
        ("after" = Option<String>, Query, description = "The `cursor` of an earlier answer; if left out, the list starts from the beginning."),
    ),
    security(("admin" = []), ("origin" = [])),
    extensions(("x-fails" = json!([
        "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = REVOKED.en, body = Success<RevokedPage>),
    )
)]
async fn revoked(
    State(service): State<Arc<Token>>,
    _: Origin,
    PathConcert(id): PathConcert,
    query: QueryPairs,
) -> ApiResult<Reply<RevokedPage>> {
    let after = query.field("after", Field::After, place)?;
    let part = service.feeds.read(&*service.store, &id, after).await;
    let part = part.map_err(|error| ApiError::new(error.code()).caused_by(error))?;
    let page = RevokedPage {
        revoked: part.revoked.iter().map(pair).collect(),
        cursor: part.cursor.map(cursor),
        more: part.more,
    };
    Ok(Reply::ok(REVOKED, page))
}

fn pair(revoked: &Revoked) -> [u64; 2] {
    let until = u64::try_from(revoked.until).unwrap_or(0);
    [revoked.place.number.0, until]
}

fn cursor(place: FeedPlace) -> String {
    format!("{}-{}", place.order, place.number)
}

fn place(cursor: &str) -> Option<FeedPlace> {
    let number = |digits: &str| {
        let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits?.parse().ok()?;
        (number <= EntryNumber::MAX.0).then_some(number)
    };
    let (order, entry) = cursor.split_once('-')?;
    Some(FeedPlace {
        order: number(order)?,
        number: EntryNumber(number(entry)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        let (order, number) = (1_763_614_923_456_789, EntryNumber(1_763_614_800_000_000));
        let written = cursor(FeedPlace { order, number });
        assert_eq!(place(&written), Some(FeedPlace { order, number }));
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "1-x",
            "1 -2",
            "9007199254740992-1",
        ] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
