//! Log lines that carry their request and their trace.

use std::fmt;

use anyhow::Context as _;
use opentelemetry::trace::TraceContextExt;
use serde_json::Value;
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Full, Json, Writer},
    },
    registry::LookupSpan,
};

use super::requests;
use crate::{
    current::Current,
    settings::{self, LogFormat},
};

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
    // A request's lines name it anyway, and its span exists only to be exported.
    let levels = levels.with_target(requests::TARGET, LevelFilter::OFF);
    let plain = tracing_subscriber::fmt::layer()
        .with_ansi(colour)
        .with_writer(writer);
    let trace_id = !colour;
    let lines = match settings.log_format {
        LogFormat::Text => plain
            .map_event_format(|lines| WithOrigin {
                lines: lines.with_ansi(colour),
                trace_id,
            })
            .boxed(),
        LogFormat::Json => plain
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .map_event_format(|lines| WithOrigin { lines, trace_id })
            .boxed(),
    };
    Ok(lines.with_filter(levels))
}

/// Appends what a line's request and trace are known by.
struct WithOrigin<F> {
    lines: F,
    trace_id: bool,
}

/// How lines of a format end.
trait Ending {
    fn end(&self, line: &str, origin: &[(&str, String)]) -> String;
}

impl<T> Ending for Format<Full, T> {
    fn end(&self, line: &str, origin: &[(&str, String)]) -> String {
        let end = origin
            .iter()
            .map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}\n", line.trim_end(), end.collect::<String>())
    }
}

impl<T> Ending for Format<Json, T> {
    fn end(&self, line: &str, origin: &[(&str, String)]) -> String {
        let open = line.trim_end().strip_suffix('}').unwrap_or(line);
        let end = origin
            .iter()
            .map(|(name, value)| format!(",\"{name}\":{}", Value::from(value.as_str())));
        format!("{open}{}}}\n", end.collect::<String>())
    }
}

impl<S, N, F> FormatEvent<S, N> for WithOrigin<F>
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
        let mut line = String::new();
        self.lines
            .format_event(context, Writer::new(&mut line), event)?;
        let origin = origin(self.trace_id);
        writer.write_str(&self.lines.end(&line, &origin))
    }
}

/// Returns the request during which a line is written, and its trace.
fn origin(with_trace: bool) -> Vec<(&'static str, String)> {
    let of_request = Current::get(|request| {
        let id = request.id.to_str().unwrap_or_default();
        [
            ("http.request.method", request.method.to_owned()),
            ("http.route", request.route().to_owned()),
            ("request_id", id.to_owned()),
        ]
    });
    let trace = opentelemetry::Context::map_current(|context| {
        let span = context.span();
        let of_span = span.span_context();
        of_span.is_valid().then(|| of_span.trace_id().to_string())
    });
    let mut origin: Vec<_> = of_request.into_iter().flatten().collect();
    let trace = trace.filter(|_| with_trace);
    origin.extend(trace.map(|id| ("trace_id", id)));
    origin
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use futures::FutureExt;
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

    /// Returns the line of an event inside a request without a span.
    fn line_of_request(log_format: LogFormat, colour: bool) -> String {
        let current = Current {
            language: Default::default(),
            id: axum::http::HeaderValue::from_static(r#"a"b\"#),
            method: "GET",
            path: None,
        };
        let lines = current.scope(async { lines(log_format, colour) });
        lines.now_or_never().unwrap().pop().unwrap()
    }

    #[test]
    fn lines_inside_a_request_have_its_id() {
        let text = line_of_request(LogFormat::Text, false);
        let end = r#"outside http.request.method=GET http.route=other request_id=a"b\"#;
        assert!(text.ends_with(end), "{text}");
        let coloured = line_of_request(LogFormat::Text, true);
        assert!(coloured.contains(r#"request_id=a"b\"#), "{coloured}");
        let json = line_of_request(LogFormat::Json, false);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["request_id"], r#"a"b\"#);
        assert_eq!(json["http.route"], "other");
    }

    #[test]
    fn coloured_lines_are_laid_out_for_people() {
        let lines = lines(LogFormat::Text, true);
        assert!(lines[0].contains("\u{1b}[32m INFO"), "{lines:?}");
        assert!(!lines[0].contains("trace_id"), "{lines:?}");
    }
}
