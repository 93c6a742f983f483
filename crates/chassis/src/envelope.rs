//! The shape of every answer: `{"message", "data", "status"}`, or `{"message", "code", "status",
//! "data"}` for a failure.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, header::Entry},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use sunbeon_client::{Failure, Success};
use sunbeon_domain::{Code, Coded, Language, Text};
use utoipa::ToSchema;

use crate::current::Current;

const NO_STORE: &str = "no-store";

/// Returns the language that `Accept-Language` asks for. Several lines of the same header form one list
/// (RFC 9110 §5.3).
pub(crate) fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    let mut texts = lines.filter_map(|line| line.to_str().ok());
    let first = texts.next()?;
    let more: Vec<_> = texts.collect();
    if more.is_empty() {
        return Language::asked_for(first);
    }
    Language::asked_for(&[first, &more.join(",")].join(","))
}

/// Makes an answer uncacheable unless its route says otherwise, because most are for one person. A
/// cacheable answer is cached separately for each language.
pub(crate) fn forbid_caching(headers: &mut HeaderMap) {
    match headers.entry(header::CACHE_CONTROL) {
        Entry::Vacant(missing) => {
            missing.insert(HeaderValue::from_static(NO_STORE));
        }
        Entry::Occupied(control) if control.get() == NO_STORE => {}
        Entry::Occupied(_) => {
            headers.append(header::VARY, HeaderValue::from_static("accept-language"));
        }
    }
}

/// Returns the language of the current request, or Korean outside of a request: the one that it asks
/// for, or else the default. Other layers find it in the request's extensions.
pub fn language() -> Language {
    Current::get(|request| request.language).unwrap_or_default()
}

/// The `data` of an answer without any: `{}`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({}))]
pub struct Empty {}

/// A success, as returned by a handler.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    status: StatusCode,
    text: Text,
    data: T,
}

impl<T> Reply<T> {
    /// Creates a 200 answer.
    pub fn ok(text: Text, data: T) -> Self {
        Self {
            status: StatusCode::OK,
            text,
            data,
        }
    }

    /// Creates a 201 answer.
    pub fn created(text: Text, data: T) -> Self {
        Self {
            status: StatusCode::CREATED,
            text,
            data,
        }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let message = self.text.in_language(language()).to_owned();
        let body = Success {
            message,
            data: self.data,
            status: self.status.as_u16(),
        };
        match serialized(&body) {
            Ok(json) => (self.status, [(header::CONTENT_TYPE, JSON.clone())], json).into_response(),
            Err(error) => ApiError::new(Code::Internal)
                .caused_by(error)
                .into_response(),
        }
    }
}

static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns a body as JSON. axum's `Json` writes into a buffer that takes twice as long.
fn serialized(body: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    // Most answers fit.
    let mut json = Vec::with_capacity(768);
    serde_json::to_writer(&mut json, body)?;
    Ok(json)
}

/// The result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

/// A failure, as returned by a handler. A 5xx is logged with its cause when it becomes a response;
/// the client sees only the code.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    data: Option<Value>,
    retry_after: Option<u32>,
    cause: Option<anyhow::Error>,
}

impl ApiError {
    /// Creates a failure with this code.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            data: None,
            retry_after: None,
            cause: None,
        }
    }

    /// Adds details beyond the code.
    pub fn with_data(mut self, data: impl Serialize) -> Self {
        match serde_json::to_value(data) {
            Ok(data) => self.data = Some(data),
            Err(error) => return Self::new(Code::Internal).caused_by(error),
        }
        self
    }

    /// Asks the client to wait this many seconds (`Retry-After`).
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Keeps the cause for the log.
    pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Returns the code.
    pub fn code(&self) -> Code {
        self.code
    }

    fn log(&self, status: StatusCode) {
        let code = self.code.word();
        let cause = self
            .cause
            .as_ref()
            .map(|cause| format!("{cause:#}"))
            .unwrap_or_default();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code, cause, "request failed because of a bug; answered 500");
        } else if status.is_server_error() {
            tracing::warn!(
                code,
                cause,
                "request failed because a dependency is unavailable; answered 503"
            );
        }
    }

    /// Returns the headers that belong to a status.
    fn headers(&self, status: StatusCode) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        let asked = self.retry_after;
        let wait = asked.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER));
        if let Some(seconds) = wait {
            headers.push((header::RETRY_AFTER, seconds.into()));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        headers
    }
}

/// Seconds to wait before repeating a request that failed because of a dependency.
pub(crate) const RETRY_AFTER: u32 = 2;

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// Turns an error with a code into that failure, keeping the error as its cause.
pub trait OrFail<T> {
    /// Returns the value, or the failure to answer.
    fn or_fail(self) -> ApiResult<T>;
}

impl<T, E: Coded> OrFail<T> for Result<T, E> {
    fn or_fail(self) -> ApiResult<T> {
        self.map_err(|error| ApiError::new(error.code()).caused_by(error))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.log(status);
        let headers = self.headers(status);
        let body = Failure {
            message: self.code.text().in_language(language()).to_owned(),
            code: self.code.word().to_owned(),
            status: status.as_u16(),
            data: self.data.filter(|_| !status.is_server_error()),
        };
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().extend(headers);
        response
    }
}
