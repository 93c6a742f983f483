//! Trace context across the broker.

use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector},
};
use sunbeon_proto_messages::{Enter, topology::ENTER_QUEUE};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Opens the span of publishing one message, a child of the current span. It ends when dropped.
pub(crate) fn producer_span(message: &Enter) -> Span {
    tracing::info_span!(
        "reservation.enter publish",
        otel.kind = "producer",
        messaging.operation.type = "send",
        messaging.destination.name = ENTER_QUEUE,
        messaging.message.id = message.message_id(),
    )
}

/// Writes a span's context into a message's headers.
pub(crate) fn inject(span: &Span, headers: &mut dyn Injector) {
    let context = span.context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, headers));
}

/// Reads a producer's context from a message's headers.
pub(crate) fn extract(headers: &dyn Extractor) -> Context {
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), headers)
    })
}
