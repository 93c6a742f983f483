//! `sunbeon rehearse`: a small sale on a deployment, through its public door, and GO or NO-GO.

mod deployment;
mod gate;

use std::{fmt, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use clap::{Parser, value_parser};
use serde::Serialize;
use serde_json::json;
use sunbeon_client::Sunbeon;
use sunbeon_domain::ConcertId;
use tokio_util::sync::CancellationToken;

use self::{deployment::Deployment, gate::Gate};
use crate::{
    Usage, access,
    admin::Admin,
    api::{self, Failure, Instances},
    command::{finish, stop_on_ctrl_c},
    crowd::Fan,
    options::{LineMode, Options},
    run::{self, Crowd},
    settings::Settings,
    targets::Targets,
    verdict::Check,
};

/// Concerts whose ids begin so are made by rehearsals and removed by them; no other one is touched.
const PREFIX: &str = "rehearsal-";
const CONNECTIONS: u16 = 8;
/// How long the first visitor may take to be called.
const CALLED_WITHIN: Duration = Duration::from_secs(60);

/// Plays a small sale through the public door of a deployment and says GO or NO-GO.
#[derive(Debug, Clone, Parser)]
pub struct Rehearsal {
    /// Public door [default: SUNBEON_URL, else http://127.0.0.1:8080]
    #[arg(long)]
    pub url: Option<String>,
    /// Operators' door [default: SUNBEON_OPERATORS_URL, else the public door]
    #[arg(long)]
    pub operators_url: Option<String>,
    /// File of KEY=value lines with addresses and secrets [default: .dev/env, if it exists]
    #[arg(long, value_name = "FILE")]
    pub env: Option<PathBuf>,
    /// Members in the crowd: two a second arrive, through the limits of one address
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..=500))]
    pub members: u32,
    /// Path at the public door that the gate protects; {concertId} stands for the rehearsal's
    #[arg(
        long,
        value_name = "PATH",
        default_value = "/v2/concerts/{concertId}/seats"
    )]
    pub gated: String,
    /// Leave out the gate: there is none at the public door
    #[arg(long, conflicts_with = "gated")]
    pub no_gate: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What came of a rehearsal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    concert_id: ConcertId,
    checks: Vec<Check>,
    go: bool,
}

impl Outcome {
    /// Returns whether every check passed.
    pub fn is_go(&self) -> bool {
        self.go
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{check}")?;
        }
        write!(f, "\n{}", if self.go { "GO" } else { "NO-GO" })
    }
}

/// Runs the rehearsal and prints its outcome. The exit code is 0 for GO, 1 for NO-GO, and 2 for invalid
/// options or settings. Ctrl-C ends it early; its concert is removed then, too.
pub async fn command(rehearsal: &Rehearsal) -> ExitCode {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_ctrl_c(stop.clone()));
    let outcome = async {
        let settings = Settings::load(rehearsal.env.as_deref())?;
        run(rehearsal, settings, stop).await
    };
    finish(outcome.await.map(|outcome| {
        let text = if rehearsal.json {
            serde_json::to_string_pretty(&outcome).expect("an outcome is plain data")
        } else {
            outcome.to_string()
        };
        (text, outcome.go)
    }))
}

/// Plays the sale. An error, possibly a [`Usage`], means that it could not begin.
pub async fn run(
    rehearsal: &Rehearsal,
    settings: Settings,
    stop: CancellationToken,
) -> anyhow::Result<Outcome> {
    let settings = settings
        .with("SUNBEON_URL", rehearsal.url.as_deref())
        .with("SUNBEON_OPERATORS_URL", rehearsal.operators_url.as_deref());
    if !rehearsal.no_gate && !rehearsal.gated.starts_with('/') {
        return Err(Usage("--gated must begin with /".into()).into());
    }
    let targets = Targets::resolve(None, &settings, false)?;
    let client = api::client(CONNECTIONS.into()).context("could not build the HTTP client")?;
    let id = &uuid::Uuid::new_v4().simple().to_string()[..12];
    let concert = ConcertId::parse(format!("{PREFIX}{id}"))?;
    let deployment = Deployment::new(&targets, client.clone());
    let mut checks = deployment.before().await;
    let admin = match run::operator(&settings, &client, &targets, concert.clone()).await {
        Ok(admin) => admin,
        Err(error) => {
            checks.push(Check::new(
                "an operator is let in",
                false,
                format!("{error:#}"),
            ));
            return Ok(outcome(concert, checks));
        }
    };
    let options = options(rehearsal);
    let mut fields = options.concert_fields(&concert);
    fields["title"] = "Rehearsal".into();
    fields["identity"] = json!("guest");
    let created = admin.create(&fields).await;
    let why = created.as_ref().err().map(|error| format!("{error:#}"));
    let detail = why.unwrap_or_else(|| concert.to_string());
    checks.push(Check::new("a concert is created", created.is_ok(), detail));
    if created.is_err() {
        return Ok(outcome(concert, checks));
    }
    let api = Instances::new(&targets, CONNECTIONS.into())?.recorded();
    let sale = Sale {
        options: &options,
        settings: &settings,
        room: api::at(&targets.waiting_room[0], &client)?,
        api: Arc::new(api),
        deployment: &deployment,
        gate: (!rehearsal.no_gate).then(|| Gate::new(&deployment, &rehearsal.gated, &concert)),
        concert: concert.clone(),
        admin,
    };
    checks.extend(sale.play(id, stop).await);
    Ok(outcome(concert, checks))
}

fn outcome(concert_id: ConcertId, checks: Vec<Check>) -> Outcome {
    let go = checks.iter().all(|check| check.ok);
    Outcome {
        concert_id,
        checks,
        go,
    }
}

/// A crowd that keeps below the limit of requests of one address.
fn options(rehearsal: &Rehearsal) -> Options {
    let members = rehearsal.members;
    Options {
        url: None,
        direct: false,
        env: None,
        members,
        concert: None,
        group_size: 5,
        interval_seconds: 2,
        mode: LineMode::Queue,
        max_active: None,
        arrival_seconds: members / 2,
        connections: CONNECTIONS,
        timeout_seconds: members + 120,
        complete: true,
        allow_remote: true,
        json: false,
    }
}

/// The rehearsal's concert, which exists.
struct Sale<'a> {
    options: &'a Options,
    settings: &'a Settings,
    room: Sunbeon,
    api: Arc<Instances>,
    deployment: &'a Deployment,
    gate: Option<Gate<'a>>,
    concert: ConcertId,
    admin: Admin,
}

impl Sale<'_> {
    /// Sends one visitor, then the crowd, and removes the concert in every case.
    async fn play(&self, id: &str, stop: CancellationToken) -> Vec<Check> {
        let mut checks = vec![self.deployment.redis_clock(&self.admin).await];
        let fans = match self.fans(id).await {
            Ok(fans) => fans,
            Err(error) => {
                checks.push(Check::new(
                    "members get access tokens",
                    false,
                    format!("{error:#}"),
                ));
                let removed = self.admin.close_and_delete(Duration::ZERO).await;
                checks.push(run::cleaned_up(removed, true));
                return checks;
            }
        };
        let mut fans = fans.into_iter();
        let visitor = tokio::select! {
            visitor = self.visit(fans.next()) => visitor,
            () = stop.cancelled() => Vec::new(),
        };
        checks.extend(visitor);
        let crowd = Crowd {
            options: self.options,
            api: self.api.clone(),
            concert: self.concert.clone(),
            before: 1,
            stop,
        };
        checks.extend(crowd.go(fans, &self.admin).await.checks);
        checks
    }

    /// The members of the crowd, and one before them, with their access tokens: signed, where the secret is
    /// known, else guests'.
    async fn fans(&self, id: &str) -> anyhow::Result<Vec<(String, String)>> {
        let count = self.options.members as usize + 1;
        if let Some(secret) = self.settings.get("SUNBEON_HS256_SECRET") {
            let members: Vec<_> = (0..count).map(|n| format!("{PREFIX}{id}-{n}")).collect();
            let life = self.options.timeout() + run::SPARE;
            let tokens = access::sign_all(secret, &members, life)?;
            return Ok(members.into_iter().zip(tokens).collect());
        }
        let mut guests = Vec::with_capacity(count);
        for _ in 0..count {
            let guest = self.room.guest(&self.concert).await;
            let guest =
                guest.context("no guest token; SUNBEON_HS256_SECRET would sign members' own")?;
            guests.push((guest.member_id.to_string(), guest.token));
        }
        Ok(guests)
    }

    async fn visit(&self, fan: Option<(String, String)>) -> Vec<Check> {
        let (member, token) = fan.expect("there is one more than the crowd");
        let mut fan = Fan::new(self.api.clone(), self.concert.clone(), member, token);
        let mut checks = Vec::new();
        let called = async {
            fan.enter().await?;
            fan.wait().await?;
            fan.claim().await
        };
        let done = tokio::time::timeout(CALLED_WITHIN, called).await;
        let done = done.unwrap_or_else(|_| Err(Failure::lasting("not called within 60 s")));
        let detail = done
            .as_ref()
            .err()
            .map_or("in line, called, token".to_owned(), |error| {
                error.to_string()
            });
        checks.push(Check::new("a visitor is let in", done.is_ok(), detail));
        if done.is_err() {
            // Whoever was called meanwhile frees the slot.
            checks.push(left(&fan.exit().await));
            return checks;
        }
        if let Some(gate) = &self.gate {
            checks.extend(gate.before(&fan).await);
        }
        checks.push(left(&fan.complete().await));
        if let Some(gate) = &self.gate {
            checks.push(gate.after(&fan).await);
        }
        checks
    }
}

fn left(done: &Result<(), Failure>) -> Check {
    let detail = done
        .as_ref()
        .err()
        .map_or(String::new(), Failure::to_string);
    Check::new("the visitor leaves", done.is_ok(), detail)
}
