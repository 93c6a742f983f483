//! Defaults, file and environment.

use std::fs;

use crate::support::environment;
use secrecy::ExposeSecret;
use serde::Deserialize;
use sunbeon_chassis::settings::{
    Algorithm, Auth, BookingToken, Database, Http, Limits, LogFormat, Telemetry, load_from,
};

#[derive(Debug, Deserialize)]
struct All {
    http: Http,
    store: Store,
    broker: Broker,
    database: Database,
    auth: Auth,
    limits: Limits,
    gate: Gate,
    booking_token: BookingToken,
    telemetry: Telemetry,
}

#[derive(Debug, Deserialize)]
struct Gate {
    own_hosts: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Store {
    Memory,
    Redis(Redis),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redis {
    url: String,
    wait_replicas: Option<u32>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Broker {
    Memory,
}

fn load(variables: &[(&str, &str)]) -> All {
    load_from(environment(variables)).unwrap()
}

/// Returns the whole chain of an error.
fn refused(variables: &[(&str, &str)]) -> String {
    format!(
        "{:#}",
        load_from::<All>(environment(variables)).unwrap_err()
    )
}

#[test]
fn the_defaults_file_is_a_complete_configuration() {
    let all = load(&[]);
    assert_eq!(all.http.bind, "127.0.0.1:8080");
    assert!(all.http.cors_origins.is_empty());
    assert_eq!(
        (all.http.drain_delay_ms, all.http.drain_seconds),
        (1000, 10)
    );
    assert_eq!(all.http.request_timeout_seconds, 15);
    assert_eq!((all.store, all.broker), (Store::Memory, Broker::Memory));
    assert_eq!(all.database.url.expose_secret(), "sqlite::memory:");
    assert_eq!(
        (all.auth.algorithm, all.auth.admin_role.as_str()),
        (Algorithm::RS256, "admin")
    );
    assert!(all.auth.hs256_secret.is_none() && all.auth.admin_token.is_none());
    assert!(all.auth.origin_token.is_none() && all.auth.guest_secret.is_none());
    assert!(!all.auth.has_keys());
    let limits = all.limits;
    assert_eq!(
        (limits.address_per_second, limits.main_page_per_second),
        (100, 10)
    );
    assert_eq!((limits.member_per_second, limits.loopback), (20, false));
    assert_eq!(limits.guests_per_hour, 1000);
    assert!(limits.trusted_proxies.is_empty());
    assert!(all.booking_token.signing_key.is_none());
    assert_eq!(all.booking_token.issuer, "sunbeon");
    assert_eq!(all.telemetry.log_format, LogFormat::Text);
    assert_eq!(all.telemetry.trace_ratio, 0.01);
}

#[test]
fn settings_commented_out_in_the_defaults_file_are_known_too() {
    let comment = |line: &str| {
        let setting = line.strip_prefix("# ")?.split_once(" =")?.0;
        let word = setting
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        word.then(|| setting.to_owned())
    };
    let mut section = String::new();
    let mut found = Vec::new();
    for line in sunbeon_chassis::settings::DEFAULTS.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name.to_uppercase();
        } else if let Some(key) = comment(line) {
            found.push(format!("SUNBEON__{section}__{}", key.to_uppercase()));
        }
    }
    assert_eq!(found.len(), 13, "{found:?}");
    for variable in found {
        load(&[(&variable, "value")]);
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sunbeon.toml");
    fs::write(
        &path,
        "[http]\nbind = \"file:1\"\ndrain_seconds = 7\n[store.redis]\nurl = \"a\"\n",
    )
    .unwrap();
    let file = ("SUNBEON_CONFIG", path.to_str().unwrap());
    let all = load(&[file, ("SUNBEON__HTTP__BIND", "environment:1")]);
    assert_eq!(
        (all.http.bind.as_str(), all.http.drain_seconds),
        ("environment:1", 7)
    );
    assert_eq!(all.http.drain_delay_ms, 1000);
    assert_eq!(
        all.store,
        Store::Redis(Redis {
            url: "a".to_owned(),
            wait_replicas: None
        })
    );
    let all = load(&[file, ("SUNBEON__STORE__REDIS__URL", "b")]);
    assert_eq!(
        all.store,
        Store::Redis(Redis {
            url: "b".to_owned(),
            wait_replicas: None
        })
    );
    assert_eq!(
        load(&[file, ("SUNBEON__STORE", "memory")]).store,
        Store::Memory
    );
}

#[test]
fn the_environment_replaces_the_store_in_memory() {
    let url = ("SUNBEON__STORE__REDIS__URL", "redis://redis");
    let replicas = ("SUNBEON__STORE__REDIS__WAIT_REPLICAS", "2");
    let expected = Redis {
        url: "redis://redis".to_owned(),
        wait_replicas: Some(2),
    };
    assert_eq!(load(&[url, replicas]).store, Store::Redis(expected));
}

#[test]
fn numbers_and_lists_are_parsed_from_text() {
    let all = load(&[
        ("SUNBEON__HTTP__DRAIN_SECONDS", "3"),
        ("SUNBEON__TELEMETRY__TRACE_RATIO", "0.5"),
        (
            "SUNBEON__HTTP__CORS_ORIGINS",
            "https://a.example, https://b.example,",
        ),
        ("SUNBEON__GATE__OWN_HOSTS", "a.example,b.example:81"),
    ]);
    assert_eq!(
        (all.http.drain_seconds, all.telemetry.trace_ratio),
        (3, 0.5)
    );
    assert_eq!(
        all.http.cors_origins,
        ["https://a.example", "https://b.example"]
    );
    assert_eq!(all.gate.own_hosts, ["a.example", "b.example:81"]);
}

#[test]
fn a_secret_is_kept_verbatim_and_never_shown() {
    for secret in ["007", "true", "1e5", "a,b", " x "] {
        let all = load(&[("SUNBEON__AUTH__HS256_SECRET", secret)]);
        assert_eq!(
            all.auth.hs256_secret.as_ref().unwrap().expose_secret(),
            secret
        );
        assert!(!format!("{:?}", all.auth).contains("1e5"));
    }
}

#[test]
fn a_url_in_the_wrong_place_is_refused_without_being_shown() {
    for (name, url) in [
        ("SUNBEON__STORE", "redis://:hunter2@cache"),
        ("SUNBEON__STORE__REDIS", "redis://:hunter2@cache"),
        ("SUNBEON__BROKER", "amqp://u:hunter2@broker"),
        ("SUNBEON__BROKER__RABBITMQ", "amqp://u:hunter2@broker"),
    ] {
        let environment = [(name.to_owned(), url.to_owned())].into();
        let error = load_from::<serde_json::Value>(environment).unwrap_err();
        let said = format!("{error:#} {error:?}");
        assert!(
            said.contains("__URL") && !said.contains("hunter2"),
            "{said}"
        );
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let all = load(&[
        ("SUNBEON__AUTH__ADMIN_TOKEN", ""),
        ("SUNBEON__HTTP__BIND", ""),
    ]);
    assert!(all.auth.admin_token.is_none());
    assert_eq!(all.http.bind, "127.0.0.1:8080");
}

#[test]
fn a_secret_from_a_file_loses_its_trailing_line_break() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let variable = "SUNBEON__AUTH__HS256_SECRET_FILE";
    for (content, secret) in [
        ("007\n", "007"),
        ("a\r\n", "a"),
        ("two\nlines\n\n", "two\nlines\n"),
        (" b", " b"),
    ] {
        fs::write(&path, content).unwrap();
        let all = load(&[(variable, path.to_str().unwrap())]);
        assert_eq!(all.auth.hs256_secret.unwrap().expose_secret(), secret);
    }
    let error = refused(&[
        (variable, path.to_str().unwrap()),
        ("SUNBEON__AUTH__HS256_SECRET", "x"),
    ]);
    assert!(error.contains("SUNBEON__AUTH__HS256_SECRET and"), "{error}");
    let error = refused(&[(variable, "/no/such/file")]);
    assert!(error.contains(variable), "{error}");
}

#[test]
fn the_jwks_file_is_a_path_and_not_a_secret() {
    let all = load(&[("SUNBEON__AUTH__JWKS_FILE", "/etc/jwks.json")]);
    assert_eq!(all.auth.jwks_file.unwrap().to_str(), Some("/etc/jwks.json"));
}

#[test]
fn trusted_proxies_are_networks_and_addresses() {
    let all = load(&[(
        "SUNBEON__LIMITS__TRUSTED_PROXIES",
        "10.0.0.0/8, 192.0.2.1,fd00::/8,",
    )]);
    let networks: Vec<_> = all.limits.trusted_proxies;
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]);
}

#[test]
fn unknown_or_invalid_settings_are_refused_by_name() {
    for (variable, value, name) in [
        ("SUNBEON__HTTP__BIMD", "a", "bimd"),
        ("SUNBEON__HTPP__BIND", "a", "htpp"),
        ("SUNBEON__AUTH__SECRET", "hunter2", "secret"),
        ("SUNBEON__STORE", "disk", "SUNBEON__STORE__REDIS__URL"),
        ("SUNBEON__HTTP__DRAIN_SECONDS", "soon", "drain_seconds"),
        ("SUNBEON__HTTP__DRAIN_SECONDS", "-1", "drain_seconds"),
        ("SUNBEON__AUTH__ALGORITHM", "none", "algorithm"),
        ("SUNBEON__TELEMETRY__LOG_FORMAT", "xml", "log_format"),
        (
            "SUNBEON__LIMITS__ADDRESS_PER_SECOND",
            "-1",
            "address_per_second",
        ),
        (
            "SUNBEON__LIMITS__TRUSTED_PROXIES",
            "10.0.0.0/8,10.0.0.0/33",
            "SUNBEON__LIMITS__TRUSTED_PROXIES",
        ),
        (
            "SUNBEON__LIMITS__TRUSTED_PROXIES",
            "proxy.example",
            "SUNBEON__LIMITS__TRUSTED_PROXIES",
        ),
        ("SUNBEON_CONFIG", "/no/such/file", "/no/such/file"),
    ] {
        let error = refused(&[(variable, value)]);
        assert!(error.contains(name), "{variable}={value}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
