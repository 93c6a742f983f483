//! The gate as a tower layer.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::{BoxFuture, Either};
use http::{Request, Response, request::Parts};
use sunbeon_tokens::unix_now;
use tower::{Layer, Service};

use crate::{
    decide::Decision,
    gate::{Gate, Inner},
    refuse,
    visit::Visit,
};

/// The layer created by [`Gate::layer`].
#[derive(Clone)]
pub struct GateLayer<F> {
    gate: Gate,
    visit: F,
}

/// A service behind a gate, called only for visitors whom the gate lets in.
#[derive(Clone)]
pub struct Gated<S, F> {
    inner: S,
    gate: Gate,
    visit: F,
}

impl Gate {
    /// Returns the layer for gated routes. `visit` determines the member and the concert of a
    /// request.
    pub fn layer<F>(&self, visit: F) -> GateLayer<F>
    where
        F: Fn(&Parts) -> Visit + Clone + Send + Sync + 'static,
    {
        GateLayer {
            gate: self.clone(),
            visit,
        }
    }
}

impl<F: Clone, S> Layer<S> for GateLayer<F> {
    type Service = Gated<S, F>;

    fn layer(&self, inner: S) -> Gated<S, F> {
        Gated {
            inner,
            gate: self.gate.clone(),
            visit: self.visit.clone(),
        }
    }
}

type Outcome<B, E> = Result<Response<B>, E>;

impl<S, F, A, B> Service<Request<A>> for Gated<S, F>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    F: Fn(&Parts) -> Visit,
    A: Send + 'static,
    B: From<String>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Either<
        S::Future,
        Either<Ready<Outcome<B, S::Error>>, BoxFuture<'static, Outcome<B, S::Error>>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let visit = (self.visit)(&parts);
        let gate = &self.gate.0;
        match gate.at_once(&visit, &parts.headers, unix_now()) {
            Ok(decision) => match gate.carry_out(decision, parts, body) {
                Ok(admitted) => Either::Left(self.inner.call(admitted)),
                Err(refused) => Either::Right(Either::Left(ready(Ok(refused)))),
            },
            Err(undecided) => {
                let gate: Arc<Inner> = gate.clone();
                // Call the service that was polled ready, and keep its clone for next time.
                let clone = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, clone);
                Either::Right(Either::Right(Box::pin(async move {
                    let decision = gate
                        .after_asking(&visit, &parts.headers, undecided, unix_now)
                        .await;
                    let called = match gate.carry_out(decision, parts, body) {
                        Ok(admitted) => inner.call(admitted),
                        Err(refused) => return Ok(refused),
                    };
                    called.await
                })))
            }
        }
    }
}

impl Inner {
    /// Returns the request with its [`Admitted`](crate::Admitted), or the refusal.
    fn carry_out<A, B: From<String>>(
        &self,
        decision: Decision,
        mut parts: Parts,
        body: A,
    ) -> Result<Request<A>, Response<B>> {
        match decision {
            Decision::Admitted(admitted) => {
                parts.extensions.insert(admitted);
                Ok(Request::from_parts(parts, body))
            }
            Decision::Refused(refusal) => Err(self.to_the_line(&parts, &refusal)),
            Decision::Down => Err(refuse::down(&parts)),
        }
    }
}
