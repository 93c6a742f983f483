//! Entity tags and conditional requests (RFC 9110, sections 8.8.3 and 13.1).

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::Bytes,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sunbeon_client::Success;
use sunbeon_domain::{Code, Field, Language, Text};

use crate::{ApiError, ApiResult, envelope::language};

/// The strong validator of an answer, sent as its `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(HeaderValue);

impl Tag {
    /// Returns the tag of a version, which is its number.
    pub fn of_version(version: u64) -> Self {
        Self::of(&version.to_string())
    }

    /// Returns the tag of some content: half of its SHA-256 hash, in hexadecimal.
    pub fn of_content(content: &[u8]) -> Self {
        let mut digits = String::new();
        for byte in &digest(&SHA256, content).as_ref()[..16] {
            let _ = write!(digits, "{byte:02x}");
        }
        Self::of(&digits)
    }

    fn of(digits: &str) -> Self {
        let value = HeaderValue::try_from(format!("\"{digits}\""));
        Self(value.expect("digits in quotes are a header's value"))
    }

    /// Returns the `ETag` header.
    pub fn header(&self) -> (HeaderName, HeaderValue) {
        (header::ETAG, self.0.clone())
    }
}

/// The entity tags of an `If-Match` or `If-None-Match`.
#[derive(Debug, Clone)]
enum Tags {
    /// `*`
    Any,
    /// The tags as given, without the mark of weak ones. None of ours contains a comma.
    Listed(Vec<Vec<u8>>),
}

impl Tags {
    fn of(parts: &Parts, name: HeaderName) -> Option<Self> {
        let given: Vec<_> = parts.headers.get_all(name).iter().collect();
        if let [only] = given[..]
            && only == "*"
        {
            return Some(Self::Any);
        }
        let listed = given
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec());
        (!given.is_empty()).then(|| Self::Listed(listed.collect()))
    }

    /// Returns whether the tag is listed, by weak comparison.
    fn have(&self, tag: &Tag) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|given| given == tag.0.as_bytes()),
        }
    }

    fn hold_a_tag(&self) -> bool {
        let is_quoted = |tag: &Vec<u8>| tag.len() > 1 && tag[0] == b'"' && tag.ends_with(b"\"");
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(is_quoted),
        }
    }
}

/// The version that a reader already has: the `If-None-Match` of a request.
#[derive(Debug, Clone)]
pub struct Known(Option<Tags>);

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        Ok(Self(Tags::of(parts, header::IF_NONE_MATCH)))
    }
}

impl Known {
    /// Answers 304 if the reader already has this version, and the whole answer otherwise; both
    /// carry the tag and the same `headers`.
    pub fn answer<const N: usize>(
        &self,
        tag: &Tag,
        headers: [(HeaderName, HeaderValue); N],
        whole: impl IntoResponse,
    ) -> Response {
        let etag = [tag.header()];
        match self.0.as_ref().is_some_and(|known| known.have(tag)) {
            true => (StatusCode::NOT_MODIFIED, etag, headers).into_response(),
            false => (etag, headers, whole).into_response(),
        }
    }

    /// Answers a success with an ETag of the whole body in its language, or 304 if the reader already
    /// has that.
    pub fn answer_ok(
        &self,
        text: Text,
        data: impl Serialize,
        cache_control: &'static str,
    ) -> ApiResult<Response> {
        Ok(self.answer_whole(&Whole::new(text, language(), data)?, cache_control))
    }

    /// Answers a success that was made before, or 304 if the reader already has that.
    pub fn answer_whole(&self, whole: &Whole, cache_control: &'static str) -> Response {
        let headers = [(
            header::CACHE_CONTROL,
            HeaderValue::from_static(cache_control),
        )];
        let json = HeaderValue::from_static("application/json");
        let body = ([(header::CONTENT_TYPE, json)], whole.body.clone());
        self.answer(&whole.tag, headers, body)
    }
}

/// A success as it is sent, with the tag of its content. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Whole {
    body: Bytes,
    tag: Tag,
}

impl Whole {
    /// Serializes a success in a language. Fails as a bug if the data is not JSON.
    pub fn new(text: Text, language: Language, data: impl Serialize) -> ApiResult<Self> {
        let body = Success {
            message: text.in_language(language).to_owned(),
            data,
            status: 200,
        };
        let serialized = serde_json::to_vec(&body);
        let body = serialized.map_err(|error| ApiError::new(Code::Internal).caused_by(error))?;
        Ok(Self {
            tag: Tag::of_content(&body),
            body: body.into(),
        })
    }
}

/// The version that a change applies to: the `If-Match` of a request. 428 if the header is missing,
/// 400 `INVALID_IF_MATCH` if it contains no tag.
///
/// `*` matches any version, and one matching tag in a list is enough. Unlike RFC 9110, tags are
/// compared weakly: a gateway that compresses answers turns `"1"` into `W/"1"` on the way to the
/// client, and a client that sends it back means version 1. Our tags are versions, so two that
/// differ only in the mark name the same version.
#[derive(Debug, Clone)]
pub struct Expected(Tags);

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let tags = Tags::of(parts, header::IF_MATCH).ok_or(Code::VersionRequired)?;
        match tags.hold_a_tag() {
            true => Ok(Self(tags)),
            false => Err(Code::Invalid(Field::IfMatch).into()),
        }
    }
}

impl Expected {
    /// Refuses a change meant for another version, with 412 `VERSION_MISMATCH`.
    pub fn check(&self, current: &Tag) -> ApiResult<()> {
        match self.0.have(current) {
            true => Ok(()),
            false => Err(Code::VersionMismatch.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};

    use super::*;

    fn parts(name: HeaderName, values: &[&str]) -> Parts {
        let request = values.iter().fold(Request::builder(), |request, value| {
            request.header(name.clone(), *value)
        });
        request.body(Body::empty()).unwrap().into_parts().0
    }

    async fn changes(given: &[&str]) -> Result<(), Code> {
        let mut parts = parts(header::IF_MATCH, given);
        let expected = Expected::from_request_parts(&mut parts, &()).await;
        let checked = expected.and_then(|expected| expected.check(&Tag::of_version(7)));
        checked.map_err(|error| error.code())
    }

    async fn status(given: &[&str]) -> u16 {
        let mut parts = parts(header::IF_NONE_MATCH, given);
        let known = Known::from_request_parts(&mut parts, &()).await.unwrap();
        let answer = known.answer(&Tag::of_version(7), [], "whole");
        assert_eq!(answer.headers()[header::ETAG], "\"7\"");
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn a_matching_if_match_passes_in_every_spelling() {
        let same: [&[&str]; 7] = [
            &["\"7\""],
            &["W/\"7\""],
            &["*"],
            &["\"6\", \"7\""],
            &["\"6\",W/\"7\""],
            &["\"6\"", "\"7\""],
            &["nonsense, \"7\""],
        ];
        for given in same {
            assert_eq!(changes(given).await, Ok(()), "{given:?}");
        }
    }

    #[tokio::test]
    async fn a_change_for_another_version_is_refused_with_412() {
        let other: [&[&str]; 8] = [
            &["\"6\""],
            &["W/\"6\""],
            &["\"07\""],
            &["\"\""],
            &["\"6\", \"8\""],
            &["\"6\", *"],
            &["\" 7\""],
            &["\"7\"x", "\"8\""],
        ];
        for given in other {
            assert_eq!(
                changes(given).await,
                Err(Code::VersionMismatch),
                "{given:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_change_without_any_tag_is_refused_with_the_missing_header_named() {
        assert_eq!(changes(&[]).await, Err(Code::VersionRequired));
        for given in ["", "7", "\"", "\"7", "seven", "**", "W/", "w/\"7\"", "*, *"] {
            let refused = Err(Code::Invalid(Field::IfMatch));
            assert_eq!(changes(&[given]).await, refused, "{given}");
        }
    }

    #[tokio::test]
    async fn a_matching_if_none_match_gets_304_and_any_other_the_whole_answer() {
        let known: [&[&str]; 5] = [
            &["\"7\""],
            &["W/\"7\""],
            &["*"],
            &["\"6\", W/\"7\""],
            &["\"6\"", "\"7\""],
        ];
        for given in known {
            assert_eq!(status(given).await, 304, "{given:?}");
        }
        let unknown: [&[&str]; 5] = [&[], &[""], &["7"], &["\"6\""], &["\"6\", *"]];
        for given in unknown {
            assert_eq!(status(given).await, 200, "{given:?}");
        }
    }

    #[test]
    fn different_contents_have_different_tags() {
        assert_eq!(Tag::of_content(b"a"), Tag::of_content(b"a"));
        assert_ne!(Tag::of_content(b"a"), Tag::of_content(b"b"));
    }
}
