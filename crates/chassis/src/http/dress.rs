//! A request id, a language, a trace and an observation for every answer.

use std::{
    pin::pin,
    sync::{Arc, RwLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use metrics::Histogram;
use opentelemetry::context::FutureExt;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use sunbeon_domain::Language;
use tower::service_fn;
use tracing::Instrument;
use uuid::Uuid;

use super::{Answers, REQUEST_ID, Readiness};
use crate::{
    current::{Current, route},
    envelope,
    telemetry::Trace,
};

static REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// Answers with the common headers and records how long it took.
pub(super) fn dressed(
    mut inner: impl Answers,
    default: Language,
    readiness: Readiness,
) -> impl Answers {
    let of_route = Arc::new((readiness, Durations::default()));
    service_fn(move |mut request: Request| {
        let started = Instant::now();
        let headers = request.headers();
        let id = request_id(headers);
        let language = envelope::asked_for(headers).unwrap_or(default);
        let method = method(request.method());
        let path = request.extensions().get::<MatchedPath>().cloned();
        let trace = Trace::of_request(headers, method, route(path.as_ref()), &id);
        let current = Current {
            language,
            id,
            method,
            path,
        };
        request.extensions_mut().insert(language);

        let answer = inner.call(request);
        let of_route = of_route.clone();
        async move {
            // Pinned, because it is large to move from one wrapper into the next.
            let answer = pin!(answer);
            let Trace { span, context } = trace;
            let answer = answer.instrument(span.clone()).with_context(context);
            let mut answer = pin!(current.scope(answer));
            let mut response = answer.as_mut().await?;
            let current = answer.take_value().expect("nobody else takes it");
            let status = response.status();
            span.record("http.response.status_code", status.as_u16());
            if status.is_server_error() {
                span.record("otel.status_code", "ERROR");
            }
            let (readiness, durations) = &*of_route;
            let seconds = started.elapsed().as_secs_f64();
            durations.record(current.route(), method, status, seconds);
            add_headers(&mut response, current.id, readiness);
            Ok(response)
        }
    })
}

fn add_headers(response: &mut Response, id: HeaderValue, readiness: &Readiness) {
    let headers = response.headers_mut();
    envelope::forbid_caching(headers);
    headers.insert(&REQUEST_ID_HEADER, id);
    if readiness.is_draining() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Returns the client's id if it is 1 to 64 visible ASCII characters, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let visible = |id: &&HeaderValue| {
        (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let given = headers.get(&REQUEST_ID_HEADER).filter(visible);
    given.cloned().unwrap_or_else(|| {
        // Unique is enough: nobody has to be unable to guess it.
        let random = RandomIdGenerator::default().new_trace_id().to_bytes();
        let id = uuid::Builder::from_random_bytes(random).into_uuid();
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)).expect("hex and hyphens")
    })
}

/// Returns the method as a label. Methods invented by clients do not create time series.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The histograms of a route, each found in the recorder once. There are a few per route.
#[derive(Default)]
struct Durations(RwLock<Vec<(Labels, Histogram)>>);

struct Labels {
    route: String,
    method: &'static str,
    status: StatusCode,
}

impl Durations {
    fn record(&self, route: &str, method: &'static str, status: StatusCode, seconds: f64) {
        let fits = |labels: &Labels| {
            labels.status == status && labels.method == method && labels.route == route
        };
        let known = self.0.read().unwrap_or_else(|held| held.into_inner());
        if let Some((_, histogram)) = known.iter().find(|(labels, _)| fits(labels)) {
            return histogram.record(seconds);
        }
        drop(known);
        let route = route.to_owned();
        let names = [
            ("route", route.clone()),
            ("method", method.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        let histogram = metrics::histogram!("http_server_request_duration_seconds", &names);
        histogram.record(seconds);
        let labels = Labels {
            route,
            method,
            status,
        };
        let mut known = self.0.write().unwrap_or_else(|held| held.into_inner());
        known.push((labels, histogram));
    }
}
