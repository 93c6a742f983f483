//! The one shape of every answer: `{"message", "data", "status"}`, or for a failure
//! `{"message", "code", "status", "data"}`.

use axum::{
    Json,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sunbeon_domain::{Code, Coded, Language, Text};
use utoipa::ToSchema;

tokio::task_local! {
    static LANGUAGE: Language;
}

/// Runs the rest of a request in the language that it prefers.
pub(crate) async fn in_its_language(request: Request, next: Next) -> Response {
    let header = request.headers().get(header::ACCEPT_LANGUAGE);
    let language = header
        .and_then(|value| value.to_str().ok())
        .map_or(Language::default(), Language::from_accept_language);
    LANGUAGE.scope(language, next.run(request)).await
}

/// The language of the request that is being answered; Korean outside of one.
pub fn language() -> Language {
    LANGUAGE.try_with(|language| *language).unwrap_or_default()
}

/// A success on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Success<T> {
    /// For people, in the request's language.
    pub message: String,
    /// The answer.
    pub data: T,
    /// The HTTP status.
    pub status: u16,
}

/// A failure on the wire.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// For people, in the request's language.
    pub message: String,
    /// A stable word, as `CONCERT_NOT_FOUND`.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// What the code alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// The `data` of an answer that has none: `{}`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

/// A success that a handler answers.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    status: StatusCode,
    text: Text,
    data: T,
}

impl<T> Reply<T> {
    /// 200.
    pub fn ok(text: Text, data: T) -> Self {
        Self {
            status: StatusCode::OK,
            text,
            data,
        }
    }

    /// 201.
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
        (self.status, Json(body)).into_response()
    }
}

/// What a handler answers.
pub type ApiResult<T> = Result<T, ApiError>;

/// A failure that a handler answers. A 5xx is logged with its cause when it becomes a response; the
/// client sees the code alone.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    data: Option<Value>,
    retry_after: Option<u32>,
    cause: Option<anyhow::Error>,
}

impl ApiError {
    /// A failure of this code.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            data: None,
            retry_after: None,
            cause: None,
        }
    }

    /// Says in `data` what the code alone does not.
    pub fn with_data(mut self, data: impl Serialize) -> Self {
        match serde_json::to_value(data) {
            Ok(data) => self.data = Some(data),
            Err(error) => return Self::new(Code::Internal).caused_by(error),
        }
        self
    }

    /// Seconds for `Retry-After`.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Keeps the cause for the log.
    pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The code.
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
            tracing::error!(code, cause, "a request failed by a fault of ours");
        } else if status.is_server_error() {
            tracing::warn!(code, cause, "a request failed for want of a dependency");
        }
    }

    /// The headers that go with a status.
    fn headers(&self, status: StatusCode) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        let wait = self.retry_after;
        let wait = wait.or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER));
        if let Some(seconds) = wait {
            headers.push((header::RETRY_AFTER, seconds.into()));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        headers
    }
}

/// Seconds after which a request that a dependency failed may be tried again.
pub(crate) const RETRY_AFTER: u32 = 2;

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

/// Answers an error that knows its code by that code, the error being the cause.
pub trait OrFail<T> {
    /// The value, or the failure to answer.
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
