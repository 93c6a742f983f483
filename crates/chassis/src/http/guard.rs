//! An answer for the client, whatever the handler does.

use std::{
    any::Any,
    convert::Infallible,
    future::{Ready, poll_fn, ready},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use axum::{
    body::HttpBody,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::Either};
use sunbeon_domain::Code;
use tower::service_fn;

use super::{Answers, body, query::KnownFields};
use crate::ApiError;

/// Lets only requests through whose body has arrived and whose query the route knows. Answers 500
/// `INTERNAL` for a handler that panics or takes longer than the limit.
pub(super) fn guarded(
    mut inner: impl Answers,
    limit: Duration,
    known: KnownFields,
) -> impl Answers {
    service_fn(move |request: Request| {
        let begun = match request.body().is_end_stream() {
            true => Ok(asked(&mut inner, &known, request)),
            false => Err((inner.clone(), known.clone(), request)),
        };
        async move {
            let answer = match begun {
                Ok(answer) => answer,
                Err((mut inner, known, request)) => {
                    match Box::pin(body::read(request, limit)).await {
                        Ok(request) => asked(&mut inner, &known, request),
                        Err(refused) => return Ok(refused),
                    }
                }
            };
            let answer = pin!(AssertUnwindSafe(answer).catch_unwind());
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

/// Asks the route, unless it does not know a field of the query.
fn asked<S: Answers>(
    inner: &mut S,
    known: &KnownFields,
    request: Request,
) -> Either<Ready<Result<Response, Infallible>>, S::Future> {
    match known.refused(&request) {
        Some(refused) => Either::Left(ready(Ok(refused))),
        None => Either::Right(inner.call(request)),
    }
}

/// Waits for an answer, at most this long. One that is there at once needs no timer.
async fn within<F: Future>(limit: Duration, mut answer: Pin<&mut F>) -> Option<F::Output> {
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
