//! An answer for the client, whatever the handler does.

use std::{
    any::Any, future::poll_fn, panic::AssertUnwindSafe, pin::pin, task::Poll, time::Duration,
};

use axum::{extract::Request, response::IntoResponse};
use futures::FutureExt;
use sunbeon_domain::Code;
use tower::service_fn;

use super::{Answers, body, query::KnownFields};
use crate::ApiError;

/// Lets only requests through whose body has arrived and whose query the route knows. Answers 500
/// `INTERNAL` for a handler that panics or takes longer than the limit.
pub(super) fn guarded(inner: impl Answers, limit: Duration, known: KnownFields) -> impl Answers {
    service_fn(move |request: Request| {
        let (mut inner, known) = (inner.clone(), known.clone());
        async move {
            let request = match body::read_first(request, limit).await {
                Ok(request) => request,
                Err(refused) => return Ok(refused),
            };
            if let Some(refused) = known.refused(&request) {
                return Ok(refused);
            }
            let answer = AssertUnwindSafe(inner.call(request)).catch_unwind();
            let fault = match within(limit, answer).await {
                Some(Ok(answer)) => return answer,
                Some(Err(panic)) => anyhow::anyhow!("the handler panicked: {}", text(&*panic)),
                None => anyhow::anyhow!("the handler took longer than {limit:?}"),
            };
            Ok(ApiError::new(Code::Internal)
                .caused_by(fault)
                .into_response())
        }
    })
}

/// Waits for an answer, at most this long. One that is there at once needs no timer.
async fn within<F: Future>(limit: Duration, answer: F) -> Option<F::Output> {
    let mut answer = pin!(answer);
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
