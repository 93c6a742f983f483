//! Reading the body before anything else sees the request.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use sunbeon_domain::Code;

use super::BODY_LIMIT;
use crate::ApiError;

/// How much of an oversized body is still read, so that the client gets to see the answer.
const READ_LIMIT: u64 = 10 * 1024 * 1024;

enum Read {
    Whole(Vec<u8>),
    TooLarge,
    FarTooLarge,
    Broken,
}

/// Reads the whole body within the time limit, or returns the answer 413 or 400.
pub(super) async fn read(request: Request, limit: Duration) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(limit, all_of(body)).await;
    match read.unwrap_or(Read::Broken) {
        Read::Whole(bytes) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Read::TooLarge => Err(ApiError::from(Code::BodyTooLarge).into_response()),
        Read::FarTooLarge => Err(closing(Code::BodyTooLarge)),
        Read::Broken => Err(closing(Code::InvalidBody)),
    }
}

async fn all_of(mut body: Body) -> Read {
    if body.size_hint().lower() > READ_LIMIT {
        return Read::FarTooLarge;
    }
    let mut bytes = Vec::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Read::Broken;
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len() as u64;
        if length > READ_LIMIT {
            return Read::FarTooLarge;
        }
        if length <= BODY_LIMIT as u64 {
            bytes.extend_from_slice(&data);
        }
    }
    if length <= BODY_LIMIT as u64 {
        Read::Whole(bytes)
    } else {
        Read::TooLarge
    }
}

/// Answers and closes the connection: the rest of the body is still on its way.
fn closing(code: Code) -> Response {
    let mut response = ApiError::from(code).into_response();
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
