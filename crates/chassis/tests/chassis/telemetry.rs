//! The telemetry that a process installs at start.

use crate::support::environment;
use serde::Deserialize;
use sunbeon_chassis::{settings, telemetry};
use tracing::level_filters::LevelFilter;

#[derive(Deserialize)]
struct Settings {
    telemetry: settings::Telemetry,
}

fn telemetry_settings(variables: &[(&str, &str)]) -> settings::Telemetry {
    settings::load_from::<Settings>(environment(variables))
        .unwrap()
        .telemetry
}

#[tokio::test]
async fn telemetry_is_installed_once_and_works_without_a_collector() {
    // Nobody listens on port 9 (discard).
    let settings = telemetry_settings(&[
        ("SUNBEON__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("SUNBEON__TELEMETRY__TRACE_RATIO", "1"),
    ]);
    let installed = telemetry::init(&settings, "test").unwrap();
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    tracing::info_span!("request").in_scope(|| tracing::info!("inside"));
    metrics::histogram!("call_seconds").record(0.003);
    metrics::counter!("calls_total").increment(1);
    tracing::warn!(target: "sunbeon_test", "not counted");
    tracing::error!(target: "sunbeon_test", "counted");
    tracing::error!(target: "another_library", "not counted");
    let text = installed.metrics().render();
    assert!(
        text.contains("call_seconds_bucket{le=\"0.005\"} 1"),
        "{text}"
    );
    assert!(text.contains("calls_total 1"), "{text}");
    assert!(text.contains("sunbeon_errors_logged_total "), "{text}");
    let error = telemetry::init(&settings, "test").unwrap_err();
    assert!(
        format!("{error:#}").contains("could not install"),
        "{error:#}"
    );
    tokio::task::spawn_blocking(|| installed.shutdown())
        .await
        .unwrap();
}

#[tokio::test]
async fn malformed_settings_are_refused_by_name() {
    for (variable, value) in [
        ("SUNBEON__TELEMETRY__TRACE_RATIO", "1.5"),
        ("SUNBEON__TELEMETRY__LOG", "info,a=loudest"),
        ("SUNBEON__TELEMETRY__OTLP_ENDPOINT", "no address"),
    ] {
        let error = telemetry::init(&telemetry_settings(&[(variable, value)]), "test").unwrap_err();
        assert!(format!("{error:#}").contains(variable), "{error:#}");
    }
}
