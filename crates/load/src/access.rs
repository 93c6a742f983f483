//! Access tokens for synthetic members.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use sunbeon_client::{Error, Sunbeon};
use tokio::task::JoinSet;

/// Requests for development tokens in flight at a time.
const ASKING: usize = 32;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    name: &'a str,
    iat: u64,
    exp: u64,
}

/// Signs HS256 access tokens for all members, valid for `life`.
pub(crate) fn sign_all(
    secret: &str,
    members: &[String],
    life: Duration,
) -> anyhow::Result<Vec<String>> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let iat = (unix_ms() / 1_000).cast_unsigned();
    let exp = iat + life.as_secs();
    let sign = |member: &String| {
        let claims = Claims {
            sub: member,
            name: member,
            iat,
            exp,
        };
        jsonwebtoken::encode(&Header::default(), &claims, &key)
    };
    members
        .iter()
        .map(sign)
        .collect::<Result<_, _>>()
        .context("could not sign an access token")
}

#[expect(
    clippy::disallowed_methods,
    reason = "what tokens and other machines say is compared with this clock"
)]
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// Fetches development tokens for all members, in their order.
pub(crate) async fn ask_all(sunbeon: &Sunbeon, members: &[String]) -> anyhow::Result<Vec<String>> {
    let mut asking = JoinSet::new();
    let mut tokens = vec![String::new(); members.len()];
    let mut next = members.iter().enumerate();
    loop {
        while asking.len() < ASKING
            && let Some((index, member)) = next.next()
        {
            let (sunbeon, member) = (sunbeon.clone(), member.clone());
            asking.spawn(async move { (index, ask(&sunbeon, &member, false).await) });
        }
        let Some(done) = asking.join_next().await else {
            return Ok(tokens);
        };
        let (index, token) = done?;
        tokens[index] = token?;
    }
}

/// Fetches one development token, which only a standalone process on loopback hands out.
pub(crate) async fn ask(sunbeon: &Sunbeon, member: &str, admin: bool) -> anyhow::Result<String> {
    let token = sunbeon.dev_token(member, admin).await;
    token.map_err(|error| match error {
        Error::Refused(refusal) => anyhow::anyhow!(
            "{} hands out no development tokens ({refusal}): set SUNBEON_HS256_SECRET and \
             SUNBEON_ADMIN_TOKEN",
            sunbeon.url().at("/")
        ),
        error => anyhow::Error::new(error).context(format!(
            "{} did not hand out a token",
            sunbeon.url().at("/")
        )),
    })
}
