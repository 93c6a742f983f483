//! The command line: its output and its errors.

use std::{
    net::TcpListener,
    process::{Command, Output},
    time::Duration,
};

use sunbeon_test_support::{Process, access::HS256_SECRET, eventually, free_port};

use crate::app::bare;

const SOON: Duration = Duration::from_secs(60);

const SERVICES: [&str; 5] = [
    "waiting-room",
    "reservation-open",
    "entry-consumer",
    "token",
    "booking",
];

/// Returns the output of the executable with these arguments and settings.
fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = bare();
    // As in a developer's shell; errors must not show a backtrace even then.
    command.env("RUST_BACKTRACE", "1");
    command.args(arguments).envs(settings.iter().copied());
    command.output().expect("it starts")
}

fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("a text")
}

/// Returns the single line with which it refuses to start.
fn refused(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let done = run(arguments, settings);
    let error = said(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: "), "{error}");
    assert_eq!(error.lines().count(), 1, "no backtrace: {error}");
    error
}

#[test]
fn help_and_version_are_printed_and_nothing_is_started() {
    let mut commands = vec![
        vec![],
        vec!["health"],
        vec!["keys"],
        vec!["load"],
        vec!["openapi"],
        vec!["plan"],
        vec!["rehearse"],
        vec!["serve"],
    ];
    commands.extend(SERVICES.map(|name| vec!["serve", name]));
    for command in commands {
        let done = run(&[&command[..], &["--help"]].concat(), &[]);
        assert!(done.status.success(), "{command:?}");
        assert!(said(&done.stdout).contains("Usage: sunbeon"), "{command:?}");
    }
    let version = run(&["--version"], &[]);
    assert_eq!(
        said(&version.stdout),
        format!("sunbeon {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = said(&run(&["serve", "--help"], &[]).stdout);
    for name in SERVICES {
        assert!(help.contains(&format!("- {name}:")), "{help}");
    }
}

#[test]
fn an_invalid_setting_is_reported_in_one_line_with_its_name_and_an_example() {
    let token = ["serve", "token"];
    for (arguments, settings, expected) in [
        (
            &token[..],
            &[("SUNBEON__HTTP__DRAIN_SECONDS", "soon")][..],
            &["SUNBEON__HTTP__DRAIN_SECONDS=10", "soon"][..],
        ),
        (&token, &[], &["SUNBEON__STORE__REDIS__URL=redis://"]),
        (
            &[],
            &[("SUNBEON__TELEMETRY__LOG", "loud=yes=no")],
            &["SUNBEON__TELEMETRY__LOG", "info,"],
        ),
        (
            &[],
            &[("SUNBEON__HTPP__BIND", "a")],
            &["htpp", "SUNBEON__HTTP__BIND="],
        ),
        (&["--bind", "8080"], &[], &["--bind 127.0.0.1:8080"]),
        (
            &["--bind", "0.0.0.0:0"],
            &[],
            &["SUNBEON__AUTH__HS256_SECRET=$(openssl rand -hex 32)"],
        ),
    ] {
        let error = refused(arguments, settings);
        for part in expected {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn every_service_says_what_it_needs_to_start() {
    let redis = ("SUNBEON__STORE__REDIS__URL", "redis://127.0.0.1:1");
    let rabbitmq = ("SUNBEON__BROKER__RABBITMQ__URL", "amqp://127.0.0.1:1/%2f");
    let bookings = (
        "SUNBEON__BOOKING__DATABASE_URL",
        "postgres://127.0.0.1:1/bookings",
    );
    let secret = ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET);
    for (service, settings, expected) in [
        ("waiting-room", vec![], "SUNBEON__STORE__REDIS__URL="),
        ("waiting-room", vec![redis], "SUNBEON__AUTH__HS256_SECRET"),
        (
            "entry-consumer",
            vec![redis],
            "SUNBEON__BROKER__RABBITMQ__URL=",
        ),
        (
            "reservation-open",
            vec![redis, rabbitmq],
            "SUNBEON__DATABASE__URL=",
        ),
        (
            "token",
            vec![redis, secret],
            "SUNBEON__BOOKING_TOKEN__SIGNING_KEY_FILE=",
        ),
        ("booking", vec![], "SUNBEON__BROKER__RABBITMQ__URL="),
        ("booking", vec![rabbitmq], "SUNBEON__BOOKING__DATABASE_URL="),
        (
            "booking",
            vec![rabbitmq, bookings],
            "SUNBEON__AUTH__ORIGIN_TOKEN_FILE=",
        ),
    ] {
        let error = refused(&["serve", service], &settings);
        assert!(error.contains(expected), "{service}: {error}");
    }
}

#[test]
fn an_address_in_use_is_reported_with_another_to_try() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    let (taken, next) = (format!("127.0.0.1:{port}"), port.wrapping_add(1));
    let error = refused(&["--bind", &taken], &[]);
    assert!(
        error.contains(&format!("try --bind 127.0.0.1:{next}")),
        "{error}"
    );
    let settings = [
        ("SUNBEON__HTTP__BIND", taken.as_str()),
        ("SUNBEON__STORE__REDIS__URL", "redis://127.0.0.1:1"),
        ("SUNBEON__AUTH__HS256_SECRET", HS256_SECRET),
    ];
    let error = refused(&["serve", "waiting-room"], &settings);
    let advice = format!("try SUNBEON__HTTP__BIND=127.0.0.1:{next}");
    assert!(error.contains(&advice), "{error}");
}

#[tokio::test]
async fn it_listens_on_a_host_name() {
    let port = free_port();
    let mut command = bare();
    command.args(["--fans", "0", "--bind", &format!("localhost:{port}")]);
    let process = Process::run("sunbeon", command);
    let url = format!("http://localhost:{port}/ready");
    eventually(SOON, "it answers", async || {
        assert_eq!(process.status(), None, "{}", process.log());
        reqwest::get(&url).await.is_ok()
    })
    .await;
}

/// Runs the executable on a terminal until it has printed its banner.
async fn on_a_terminal(words: &str) -> String {
    let executable = env!("CARGO_BIN_EXE_sunbeon");
    let line = format!(
        "{executable} --fans 0 --bind 127.0.0.1:{} {words}",
        free_port()
    );
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-f", "-c", &line, "/dev/null"]);
    command.env_remove("NO_COLOR");
    let process = Process::run("script", command);
    eventually(SOON, "the banner is printed", async || {
        assert_eq!(process.status(), None, "{}", process.log());
        process.log().contains("Ctrl-C stops.")
    })
    .await;
    process.log()
}

#[tokio::test]
async fn on_a_terminal_it_warns_in_colour_and_prints_its_banner_last() {
    let said = on_a_terminal("").await;
    assert!(said.contains("\u{1b}[33m WARN"), "{said}");
    assert!(!said.contains(" INFO"), "{said}");
    assert!(said.trim_end().ends_with("Ctrl-C stops."), "{said}");
}

#[tokio::test]
async fn on_a_terminal_verbose_logs_more() {
    let said = on_a_terminal("-v").await;
    assert!(said.contains(" INFO"), "{said}");
}
