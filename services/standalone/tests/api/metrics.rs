//! The contents of `/metrics`.

use std::time::Duration;
use sunbeon_test_support::{access::member, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(the_metrics_of_a_sale_are_listed);

/// Returns the value of one series; its labels may be in any order.
fn value(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let line = text.lines().find(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    line?.rsplit(' ').next()?.parse().ok()
}

async fn the_metrics_of_a_sale_are_listed(app: App) {
    app.create_by_hand("c").await;
    for who in ["in", "gone", "a"] {
        app.enter("c", who).await.data(201);
    }
    app.admit("c", "in").await;
    app.post("/v2/waiting-room/exit/c", &member("gone"))
        .await
        .data(200);
    app.get("/v2/waiting-room/status/nowhere", &member("a"))
        .await
        .fails("CONCERT_NOT_FOUND");
    let mut text = String::new();
    eventually(
        Duration::from_secs(60),
        "the beat shows the line",
        async || {
            text = app.get("/metrics", "").await.text;
            value(
                &text,
                "sunbeon_ended_total",
                &["concert=\"c\"", "cause=\"left\""],
            ) == Some(1.0)
        },
    )
    .await;
    let shown = |name: &str, labels: &[&str]| value(&text, name, labels);
    let concert = "concert=\"c\"";
    for (name, label, expected) in [
        ("sunbeon_line_length", "state=\"waiting\"", 1.0),
        ("sunbeon_line_length", "state=\"away\"", 0.0),
        ("sunbeon_line_length", "state=\"admitting\"", 0.0),
        ("sunbeon_slots", "kind=\"inside\"", 1.0),
        ("sunbeon_slots", "kind=\"ready\"", 0.0),
        ("sunbeon_ended_total", "cause=\"lapsed\"", 0.0),
        ("sunbeon_admitted_total", "by=\"open\"", 1.0),
        ("sunbeon_admitted_total", "by=\"schedule\"", 0.0),
        ("sunbeon_lost_entries", "", 0.0),
        ("sunbeon_overdue_seconds", "", 0.0),
        ("sunbeon_held", "why=\"messages\"", 0.0),
    ] {
        assert_eq!(
            shown(name, &[concert, label]),
            Some(expected),
            "{name} {label}"
        );
    }
    for dependency in ["store", "broker", "database", "stock"] {
        let label = format!("dependency=\"{dependency}\"");
        assert_eq!(shown("sunbeon_dependency_up", &[&label]), Some(1.0));
    }
    assert_eq!(
        shown("sunbeon_publish_confirm_seconds_count", &[]),
        Some(1.0)
    );
    assert_eq!(shown("sunbeon_consumer_lag_seconds_count", &[]), Some(1.0));
    let enter = [
        "route=\"/v2/waiting-room/enter\"",
        "method=\"POST\"",
        "status=\"201\"",
    ];
    assert_eq!(
        shown("http_server_request_duration_seconds_count", &enter),
        Some(3.0)
    );
    let unknown = [
        "route=\"/v2/waiting-room/status/{concertId}\"",
        "status=\"404\"",
    ];
    assert_eq!(
        shown("http_server_request_duration_seconds_count", &unknown),
        Some(1.0)
    );
    assert!(
        shown(
            "http_server_request_duration_seconds_bucket",
            &["le=\"0.05\""]
        )
        .is_some()
    );
    if app.servers.is_some() {
        let scripts = shown("sunbeon_script_seconds_count", &["verb=\"enter\""]);
        assert_eq!(scripts, Some(3.0));
    }
    for private in ["fan", "gone", "eyJ", "이름"] {
        assert!(!text.contains(private), "nobody is named: {private}");
    }
}
