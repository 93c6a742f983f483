//! What handlers take from the head of a request: cookies, tokens, entity tags, the query and its cursors.
#![no_main]

use std::{collections::HashSet, sync::LazyLock};

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, header, request::Parts},
};
use libfuzzer_sys::fuzz_target;
use sunbeon_chassis::{ApiResult, Auth, Expected, IdempotencyKey, Known, QueryPairs, Tag};
use sunbeon_domain::{BookingId, ConcertId, Field, Language, UnixMs};
use sunbeon_fuzz::{Settings, head};
use sunbeon_tokens::{QUEUE_TOKEN, presented};
use tokio::runtime::{Builder, Runtime};
use url::form_urlencoded;

static AUTH: LazyLock<Auth> = LazyLock::new(|| Settings::load().auth());
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().build();
    runtime.expect("a runtime")
});

fn extracted<T: FromRequestParts<()>>(parts: &mut Parts) -> Result<T, T::Rejection> {
    RUNTIME.block_on(T::from_request_parts(parts, &()))
}

/// At most four different tokens; with the header no cookie counts.
fn booking_tokens(parts: &Parts) {
    let headers = &parts.headers;
    let concert = ConcertId::parse("demo").expect("an id");
    let found = presented(headers, Some(&concert));
    let different: HashSet<_> = found.tokens.iter().collect();
    assert!(found.tokens.len() <= 4 && different.len() == found.tokens.len());
    assert!(found.tokens.iter().all(|token| token.is_ascii()));
    assert_eq!(found.by_cookie, !headers.contains_key(QUEUE_TOKEN));
    assert!(found.by_cookie || found.tokens.len() <= 1);
    let without = presented(headers, None);
    assert!(without.tokens.is_empty() || without == found);
}

/// A cookie's token stands in the cookies, after its name.
fn access_cookie(parts: &Parts) {
    let Ok(token) = AUTH.members_token(None, parts) else {
        return;
    };
    assert!(!token.is_empty() && !token.contains(';'));
    let named = ["sunbeon-access", "sunbeon-guest"].map(|name| format!("{name}={token}"));
    assert!(named.iter().any(|pair| has(parts, header::COOKIE, pair)));
}

fn has(parts: &Parts, name: HeaderName, text: &str) -> bool {
    let mut lines = parts.headers.get_all(name).iter();
    lines.any(|line| {
        let mut windows = line.as_bytes().windows(text.len());
        windows.any(|window| window == text.as_bytes())
    })
}

/// A tag matches only where it is written, or at `*`.
fn entity_tags(parts: &mut Parts) {
    let tag = Tag::of_version(7);
    let Ok(known) = extracted::<Known>(parts) else {
        panic!("a request without tags knows none");
    };
    if known.answer(&tag, [], "whole").status() == 304 {
        let name = header::IF_NONE_MATCH;
        assert!(has(parts, name.clone(), "\"7\"") || has(parts, name, "*"));
    }
    let expected: ApiResult<Expected> = extracted(parts);
    if expected.is_ok_and(|expected| expected.check(&tag).is_ok()) {
        let name = header::IF_MATCH;
        assert!(has(parts, name.clone(), "\"7\"") || has(parts, name, "*"));
    }
}

/// The query is decoded as the standard of forms says; a cursor means the same once written and read again.
fn query(parts: &Parts) {
    let text = parts.uri.query().unwrap_or_default();
    let query = QueryPairs::parse(text);
    let ours: Vec<_> = query.iter().collect();
    let theirs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    assert_eq!(ours.len(), theirs.len());
    for ((name, value), (their_name, their_value)) in ours.into_iter().zip(theirs) {
        assert!(name == their_name || (name == "\u{fffd}" && their_name.contains('\u{fffd}')));
        match value {
            Some(value) => assert_eq!(value, their_value),
            None => assert!(their_value.contains('\u{fffd}')),
        }
    }
    if let Ok(limit) = query.page_limit() {
        assert!((1..=1000).contains(&limit));
    }
    let concert = |text: &str| ConcertId::parse(text).ok();
    if let Ok(Some(cursor)) = query.field("cursor", Field::Cursor, concert) {
        assert_eq!(concert(cursor.as_str()), Some(cursor));
    }
    if let Ok(Some(cursor)) = query.field("cursor", Field::Cursor, BookingId::parse) {
        assert_eq!(BookingId::parse(&cursor.to_string()), Some(cursor));
    }
    if let Ok(Some(since)) = query.field("since", Field::Since, UnixMs::parse) {
        assert!((UnixMs::RANGE.0..=UnixMs::RANGE.1).contains(&since));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some(mut parts) = head(data) else {
        return;
    };
    booking_tokens(&parts);
    access_cookie(&parts);
    entity_tags(&mut parts);
    query(&parts);
    let key: ApiResult<IdempotencyKey> = extracted(&mut parts);
    if let Ok(IdempotencyKey(Some(key))) = key {
        assert!((1..=128).contains(&key.len()));
        assert_eq!(parts.headers["idempotency-key"], key);
    }
    let accepted = parts.headers.get("accept-language");
    accepted.and_then(|header| Language::asked_for(header.to_str().ok()?));
});
