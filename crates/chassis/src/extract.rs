//! The parts of a request that handlers extract. A request without them is refused with the
//! envelope.

use std::{fmt, marker::PhantomData, ops::RangeInclusive, str::FromStr};

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Request, path::ErrorKind, rejection::PathRejection,
    },
    http::{HeaderMap, header, request::Parts},
};
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, json};
use sunbeon_domain::{Code, ConcertId, Field, MemberId};

use crate::{ApiError, ApiResult};

/// A body: a JSON object with the fields of a `T`.
///
/// Answers 415 without `application/json`, and 400 for anything else that is wrong: with the field's
/// own code, such as `INVALID_CONCERT_ID`, if it has one; otherwise `INVALID_BODY` with `field`, the
/// path of the missing or malformed field, or `unknownField`. A body that is not a JSON object has no
/// field to name. 413 is answered earlier.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        if !is_json(request.headers()) {
            return Err(Code::UnsupportedMediaType.into());
        }
        let bytes = Bytes::from_request(request, state).await;
        Ok(Self(parsed(&bytes.map_err(|_| Code::InvalidBody)?)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE);
    let kind = named.and_then(|kind| kind.to_str().ok()?.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    // serde alone would accept an array of a struct's fields.
    match serde_path_to_error::deserialize(&mut json) {
        Ok(Object(body)) => {
            json.end().map_err(|_| Code::InvalidBody)?;
            Ok(body)
        }
        // serde treats a number in place of a word as a syntax error.
        Err(error) if serde_json::from_slice::<Value>(bytes).is_ok() => Err(refused(&error)),
        Err(_) => Err(Code::InvalidBody.into()),
    }
}

/// Names the field that a body was refused for.
fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let (path, cause) = (error.path().to_string(), error.inner().to_string());
    // Only serde's message names a field that is missing or given twice.
    let named = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|text| cause.strip_prefix(text)?.split('`').next());
    let field = match (path.as_str(), named) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => return Code::InvalidBody.into(),
        (parent, Some(name)) => format!("{parent}.{name}"),
        (_, None) => path,
    };
    let is_unknown = cause.starts_with("unknown field");
    let top = field.split(['.', '[']).next().unwrap_or_default();
    match Field::named(top) {
        Some(known) if !is_unknown || top != field => Code::Invalid(known).into(),
        _ if is_unknown => {
            ApiError::new(Code::InvalidBody).with_data(json!({ "unknownField": field }))
        }
        _ => ApiError::new(Code::InvalidBody).with_data(json!({ "field": field })),
    }
}

/// Reads a list of JSON objects, each with the fields of a `T`; for `deserialize_with`. serde alone
/// would accept an array of a struct's fields.
pub fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let all = Vec::<Object<T>>::deserialize(from)?;
    Ok(all.into_iter().map(|Object(one)| one).collect())
}

/// A JSON object; no other form that would deserialize to a `T`.
struct Object<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// The `{concertId}` of the path, or 400 `INVALID_CONCERT_ID`.
#[derive(Debug, Clone)]
pub struct PathConcert(pub ConcertId);

impl<S: Send + Sync> FromRequestParts<S> for PathConcert {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        Ok(Self(concert_in(&path(parts, state).await?)?))
    }
}

/// The `{concertId}` and `{memberId}` of the path, or 400 `INVALID_CONCERT_ID` or
/// `INVALID_MEMBER_ID`.
#[derive(Debug, Clone)]
pub struct PathMember(pub ConcertId, pub MemberId);

impl<S: Send + Sync> FromRequestParts<S> for PathMember {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let path = path(parts, state).await?;
        let member = MemberId::parse(named(&path, "memberId")?)
            .map_err(|_| Code::Invalid(Field::MemberId))?;
        Ok(Self(concert_in(&path)?, member))
    }
}

type Pairs = Vec<(String, String)>;

async fn path<S: Send + Sync>(parts: &mut Parts, state: &S) -> ApiResult<Pairs> {
    match Path::<Pairs>::from_request_parts(parts, state).await {
        Ok(Path(pairs)) => Ok(pairs),
        Err(PathRejection::FailedToDeserializePathParams(error)) => Err(match error.kind() {
            ErrorKind::InvalidUtf8InPathParam { key } if key == "memberId" => {
                Code::Invalid(Field::MemberId).into()
            }
            ErrorKind::InvalidUtf8InPathParam { .. } => Code::Invalid(Field::ConcertId).into(),
            _ => ApiError::new(Code::Internal).caused_by(error),
        }),
        Err(error) => Err(ApiError::new(Code::Internal).caused_by(error)),
    }
}

fn concert_in(path: &Pairs) -> ApiResult<ConcertId> {
    ConcertId::parse(named(path, "concertId")?).map_err(|_| Code::Invalid(Field::ConcertId).into())
}

fn named<'a>(path: &'a Pairs, name: &str) -> ApiResult<&'a str> {
    path.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
        .ok_or_else(|| {
            let fault = anyhow::anyhow!("the route has no {{{name}}}");
            ApiError::new(Code::Internal).caused_by(fault)
        })
}

/// The decoded pairs of the query, read one field at a time.
///
/// ```
/// use sunbeon_chassis::QueryPairs;
/// use sunbeon_domain::Field;
///
/// let query = QueryPairs::parse("batchSize=10&note=a%20b");
/// let size = query.field("batchSize", Field::BatchSize, |text| text.parse::<u32>().ok());
/// assert_eq!(size.unwrap(), Some(10));
/// assert!(QueryPairs::parse("batchSize=").field("batchSize", Field::BatchSize, |_| Some(0)).is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct QueryPairs(Vec<(String, Option<String>)>);

impl QueryPairs {
    /// Parses a query as forms encode it; `+` is a space. A value that is not UTF-8 is malformed
    /// for its field; a name that is not UTF-8 contains U+FFFD, so no route knows it.
    pub fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let name = decoded(name).unwrap_or_else(|| "\u{fffd}".to_owned());
                (name, decoded(value))
            });
        Self(pairs.collect())
    }

    /// Iterates over all pairs in order; a value that is not UTF-8 is `None`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Reads one field: `None` if it is absent; 400 with the field's code if it is empty, given
    /// twice or refused by `parse`.
    pub fn field<T>(
        &self,
        name: &str,
        field: Field,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> ApiResult<Option<T>> {
        let mut values = self
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        let refused = || ApiError::from(Code::Invalid(field));
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(Some(value)), None) if !value.is_empty() => {
                parse(value).map(Some).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }

    /// Reads one field that is a whole number: only ASCII digits, within bounds.
    pub fn number<N: FromStr + PartialOrd>(
        &self,
        name: &str,
        field: Field,
        bounds: RangeInclusive<N>,
    ) -> ApiResult<Option<N>> {
        self.field(name, field, |text| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse().ok().filter(|_| digits)?;
            bounds.contains(&number).then_some(number)
        })
    }

    /// Reads the `limit` of a page: 1 to 1,000, or 100 if it is absent.
    pub fn page_limit(&self) -> ApiResult<u32> {
        let limit = self.number("limit", Field::Limit, 1..=1000)?;
        Ok(limit.unwrap_or(100))
    }
}

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}

impl<S: Send + Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The `Idempotency-Key` of a request, 1 to 128 visible ASCII characters; `None` without the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let refused = || ApiError::from(Code::Invalid(Field::IdempotencyKey));
        let mut given = parts.headers.get_all("idempotency-key").iter();
        let Some(key) = given.next() else {
            return Ok(Self(None));
        };
        let key = key.to_str().ok().filter(|_| given.next().is_none());
        let good = key.filter(|key| {
            (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
        });
        Ok(Self(Some(good.ok_or_else(refused)?.to_owned())))
    }
}
