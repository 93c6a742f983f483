//! Ids of tokens that ended early, for gates.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::value::{RawValue, to_raw_value};
use sunbeon_chassis::{ApiError, ApiResult, Known, Reply, Success, Tag};
use sunbeon_client::RevokedTokens;
use sunbeon_domain::{Coded, ConcertId, Text};
use sunbeon_store::{Store, StoreError};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Token, single_flight::SingleFlight};

const REVOKED: Text = Text {
    ko: "취소된 예매 토큰 목록 조회 성공",
    en: "These booking tokens are no longer valid.",
};

/// How many concerts' lists are read at once.
const AT_ONCE: usize = 16;
/// How many ids the store tells at once; fewer are the last.
const PAGE: usize = 1_000;

/// One list for all gates that wait for it. A gate counts the age of its list from when it asked:
/// one gathered before that would let tokens pass for longer than the gate knows.
pub(crate) type Gatherings = SingleFlight<Result<Arc<List>, Arc<StoreError>>>;

pub(crate) fn router() -> OpenApiRouter<Token> {
    OpenApiRouter::new().routes(routes!(revoked))
}

/// Lists booking tokens of every concert that ended early and have not expired.
///
/// Ask with `If-None-Match` every few seconds.
#[utoipa::path(
    get, path = "/v2/reservation/revoked", tag = "gates", operation_id = "listRevokedTokens",
    params(
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer."),
    ),
    extensions(("x-fails" = json!([
        "STORE_DOWN",
    ]))),
    responses(
        (status = 200, description = REVOKED.en, body = Success<RevokedTokens>, headers(
            ("ETag" = String, description = "Names this state of the answer."),
        )),
        (status = 304, description = "The list is still the one of the `ETag`."),
    )
)]
async fn revoked(State(service): State<Token>, known: Known) -> ApiResult<Response> {
    let list = service.revoked.run(gather(&*service.store)).await;
    let list = list.map_err(|error| ApiError::new(error.code()).caused_by(error))?;
    let no_cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    Ok(known.answer(&list.tag, no_cache, Reply::ok(REVOKED, &list.data)))
}

/// The list, as it is answered.
pub(crate) struct List {
    /// A [`RevokedTokens`].
    data: Box<RawValue>,
    tag: Tag,
}

impl List {
    fn new(revoked: Vec<String>) -> Self {
        let data = to_raw_value(&RevokedTokens { revoked }).expect("strings are JSON");
        let tag = Tag::of_content(data.get().as_bytes());
        Self { data, tag }
    }
}

async fn gather(store: &dyn Store) -> Result<Arc<List>, Arc<StoreError>> {
    let all = of_all(store).await?;
    Ok(Arc::new(List::new(all)))
}

/// Every concert's, sorted.
async fn of_all(store: &dyn Store) -> sunbeon_store::Result<Vec<String>> {
    let concerts = store.concerts().await?.into_iter();
    let lists = stream::iter(concerts.map(|id| of_one(store, id)));
    let mut all: Vec<_> = lists.buffer_unordered(AT_ONCE).try_concat().await?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// One concert's; one may be there twice.
async fn of_one(store: &dyn Store, id: ConcertId) -> sunbeon_store::Result<Vec<String>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.revoked(&id, after).await?.revoked;
        let is_last = page.len() < PAGE;
        all.extend(page.iter().map(|it| it.place.number.token_id(&id)));
        after = page.last().map(|last| last.place).or(after);
        if is_last {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use sunbeon_domain::{Concert, MemberId, Mode, Policy};
    use sunbeon_store::{Claim, Leaving, MemoryStore};

    use super::*;

    /// A concert in which that many tokens ended early; their ids.
    async fn ended_early(store: &MemoryStore, id: &str, many: usize) -> Vec<String> {
        let concert_id = ConcertId::parse(id).unwrap();
        let policy = Policy {
            mode: Mode::Threshold,
            max_active: Some(1_000_000),
            ..Policy::default()
        };
        let concert = Concert {
            concert_id: concert_id.clone(),
            version: 1,
            closed: false,
            policy,
        };
        store.put_concert(&concert).await.unwrap();
        let mut ids = Vec::new();
        for i in 0..many {
            let member = MemberId::parse(i.to_string()).unwrap();
            store.enter(&concert_id, &member, "이름").await.unwrap();
            let claim = store.claim(&concert_id, &member, "kid").await.unwrap();
            let Claim::Entered(entered) = claim else {
                panic!("{claim:?}");
            };
            let how = Leaving::ByChoice;
            store.leave(&concert_id, &member, how).await.unwrap();
            ids.push(entered.1.jti);
        }
        ids
    }

    #[tokio::test]
    async fn the_list_has_every_page_of_every_concert_in_order() {
        let store = MemoryStore::new();
        let mut all = Vec::new();
        for (i, many) in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE]
            .iter()
            .enumerate()
        {
            all.extend(ended_early(&store, &format!("c{i}"), *many).await);
        }
        for i in 0..2 * AT_ONCE {
            all.extend(ended_early(&store, &format!("d{i}"), 1).await);
        }
        all.sort();
        assert_eq!(of_all(&store).await.unwrap(), all);
    }
}
