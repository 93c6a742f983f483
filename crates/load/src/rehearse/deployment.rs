//! What a deployment must have before a sale.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::{Client, StatusCode, Url, header};
use serde::Deserialize;
use sunbeon_domain::UnixMs;

use crate::{
    access::unix_ms,
    admin::Admin,
    targets::{Targets, is_loopback},
    verdict::Check,
};

/// Access tokens are accepted for 5 s past their end, so the clocks of a door, of Redis and of here may
/// differ by less.
const CLOCKS: i64 = 2_000;
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// The doors of a deployment.
pub(super) struct Deployment {
    pub(super) http: Client,
    pub(super) public: Url,
    operators: Url,
}

impl Deployment {
    pub(super) fn new(targets: &Targets, http: Client) -> Self {
        Self {
            http,
            public: targets.waiting_room[0].clone(),
            operators: targets.line[0].clone(),
        }
    }

    /// Checks what does not need a concert.
    pub(super) async fn before(&self) -> Vec<Check> {
        let (asked, answer) = (
            unix_ms(),
            self.get(&self.public, ".well-known/jwks.json").await,
        );
        let between = (asked + unix_ms()) / 2;
        let mut checks = vec![self.tls(answer.as_ref().err())];
        if let Ok(answer) = &answer {
            let date = answer
                .headers()
                .get(header::DATE)
                .and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| rfc2822::parse(date).ok());
            // It says only the second.
            let date = date.map(|date| date.timestamp().as_millisecond() + 500);
            checks.push(match date {
                Some(date) => clock("the door's clock", date - between),
                None => Check::new("the door's clock", false, "no Date in the answer"),
            });
        }
        checks.push(self.health().await);
        checks.push(self.websocket().await);
        checks
    }

    fn tls(&self, error: Option<&reqwest::Error>) -> Check {
        let name = "the public door answers, with TLS";
        match (error, self.public.scheme()) {
            (Some(error), _) => Check::new(name, false, chain(error)),
            (None, "https") => Check::new(name, true, "the certificate is trusted"),
            _ if is_loopback(&self.public) => Check::new(name, true, "plain HTTP on loopback"),
            _ => Check::new(name, false, "plain HTTP: tokens can be read on the way"),
        }
    }

    async fn health(&self) -> Check {
        let name = "what the services need is up";
        match self.get(&self.operators, "health").await {
            Err(error) => Check::new(name, false, chain(&error)),
            Ok(answer) => {
                let status = answer.status();
                let said = answer.text().await.unwrap_or_default();
                Check::new(name, status == StatusCode::OK, format!("{status} {said}"))
            }
        }
    }

    /// Asks realtime for a WebSocket (RFC 6455 §4.1) and drops it.
    async fn websocket(&self) -> Check {
        let name = "WebSockets pass the door";
        let asked = self
            .http
            .get(at(&self.public, "socket.io/?EIO=4&transport=websocket"))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .timeout(LIMIT);
        match asked.send().await {
            Err(error) => Check::new(name, false, chain(&error)),
            Ok(answer) => {
                let opened = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
                Check::new(name, opened, answer.status().to_string())
            }
        }
    }

    /// Compares Redis' clock, which begins and ends a sale, with this machine's.
    pub(super) async fn redis_clock(&self, admin: &Admin) -> Check {
        #[derive(Deserialize)]
        struct Line {
            at: UnixMs,
        }
        let name = "Redis' clock";
        let asked = unix_ms();
        match admin.waiting_room.line::<Line>(&admin.concert).await {
            Ok(line) => clock(name, line.at.0 - (asked + unix_ms()) / 2),
            Err(error) => Check::new(name, false, error.to_string()),
        }
    }

    async fn get(&self, door: &Url, path: &str) -> reqwest::Result<reqwest::Response> {
        self.http.get(at(door, path)).timeout(LIMIT).send().await
    }
}

/// Returns a path at a door.
pub(super) fn at(door: &Url, path: &str) -> String {
    format!(
        "{}/{}",
        door.as_str().trim_end_matches('/'),
        path.trim_start_matches('/')
    )
}

fn clock(name: &'static str, ahead_ms: i64) -> Check {
    let detail = format!("{:+.1} s beside this machine's", ahead_ms as f64 / 1e3);
    Check::new(name, ahead_ms.abs() <= CLOCKS, detail)
}

/// An error with its causes: a certificate's fault is the last of them.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_two_seconds() {
        let verdicts = [0, -2_000, 2_000, 2_001, -2_001].map(|ahead| clock("c", ahead).ok);
        assert_eq!(verdicts, [true, true, true, false, false]);
    }

    #[test]
    fn plain_http_is_good_enough_on_loopback_only() {
        for (url, good) in [
            ("http://127.0.0.1:1", true),
            ("http://tickets.example", false),
            ("https://tickets.example", true),
        ] {
            let targets = Targets::one(url).unwrap();
            let deployment = Deployment::new(&targets, Client::new());
            assert_eq!(deployment.tls(None).ok, good, "{url}");
        }
    }
}
