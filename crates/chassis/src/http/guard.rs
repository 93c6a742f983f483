//! An answer for the client, whatever the handler does.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use sunbeon_domain::Code;

use crate::ApiError;

/// Answers 500 `INTERNAL` for a handler that panics or takes longer than the limit.
pub(super) async fn guard(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let fault = match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => return response,
        Ok(Err(panic)) => anyhow::anyhow!("the handler panicked: {}", text(&*panic)),
        Err(_) => anyhow::anyhow!("the handler took longer than {limit:?}"),
    };
    ApiError::new(Code::Internal)
        .caused_by(fault)
        .into_response()
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
