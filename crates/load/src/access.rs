//! Access tokens of synthetic members.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use jsonwebtoken::{EncodingKey, Header};
use reqwest::{Client, Url};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::api::at;

/// Requests for development tokens in flight at a time.
const ASKING: usize = 32;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    name: &'a str,
    iat: u64,
    exp: u64,
}

/// HS256 access tokens for all, good for `life`.
pub(crate) fn sign_all(
    secret: &str,
    members: &[String],
    life: Duration,
) -> anyhow::Result<Vec<String>> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let iat = unix_seconds();
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
    reason = "the life of an access token is told by this clock"
)]
fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Development tokens for all, in the order of the members.
pub(crate) async fn ask_all(
    client: &Client,
    base: &Url,
    members: &[String],
) -> anyhow::Result<Vec<String>> {
    let mut asking = JoinSet::new();
    let mut tokens = vec![String::new(); members.len()];
    let mut next = members.iter().enumerate();
    loop {
        while asking.len() < ASKING
            && let Some((index, member)) = next.next()
        {
            let (client, base, member) = (client.clone(), base.clone(), member.clone());
            asking.spawn(async move { (index, ask(&client, &base, &member, false).await) });
        }
        let Some(done) = asking.join_next().await else {
            return Ok(tokens);
        };
        let (index, token) = done?;
        tokens[index] = token?;
    }
}

/// One development token; only standalone on loopback gives them out.
pub(crate) async fn ask(
    client: &Client,
    base: &Url,
    member: &str,
    admin: bool,
) -> anyhow::Result<String> {
    let body = json!({"memberId": member, "name": member, "admin": admin});
    let response = client.post(at(base, "dev/token")).json(&body).send().await;
    let response = response.with_context(|| format!("could not reach {base}"))?;
    let status = response.status();
    if !status.is_success() {
        bail!(
            "{base} gives out no development tokens ({status}): set SUNBEON_HS256_SECRET and \
             SUNBEON_ADMIN_TOKEN"
        );
    }
    let answer: Value = response
        .json()
        .await
        .context("the development token is no JSON")?;
    let token = answer["data"]["token"]
        .as_str()
        .context("there is no data.token in the answer")?;
    Ok(token.to_owned())
}
