//! The gate in front of the shop: no token, no entry.

use std::time::Duration;

use sunbeon_domain::ConcertId;
use tokio::time::{Instant, sleep, timeout_at};

use super::deployment::{Deployment, LIMIT, at, chain};
use crate::{crowd::Fan, verdict::Check};

/// How long a gate may take to know a concert that was just created.
const KNOWS_WITHIN: Duration = Duration::from_secs(10);
/// How long a token that was given back may still be good: what the gate promises.
const REVOKES_WITHIN: Duration = Duration::from_secs(5);
/// How long the last answer may take beyond that.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// A path of the shop that is behind the gate.
pub(super) struct Gate<'a> {
    deployment: &'a Deployment,
    url: String,
}

impl<'a> Gate<'a> {
    pub(super) fn new(deployment: &'a Deployment, path: &str, concert: &ConcertId) -> Self {
        let path = path.replace("{concertId}", concert.as_str());
        Self {
            deployment,
            url: at(&deployment.public, &path),
        }
    }

    /// Tries the gate without a token, and with one.
    pub(super) async fn before(&self, fan: &Fan) -> [Check; 2] {
        let (access, token) = fan.tokens();
        let (without, with) = (
            "the gate refuses without a token",
            "the gate lets in with a token",
        );
        [
            self.comes_to(without, access, "", false, KNOWS_WITHIN)
                .await,
            self.comes_to(with, access, token, true, KNOWS_WITHIN).await,
        ]
    }

    /// Tries the gate with the token that was given back.
    pub(super) async fn after(&self, fan: &Fan) -> Check {
        let (access, token) = fan.tokens();
        let name = "the gate refuses a token that was given back";
        self.comes_to(name, access, token, false, REVOKES_WITHIN)
            .await
    }

    /// Asks until the gate lets in, or refuses, as expected, or time is up.
    async fn comes_to(
        &self,
        name: &'static str,
        access: &str,
        token: &str,
        passes: bool,
        within: Duration,
    ) -> Check {
        let give_up = Instant::now() + within;
        loop {
            let until = give_up.max(Instant::now() + ANSWERS_WITHIN);
            let asked = timeout_at(until, self.ask(access, token)).await;
            let (found, said) =
                asked.unwrap_or_else(|_| (None, format!("no answer from {}", self.url)));
            if found == Some(passes) || Instant::now() >= give_up {
                return Check::new(name, found == Some(passes), said);
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Returns whether the shop was reached; `None` if nobody can tell.
    async fn ask(&self, access: &str, token: &str) -> (Option<bool>, String) {
        let request = self.deployment.http.get(&self.url).bearer_auth(access);
        let request = match token {
            "" => request,
            token => request.header("X-Queue-Token", token),
        };
        let answer = match request.timeout(LIMIT).send().await {
            Ok(answer) => answer,
            Err(error) => return (None, chain(&error)),
        };
        let reached = match answer.status().as_u16() {
            // The shop knows nothing of the rehearsal's concert: not found, behind an open gate.
            200..=299 | 404 => Some(true),
            300..=399 | 403 => Some(false),
            _ => None,
        };
        (reached, format!("{} from {}", answer.status(), self.url))
    }
}
