//! Members, and what they present.

use std::{
    io::{BufWriter, Write, stdout},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, Policy};
use sunbeon_snapshot::Told;
use sunbeon_store::{Asker, Entrant, MOST_AT_ONCE, RedisStore, Store, redis::Settings};
use sunbeon_tokens::{AUDIENCE, Claims, Passes, SigningKeys};

/// How long tokens live, in seconds.
const LIFE: i64 = 3 * 60 * 60;

/// A run of members: `--from 5 --count 2` are the fifth and the sixth.
#[derive(clap::Args)]
pub(crate) struct Members {
    /// The first one
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many
    #[arg(long)]
    count: u64,
}

impl Members {
    /// The access tokens of so many members after these.
    pub(crate) fn others(&self, count: u64) -> anyhow::Result<Vec<String>> {
        let from = self.from + self.count;
        Self { from, count }.tokens()
    }

    /// Ids as long as a UUID's digits.
    fn ids(&self) -> impl Iterator<Item = String> + use<> {
        (self.from..self.from + self.count).map(|index| format!("{index:032x}"))
    }

    /// Their access tokens.
    pub(crate) fn tokens(&self) -> anyhow::Result<Vec<String>> {
        let key = EncodingKey::from_secret(secret()?.as_bytes());
        let iat = now();
        let token = |id: String| {
            let access = Access {
                sub: &id,
                name: "Kim",
                iat,
                exp: iat + LIFE,
            };
            Ok(jsonwebtoken::encode(&Header::default(), &access, &key)?)
        };
        self.ids().map(token).collect()
    }
}

#[derive(clap::Args)]
pub(crate) struct Tokens {
    #[command(flatten)]
    members: Members,
}

#[derive(Serialize)]
struct Access<'a> {
    sub: &'a str,
    name: &'a str,
    iat: i64,
    exp: i64,
}

impl Tokens {
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        print_lines(self.members.tokens()?.into_iter().map(Ok))
    }
}

#[derive(clap::Args)]
pub(crate) struct BookingTokens {
    #[command(flatten)]
    members: Members,
    /// The concert that they open
    #[arg(long)]
    concert: String,
    /// A PEM file with the signing key
    #[arg(long)]
    key: std::path::PathBuf,
    /// The `iss` of the tokens
    #[arg(long)]
    issuer: String,
}

impl BookingTokens {
    pub(crate) fn print(&self) -> anyhow::Result<()> {
        let pem = std::fs::read_to_string(&self.key).context("could not read --key")?;
        let keys = SigningKeys::from_pem(&pem)?;
        let concert = ConcertId::parse(self.concert.as_str())?;
        let iat = now();
        print_lines(self.members.ids().map(|id| {
            let number = EntryNumber(1_763_640_000_000_000);
            let claims = Claims {
                iss: self.issuer.clone(),
                aud: AUDIENCE.to_owned(),
                sub: MemberId::parse(id)?,
                cid: concert.clone(),
                ent: number,
                jti: number.token_id(&concert),
                iat,
                exp: iat + LIFE,
            };
            Ok(keys.sign(keys.active_kid(), &claims)?)
        }))
    }
}

#[derive(clap::Args)]
pub(crate) struct Fill {
    #[command(flatten)]
    members: Members,
    /// The concert; opened where it is not yet
    #[arg(long)]
    concert: String,
    /// Its mode: queue, threshold or off
    #[arg(long, default_value = "queue")]
    mode: String,
    /// The Redis of the line
    #[arg(long)]
    redis: String,
}

impl Fill {
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let store = store(&self.redis)?;
        let concert_id = ConcertId::parse(self.concert.as_str())?;
        let fields = json!({"title": "Benchmark", "mode": self.mode, "autoOpen": false,
            "waitingTtlSeconds": 3600, "readyTtlSeconds": 3600, "sessionMinutes": 120});
        let policy = Policy::create(serde_json::from_value(fields)?)
            .map_err(|field| anyhow::anyhow!("the policy's {field:?} is refused"))?;
        let concert = Concert {
            concert_id: concert_id.clone(),
            version: 1,
            closed: false,
            policy,
        };
        store.put_concert(&concert).await?;
        for ids in self.members.ids().collect::<Vec<_>>().chunks(MOST_AT_ONCE) {
            let entrant = |id: &String| {
                Ok(Entrant {
                    member: MemberId::parse(id.as_str())?,
                    name: "Kim".to_owned(),
                })
            };
            let entrants: anyhow::Result<Vec<_>> = ids.iter().map(entrant).collect();
            store.enter_all(&concert_id, &entrants?, u64::MAX).await?;
        }
        Ok(())
    }
}

#[derive(clap::Args)]
pub(crate) struct PrintPasses {
    #[command(flatten)]
    members: Members,
    /// The concert in whose line they are
    #[arg(long)]
    concert: String,
    /// The Redis of the line
    #[arg(long)]
    redis: String,
}

impl PrintPasses {
    pub(crate) async fn print(&self) -> anyhow::Result<()> {
        let store = store(&self.redis)?;
        let concert = ConcertId::parse(self.concert.as_str())?;
        let secret =
            std::env::var("SUNBEON_PASS_SECRET").context("SUNBEON_PASS_SECRET is not set")?;
        let passes = Passes::new(secret.as_bytes())?;
        let mut lines = Vec::new();
        for ids in self.members.ids().collect::<Vec<_>>().chunks(MOST_AT_ONCE) {
            let asker = |id: &String| {
                Ok(Asker {
                    member: MemberId::parse(id.as_str())?,
                    sign_of_life: true,
                })
            };
            let askers: anyhow::Result<Vec<_>> = ids.iter().map(asker).collect();
            let askers = askers?;
            let found = store.status_all(&concert, &askers).await?;
            for (asker, found) in askers.into_iter().zip(found) {
                let found = found?;
                let Some(Told(pass)) = Told::of(&found) else {
                    anyhow::bail!("{} is not in line", asker.member);
                };
                lines.push(Ok(passes.sign(&pass, &concert, &asker.member)));
            }
        }
        print_lines(lines.into_iter())
    }
}

pub(crate) fn store(redis: &str) -> sunbeon_store::Result<RedisStore> {
    RedisStore::open(&Settings {
        url: redis.to_owned().into(),
        wait_replicas: 0,
        timeout_ms: 20_000,
    })
}

/// The HS256 secret of access tokens.
pub(crate) fn secret() -> anyhow::Result<String> {
    std::env::var("SUNBEON_HS256_SECRET").context("SUNBEON_HS256_SECRET is not set")
}

fn print_lines(lines: impl Iterator<Item = anyhow::Result<String>>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for line in lines {
        writeln!(out, "{}", line?)?;
    }
    Ok(out.flush()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the life of a token is told by this clock"
)]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}
