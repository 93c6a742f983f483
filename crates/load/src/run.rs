//! One run from the first request to the report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::Client;
use sunbeon_client::Sunbeon;
use sunbeon_domain::ConcertId;
use tokio::{task::JoinSet, time::Instant as Clock};
use tokio_util::sync::CancellationToken;

use crate::{
    Report, access,
    admin::Admin,
    api::{self, Failure, Instances},
    crowd::{Diary, Fan},
    latency::Summary,
    machine::Machine,
    options::Options,
    settings::Settings,
    targets::Targets,
    verdict::{Check, Watch, judge_fans},
};

/// How long the access tokens outlive the run.
pub(crate) const SPARE: Duration = Duration::from_secs(600);
/// How long the last slots may take to become free after `complete`, with a margin.
const LAST_SLOTS: Duration = Duration::from_secs(10);

/// Runs the crowd that `options` describes; `stop` ends it early. An error, possibly a
/// [`crate::Usage`], means that the run could not start; later failures are in the report.
pub async fn run(
    options: &Options,
    settings: &Settings,
    stop: CancellationToken,
) -> anyhow::Result<Report> {
    options.check()?;
    let targets = Targets::resolve(options.url.as_deref(), settings, options.direct)?;
    if !options.allow_remote {
        targets.check_loopback()?;
    }
    let client = api::client(8).context("could not build the HTTP client")?;
    let id = &uuid::Uuid::new_v4().simple().to_string()[..12];
    let concert = match &options.concert {
        Some(concert) => concert.clone(),
        None => ConcertId::parse(format!("load-{id}"))?,
    };
    let members: Vec<_> = (0..options.members)
        .map(|n| format!("load-{id}-{n}"))
        .collect();
    let room = api::at(&targets.waiting_room[0], &client)?;
    let tokens = tokens(options, settings, &room, &members).await?;
    let admin = operator(settings, &client, &targets, concert.clone()).await?;
    let connections = options.connections.into();
    let api = Instances::new(&targets, connections)
        .context("could not build the HTTP client")?
        .recorded();
    if options.concert.is_none() {
        admin.create(&options.concert_fields(&concert)).await?;
    }
    let crowd = Crowd {
        options,
        api: Arc::new(api),
        concert,
        before: 0,
        stop,
    };
    let report = crowd.go(members.into_iter().zip(tokens), &admin).await;
    Ok(report)
}

async fn tokens(
    options: &Options,
    settings: &Settings,
    room: &Sunbeon,
    members: &[String],
) -> anyhow::Result<Vec<String>> {
    match settings.get("SUNBEON_HS256_SECRET") {
        Some(secret) => access::sign_all(secret, members, options.timeout() + SPARE),
        None => access::ask_all(room, members).await,
    }
}

pub(crate) async fn operator(
    settings: &Settings,
    client: &Client,
    targets: &Targets,
    concert: ConcertId,
) -> anyhow::Result<Admin> {
    let room = api::at(&targets.line[0], client)?;
    let token = match settings.get("SUNBEON_ADMIN_TOKEN") {
        Some(token) => token.to_owned(),
        None => access::ask(&room, "load-operator", true).await?,
    };
    let control = api::at(&targets.reservation_open[0], client)?;
    Ok(Admin {
        waiting_room: room.by(token.as_str()),
        reservation_open: control.by(token),
        concert,
    })
}

pub(crate) struct Crowd<'a> {
    pub(crate) options: &'a Options,
    pub(crate) api: Arc<Instances>,
    pub(crate) concert: ConcertId,
    /// How many went through the run's own concert before the crowd.
    pub(crate) before: u64,
    pub(crate) stop: CancellationToken,
}

impl Crowd<'_> {
    /// Sends the crowd and judges what it saw; a concert of the run's own is removed.
    pub(crate) async fn go(
        self,
        fans: impl Iterator<Item = (String, String)>,
        admin: &Admin,
    ) -> Report {
        let begun = Instant::now();
        let stop = self.stop.child_token();
        let own = self.options.concert.is_none();
        let limit = self.options.max_active.filter(|_| own);
        let watch = tokio::spawn(watch(admin.clone(), limit, stop.clone()));
        let diaries = self.send(fans, &stop).await;
        let wall = begun.elapsed();
        stop.cancel();
        let mut watch = watch.await.unwrap_or_default();
        watch.note(admin.ledger().await, limit);
        let removed = if own {
            Some(admin.close_and_delete(self.patience()).await)
        } else {
            None
        };
        self.report(&diaries, &watch, removed, wall)
    }

    fn patience(&self) -> Duration {
        if self.options.complete {
            LAST_SLOTS
        } else {
            Duration::ZERO
        }
    }

    /// Lets the fans arrive and waits for all of them; any still there when time is up go home.
    async fn send(
        &self,
        fans: impl Iterator<Item = (String, String)>,
        stop: &CancellationToken,
    ) -> Vec<Diary> {
        let begun = Clock::now();
        let give_up = begun + self.options.timeout();
        let gap = Duration::from_secs(self.options.arrival_seconds.into()) / self.options.members;
        let mut inside = JoinSet::new();
        for (index, (member, token)) in fans.enumerate() {
            let due = begun + gap * index as u32;
            if due > Clock::now() {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => (),
                    () = stop.cancelled() => break,
                }
            }
            let fan = Fan::new(self.api.clone(), self.concert.clone(), member, token);
            inside.spawn(attend(fan, self.options.complete, give_up, stop.clone()));
        }
        let mut diaries = Vec::with_capacity(inside.len());
        while let Some(diary) = inside.join_next().await {
            diaries.extend(diary.ok());
        }
        diaries
    }

    fn report(
        &self,
        diaries: &[Diary],
        watch: &Watch,
        removed: Option<anyhow::Result<bool>>,
        wall: Duration,
    ) -> Report {
        let options = self.options;
        let verbs = self
            .api
            .recorder
            .as_ref()
            .map(|recorder| recorder.rows())
            .unwrap_or_default();
        let whole = self.before + u64::from(options.members);
        let whole = options.concert.is_none().then_some(whole);
        let mut checks = vec![no_errors(&verbs)];
        checks.extend(judge_fans(
            diaries,
            options.members as usize,
            options.complete,
        ));
        checks.extend(watch.judge(whole, options.complete));
        checks.extend(removed.map(|removed| cleaned_up(removed, options.complete)));
        let clean = checks.iter().all(|check| check.ok);
        Report {
            command: std::env::args().collect::<Vec<_>>().join(" "),
            machine: Machine::here(),
            concert_id: self.concert.to_string(),
            members: options.members,
            connections: options.connections,
            wall_seconds: wall.as_secs_f64(),
            all_admitted_seconds: all_admitted(diaries, options.members as usize),
            verbs,
            ledger: watch.last,
            checks,
            clean,
        }
    }
}

/// Takes one member all the way. Fetches the token twice: the second must equal the first.
async fn attend(mut fan: Fan, complete: bool, give_up: Clock, stop: CancellationToken) -> Diary {
    tokio::select! {
        _ = go_through(&mut fan, complete) => (),
        () = tokio::time::sleep_until(give_up) => (),
        () = stop.cancelled() => (),
    }
    fan.diary
}

async fn go_through(fan: &mut Fan, complete: bool) -> Result<(), Failure> {
    fan.enter().await?;
    fan.wait().await?;
    fan.claim().await?;
    fan.claim().await?;
    if complete {
        fan.complete().await
    } else {
        Ok(())
    }
}

/// Reads the operators' line once a second until stopped.
async fn watch(admin: Admin, limit: Option<u32>, stop: CancellationToken) -> Watch {
    let mut watch = Watch::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => (),
            () = stop.cancelled() => return watch,
        }
        watch.note(admin.ledger().await, limit);
    }
}

fn all_admitted(diaries: &[Diary], members: usize) -> Option<f64> {
    let admitted: Option<Vec<_>> = diaries.iter().map(|diary| diary.ready_at).collect();
    let last = admitted
        .filter(|all| all.len() == members)?
        .into_iter()
        .max()?;
    let first = diaries
        .iter()
        .filter_map(|diary| Some(diary.entry?.sent))
        .min()?;
    Some((last - first).as_secs_f64())
}

fn no_errors(verbs: &[Summary]) -> Check {
    let of = |row: &Summary| {
        let verb = row.verb;
        let say = move |(what, n): (&String, &u64)| format!("{n} of {verb}: {what}");
        row.errors.iter().map(say).collect::<Vec<_>>()
    };
    let errors: Vec<_> = verbs.iter().flat_map(of).collect();
    let detail = if errors.is_empty() {
        "no errors".to_owned()
    } else {
        errors.join(", ")
    };
    Check::new("no request failed", errors.is_empty(), detail)
}

/// With `all_left`, nobody is inside whom the removal would have to wait for.
pub(crate) fn cleaned_up(removed: anyhow::Result<bool>, all_left: bool) -> Check {
    let detail = match &removed {
        Ok(true) => "closed and deleted".to_owned(),
        Ok(false) => "closed; not deleted while members are inside".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    let good = removed.is_ok_and(|deleted| deleted || !all_left);
    Check::new("the run's concert was removed", good, detail)
}
