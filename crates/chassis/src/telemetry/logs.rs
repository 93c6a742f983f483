//! Log lines that carry the trace id of their span.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use anyhow::Context as _;
use opentelemetry::trace::TraceContextExt;
use tracing::{Dispatch, Event, Subscriber, dispatcher::WeakDispatch};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Full, Json, Writer},
    },
    registry::LookupSpan,
};

use crate::settings::{self, LogFormat};

/// Returns the layer that writes log lines. Coloured lines are for a person at a terminal and leave
/// out the trace id.
pub(super) fn layer<S, W>(
    settings: &settings::Telemetry,
    writer: W,
    colour: bool,
) -> anyhow::Result<impl Layer<S> + use<S, W>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let levels: Targets = settings.log.parse().with_context(|| {
        let log = &settings.log;
        format!(
            "SUNBEON__TELEMETRY__LOG={log} is malformed; an example is info,lapin=off,sqlx=debug"
        )
    })?;
    let dispatch = Shared::default();
    let id_of = dispatch.clone();
    let plain = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_writer(writer);
    let lines = match settings.log_format {
        LogFormat::Text if colour => plain.boxed(),
        LogFormat::Text => plain
            .map_event_format(|lines| WithTraceId { lines, dispatch })
            .boxed(),
        LogFormat::Json => plain
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .map_event_format(|lines| WithTraceId { lines, dispatch })
            .boxed(),
    };
    Ok(lines.with_filter(levels).and_then(Registered(id_of)))
}

type Shared = Arc<OnceLock<WeakDispatch>>;

/// Keeps the dispatcher: only it can return a span's trace id while a line is being written.
struct Registered(Shared);

impl<S: Subscriber> Layer<S> for Registered {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        let _ = self.0.set(subscriber.downgrade());
    }
}

/// Appends the trace id to a line.
struct WithTraceId<F> {
    lines: F,
    dispatch: Shared,
}

/// How lines of a format end.
trait Ending {
    fn end(&self, line: &str, trace_id: &str) -> String;
}

impl<T> Ending for Format<Full, T> {
    fn end(&self, line: &str, trace_id: &str) -> String {
        format!("{} trace_id={trace_id}\n", line.trim_end())
    }
}

impl<T> Ending for Format<Json, T> {
    fn end(&self, line: &str, trace_id: &str) -> String {
        let open = line.trim_end().strip_suffix('}').unwrap_or(line);
        format!("{open},\"trace_id\":\"{trace_id}\"}}\n")
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTraceId<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N> + Ending,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(trace_id) = self.trace_id(context) else {
            return self.lines.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.lines
            .format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&self.lines.end(&line, &trace_id))
    }
}

impl<F> WithTraceId<F> {
    fn trace_id<S, N>(&self, context: &FmtContext<'_, S, N>) -> Option<String>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
        N: for<'writer> FormatFields<'writer> + 'static,
    {
        let id = context.lookup_current()?.id();
        let dispatch = self.dispatch.get()?.upgrade()?;
        let context = tracing_opentelemetry::get_otel_context(&id, &dispatch)?;
        let span = context.span().span_context().clone();
        span.is_valid().then(|| span.trace_id().to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::Mutex,
    };

    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the lines of an event inside an unsampled span, and of one outside.
    fn lines(log_format: LogFormat, colour: bool) -> Vec<String> {
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOff)
            .build();
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let settings = settings::Telemetry {
            log: "info".to_owned(),
            log_format,
            otlp_endpoint: None,
            trace_ratio: 0.0,
        };
        let subscriber = tracing_subscriber::registry()
            .with(crate::telemetry::layer(provider.tracer("test")))
            .with(layer(&settings, move || writer.clone(), colour).unwrap());
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r-1");
            span.in_scope(|| tracing::info!(count = 3, "inside"));
            tracing::debug!("too quiet");
            tracing::info!("outside");
        });
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn text_lines_end_with_the_trace_id_of_their_span() {
        let lines = lines(LogFormat::Text, false);
        let (line, trace_id) = lines[0].rsplit_once(" trace_id=").unwrap();
        assert!(line.contains("inside") && line.contains("r-1") && line.contains("count=3"));
        assert_eq!(trace_id.len(), 32);
        assert!(
            lines[1].ends_with("outside") && lines.len() == 2,
            "{lines:?}"
        );
    }

    #[test]
    fn json_lines_have_the_trace_id_of_their_span() {
        let lines = lines(LogFormat::Json, false);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(
            (&line["message"], &line["count"]),
            (&"inside".into(), &3.into())
        );
        assert_eq!(line["span"]["request_id"], "r-1");
        assert_eq!(line["trace_id"].as_str().unwrap().len(), 32);
        let line: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!(line.get("trace_id"), None);
    }
    #[test]
    fn coloured_lines_are_laid_out_for_people() {
        let lines = lines(LogFormat::Text, true);
        assert!(lines[0].contains("\u{1b}[32m INFO"), "{lines:?}");
        assert!(!lines[0].contains("trace_id"), "{lines:?}");
    }
}
