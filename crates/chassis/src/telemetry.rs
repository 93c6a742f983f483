//! Logs, traces and metrics.

mod logs;
mod requests;

use std::{io::IsTerminal, time::Duration};

use anyhow::{Context, ensure};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::task::JoinHandle;
use tracing::{Event, Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer,
    layer::{self, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

pub(crate) use self::requests::Trace;
use self::requests::{Drawn, Exported};
use crate::settings::{self, LogFormat};

/// The upper bounds of the buckets of every histogram in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// After this long without an update a gauge or counter is no longer shown, because its concert is
/// gone.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// The telemetry installed by [`init`].
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    metrics: PrometheusHandle,
    upkeep: JoinHandle<()>,
}

/// Installs logs, traces and metrics for this process. Call it once, inside the runtime; everything
/// else works without it.
pub fn init(
    settings: &settings::Telemetry,
    service_name: &'static str,
) -> anyhow::Result<Telemetry> {
    let provider = provider(settings, service_name)?;
    let share = settings
        .otlp_endpoint
        .as_ref()
        .map(|_| settings.trace_ratio);
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    tracing_subscriber::registry()
        .with(layer(provider.tracer(service_name)))
        .with(logs::layer(settings, std::io::stdout, in_colour(settings))?)
        .with(Drawn(share))
        .with(Errors.with_filter(LevelFilter::ERROR))
        .try_init()
        .context("could not install the log")?;
    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .idle_timeout(
            MetricKindMask::GAUGE | MetricKindMask::COUNTER,
            Some(FORGOTTEN),
        )
        .install_recorder()
        .context("could not install the metrics")?;
    let upkeep = tokio::spawn(keep_up(metrics.clone()));
    Ok(Telemetry {
        provider,
        metrics,
        upkeep,
    })
}

impl Telemetry {
    /// Returns the metrics for `/metrics`.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Exports the spans that are still buffered.
    pub fn shutdown(self) {
        self.upkeep.abort();
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "could not export the last traces; dropping them");
        }
    }
}

/// Returns the layer that turns spans at INFO and above into traces, whatever the log level. Tests
/// pass their own tracer.
pub fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(LevelFilter::INFO)
}

/// Counts our own log lines at `error`, each of which means that somebody must act.
struct Errors;

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let of = event.metadata();
        if *of.level() == Level::ERROR && of.target().starts_with("sunbeon") {
            metrics::counter!("sunbeon_errors_logged_total").increment(1);
        }
    }
}

/// Returns whether the log goes to a terminal, and plain text was not requested (no-color.org).
fn in_colour(settings: &settings::Telemetry) -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    settings.log_format == LogFormat::Text && std::io::stdout().is_terminal() && !plain
}

/// Creates the provider. Spans get ids for the logs and for the next service even if they are not
/// exported.
fn provider(
    settings: &settings::Telemetry,
    service_name: &'static str,
) -> anyhow::Result<SdkTracerProvider> {
    let ratio = settings.trace_ratio;
    ensure!(
        (0.0..=1.0).contains(&ratio),
        "SUNBEON__TELEMETRY__TRACE_RATIO is a share between 0 and 1, not {ratio}"
    );
    let sampler = Sampler::ParentBased(Box::new(Exported(ratio)));
    let builder = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service_name).build())
        .with_sampler(sampler);
    let Some(endpoint) = &settings.otlp_endpoint else {
        return Ok(builder.build());
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(Duration::from_secs(2))
        .build()
        .context("could not set up the export to SUNBEON__TELEMETRY__OTLP_ENDPOINT")?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// Moves the observations of histograms into their buckets regularly, so that memory stays bounded.
async fn keep_up(metrics: PrometheusHandle) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        every.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, extract::State, http::HeaderMap, routing::post};
    use opentelemetry::trace::{Tracer, TracerProvider};
    use tokio::sync::mpsc;

    use super::*;

    type Received = mpsc::UnboundedSender<(String, usize)>;

    async fn receive(
        State(received): State<Received>,
        headers: HeaderMap,
        body: axum::body::Bytes,
    ) {
        let kind = headers["content-type"].to_str().unwrap().to_owned();
        received.send((kind, body.len())).unwrap();
    }

    #[tokio::test]
    async fn traces_reach_a_collector_over_http() {
        let (sender, mut received) = mpsc::unbounded_channel();
        let collector = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(sender);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = settings::Telemetry {
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            otlp_endpoint: Some(format!("http://{}/", listener.local_addr().unwrap())),
            trace_ratio: 1.0,
        };
        tokio::spawn(async { axum::serve(listener, collector).await });
        let provider = provider(&settings, "test").unwrap();
        provider.tracer("test").in_span("a request", |_| ());
        let ended = tokio::task::spawn_blocking(move || provider.shutdown());
        ended.await.unwrap().unwrap();
        let (kind, bytes) = received.recv().await.unwrap();
        assert_eq!(kind, "application/x-protobuf");
        assert!(bytes > 0);
    }
}
