//! The traces of requests: a span costs more than the rest of what is done around a handler, so there
//! is one only if it is exported. Without a span, lines and messages still belong to a trace.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, KeyValue,
    propagation::Extractor,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingResult, ShouldSample,
};
use tracing::{
    Metadata, Span, Subscriber, field::Empty, level_filters::LevelFilter, subscriber::Interest,
};
use tracing_subscriber::layer::{self, Layer};

/// The target of the spans of requests.
pub(super) const TARGET: &str = "sunbeon::request";

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request's part in a trace: the caller's, or a new one.
pub(crate) struct Trace {
    /// The server's span. Disabled unless it is exported.
    pub(crate) span: Span,
    /// The parent of the span, or what stands for it if it is disabled.
    pub(crate) context: Context,
}

impl Trace {
    /// Opens the span. It contains neither queries nor headers, because they may carry tokens.
    pub(crate) fn of_request(
        headers: &HeaderMap,
        method: &str,
        route: &str,
        id: &HeaderValue,
    ) -> Self {
        let caller = caller(headers);
        let attached = caller.clone().map(Context::attach);
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.kind = "server",
            otel.name = format!("{method} {route}"),
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            request_id = id.to_str().unwrap_or_default(),
        );
        drop(attached);
        let context = caller.unwrap_or_else(|| match span.is_disabled() {
            true => Context::new().with_remote_span_context(unsampled()),
            false => Context::new(),
        });
        Self { span, context }
    }
}

/// Returns the context of a caller who sends one.
fn caller(headers: &HeaderMap) -> Option<Context> {
    headers.get(&TRACEPARENT)?;
    let context = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &Headers(headers))
    });
    let is_valid = context.span().span_context().is_valid();
    is_valid.then_some(context)
}

/// Starts a trace that nobody exports.
fn unsampled() -> SpanContext {
    let ids = RandomIdGenerator::default();
    let (trace, span) = (ids.new_trace_id(), ids.new_span_id());
    SpanContext::new(
        trace,
        span,
        TraceFlags::NOT_SAMPLED,
        false,
        TraceState::NONE,
    )
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Disables the spans of requests that are not exported. Those of callers who export theirs are, and
/// this share of new traces; none if it is `None`.
pub(super) struct Drawn(pub(super) Option<f64>);

impl<S: Subscriber> Layer<S> for Drawn {
    fn register_callsite(&self, of: &'static Metadata<'static>) -> Interest {
        match self.0 {
            _ if of.target() != TARGET => Interest::always(),
            Some(_) => Interest::sometimes(),
            None => Interest::never(),
        }
    }

    fn enabled(&self, of: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        let is_drawn = |share: f64| {
            Context::map_current(|caller| match caller.span().span_context() {
                caller if caller.is_valid() => caller.is_sampled(),
                _ => is_within(share),
            })
        };
        of.target() != TARGET || self.0.is_some_and(is_drawn)
    }

    /// Asks for nothing itself: without a hint, everything down to TRACE would be asked for.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }
}

/// Draws: returns true for this share of calls.
fn is_within(share: f64) -> bool {
    let random = RandomIdGenerator::default().new_span_id().to_bytes();
    (u64::from_be_bytes(random) as f64) < share * u64::MAX as f64
}

/// Samples a request's span, which [`Drawn`] did not disable, and this share of other new traces.
#[derive(Clone, Debug)]
pub(super) struct Exported(pub(super) f64);

impl ShouldSample for Exported {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = match kind {
            SpanKind::Server => Sampler::AlwaysOn,
            _ => Sampler::TraceIdRatioBased(self.0),
        };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::{
        propagation::TraceContextPropagator,
        trace::{InMemorySpanExporter, SdkTracerProvider, SpanData},
    };
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const CALLERS_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    /// Traces a request, whose caller exports its trace or does not, and within it a message. Returns
    /// the trace's id and the spans that are exported of this share.
    fn exported(share: Option<f64>, caller: Option<bool>) -> (String, Vec<SpanData>) {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let exporter = InMemorySpanExporter::default();
        let sampler = Sampler::ParentBased(Box::new(Exported(share.unwrap_or(1.0))));
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(sampler)
            .build();
        let layer = crate::telemetry::layer(provider.tracer("test"));
        let mut headers = HeaderMap::new();
        if let Some(exports) = caller {
            let sampled = u8::from(exports);
            let parent = format!("00-{CALLERS_TRACE}-b7ad6b7169203331-{sampled:02}");
            headers.insert(&TRACEPARENT, HeaderValue::try_from(parent).unwrap());
        }
        let id = HeaderValue::from_static("r-1");
        let subscriber = tracing_subscriber::registry()
            .with(layer)
            .with(Drawn(share));
        let trace = tracing::subscriber::with_default(subscriber, || {
            let Trace { span, context } = Trace::of_request(&headers, "GET", "/ok", &id);
            let _attached = context.attach();
            let _entered = span.entered();
            let of_request = Context::map_current(|it| it.span().span_context().trace_id());
            let message = tracing::info_span!("message", otel.kind = "producer").entered();
            let of_message = Context::map_current(|it| it.span().span_context().trace_id());
            drop(message);
            assert_eq!(of_request, of_message);
            of_request
        });
        (trace.to_string(), exporter.get_finished_spans().unwrap())
    }

    #[test]
    fn a_request_that_is_not_exported_has_a_trace_without_a_span() {
        for (share, caller) in [
            (None, None),
            (None, Some(true)),
            (Some(0.0), None),
            (Some(1.0), Some(false)),
        ] {
            let (trace, spans) = exported(share, caller);
            let has_span = spans.iter().any(|span| span.name == "GET /ok");
            assert!(!has_span, "{share:?} {caller:?}: {spans:?}");
            assert_eq!(trace == CALLERS_TRACE, caller.is_some(), "{trace}");
            assert_ne!(trace, TraceId::INVALID.to_string());
        }
    }

    #[test]
    fn a_request_is_exported_if_its_caller_is_or_as_one_of_the_share() {
        for (share, caller) in [(0.0, Some(true)), (1.0, None), (1.0, Some(true))] {
            let (trace, spans) = exported(Some(share), caller);
            let [message, request] = &spans[..] else {
                panic!("{share} {caller:?}: {spans:?}");
            };
            assert_eq!((&*message.name, &*request.name), ("message", "GET /ok"));
            assert_eq!(message.parent_span_id, request.span_context.span_id());
            assert_eq!(request.span_context.trace_id().to_string(), trace);
            assert_eq!(trace == CALLERS_TRACE, caller.is_some());
        }
    }

    #[test]
    fn the_share_of_new_traces_is_drawn() {
        let drawn = (0..10_000).filter(|_| is_within(0.25)).count();
        assert!((2_000..3_000).contains(&drawn), "{drawn}");
        assert!(!(0..10_000).any(|_| is_within(0.0)));
    }
}
