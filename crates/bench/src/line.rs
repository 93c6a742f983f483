//! What a line costs Redis: memory, bulk verbs, a crowd that went away, idle lines.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use redis::aio::ConnectionManager;
use serde_json::{Value, json};
use sunbeon_chassis::Rounds;
use sunbeon_domain::{Concert, ConcertId, EntryState, MemberId, Policy};
use sunbeon_snapshot::{Heard, Snapshots};
use sunbeon_store::{
    Admission, Beat, Entrant, Looks, MOST_AT_ONCE, Opening, RedisStore, Role, Store, Taken,
};
use sunbeon_tokens::Guests;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Concerts of which few are live, and how many are.
const CONCERTS: usize = 10_000;
const LIVE: usize = 100;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// An empty Redis
    #[arg(long)]
    redis: String,
    /// How long the lines are
    #[arg(long, default_value_t = 200_000)]
    members: u64,
}

struct Bench {
    store: Arc<RedisStore>,
    redis: ConnectionManager,
    members: u64,
}

pub(crate) async fn measure(options: Options) -> anyhow::Result<()> {
    let client = redis::Client::open(options.redis.as_str()).context("--redis is no address")?;
    let mut bench = Bench {
        store: Arc::new(crate::data::store(&options.redis)?),
        redis: client.get_connection_manager().await?,
        members: options.members,
    };
    println!("| | measured | target |\n|---|---|---|");
    bench.memory().await?;
    bench.bulk_verbs().await?;
    bench.away().await?;
    bench.idle_lines().await
}

fn row(what: &str, measured: &str, target: &str) {
    println!("| {what} | {measured} | {target} |");
}

impl Bench {
    async fn info(&mut self, section: &str, field: &str) -> anyhow::Result<f64> {
        let mut info = redis::cmd("INFO");
        let text: String = info.arg(section).query_async(&mut self.redis).await?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(line.context("INFO lacks a field")?.trim().parse()?)
    }

    /// Seconds of Redis' main thread so far.
    async fn cpu(&mut self) -> anyhow::Result<f64> {
        let user = self.info("cpu", "used_cpu_user_main_thread").await?;
        Ok(user + self.info("cpu", "used_cpu_sys_main_thread").await?)
    }

    async fn put(&self, id: &str, fields: Value) -> anyhow::Result<ConcertId> {
        let concert_id = ConcertId::parse(id)?;
        let mut all = json!({"title": "Benchmark", "autoOpen": false, "identity": "guest"});
        let given = fields.as_object().context("fields are an object")?.clone();
        all.as_object_mut().context("an object")?.extend(given);
        let policy = Policy::create(serde_json::from_value(all)?);
        let policy = policy.map_err(|field| anyhow::anyhow!("{field:?} is refused"))?;
        let concert = Concert {
            concert_id: concert_id.clone(),
            version: 1,
            closed: false,
            policy,
        };
        self.store.put_concert(&concert).await?;
        Ok(concert_id)
    }

    /// Lines members up.
    async fn fill(
        &self,
        id: &ConcertId,
        member: impl Fn() -> anyhow::Result<MemberId>,
        name: &str,
    ) -> anyhow::Result<()> {
        let mut left = self.members;
        while left > 0 {
            let many = left.min(MOST_AT_ONCE as u64);
            let entrant = || {
                Ok(Entrant {
                    member: member()?,
                    name: name.to_owned(),
                })
            };
            let entrants: anyhow::Result<Vec<_>> = (0..many).map(|_| entrant()).collect();
            self.store.enter_all(id, &entrants?, u64::MAX).await?;
            left -= many;
        }
        Ok(())
    }

    async fn memory(&mut self) -> anyhow::Result<()> {
        let guests = Guests::new(&[7; 32], 5)?;
        let guest = || Ok(guests.issue().id);
        self.memory_of("a guest", guest, "", "≤ 250 B").await?;
        let named = "a member with a name of 9 letters and a UUID for an id";
        self.memory_of(named, uuid, "Kim Minji", "≤ 340 B").await
    }

    async fn memory_of(
        &mut self,
        who: &str,
        member: impl Fn() -> anyhow::Result<MemberId>,
        name: &str,
        target: &str,
    ) -> anyhow::Result<()> {
        let id = self.put("memory", json!({})).await?;
        let before = self.info("memory", "used_memory").await?;
        self.fill(&id, member, name).await?;
        let used = self.info("memory", "used_memory").await? - before;
        let bytes = used / self.members as f64;
        row(
            &format!("memory of {who} in line"),
            &format!("{bytes:.0} B"),
            target,
        );
        self.store.clear(&id).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(())
    }

    async fn open(&self, id: &ConcertId, batch_size: u32) -> anyhow::Result<Taken> {
        let by = Opening {
            batch_size,
            taken: 0,
            key: None,
        };
        match self.store.admit(id, by).await? {
            Admission::Taken(taken) => Ok(*taken),
            other => bail!("nobody is taken: {other:?}"),
        }
    }

    async fn bulk_verbs(&mut self) -> anyhow::Result<()> {
        let id = self.put("bulk", json!({"readyTtlSeconds": 3600})).await?;
        self.fill(&id, uuid, "Kim Minji").await?;
        let (mut admit, mut ready) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let before = self.cpu().await?;
            let taken = self.open(&id, 1_000).await?.entries;
            let between = self.cpu().await?;
            let entries: Vec<_> = taken.into_iter().map(|it| (it.member, it.number)).collect();
            ensure!(entries.len() == 1_000, "the line is too short");
            self.store.ready(&id, &entries).await?;
            admit.push(between - before);
            ready.push(self.cpu().await? - between);
        }
        for (verb, times) in [("admit", admit), ("ready", ready)] {
            row(
                &format!("`{verb}` of 1,000, Redis' time"),
                &spread(times),
                "≤ 6 ms",
            );
        }
        self.store.clear(&id).await?;
        Ok(())
    }

    /// A crowd that went away stands in front of one who is there.
    async fn away(&mut self) -> anyhow::Result<()> {
        let fields = json!({"waitingTtlSeconds": 30});
        let id = self.put("away", fields).await?;
        self.fill(&id, uuid, "Kim Minji").await?;
        let heard = Heard::default();
        while self.store.snapshot(&id).await?.counts.waiting > 0 {
            let beat = async |id: ConcertId, beat| beat_once(&*self.store, id, beat).await;
            // Somebody is heard, or the crowd would be missed by us.
            heard.note(&id);
            heard.beat(&*self.store, Role::WaitingRoom, beat).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let here = MemberId::parse("here")?;
        self.store.enter(&id, &here, "").await?;
        let other = self.put("other", json!({})).await?;
        self.store.enter(&other, &here, "").await?;
        let done = Arc::new(AtomicBool::new(false));
        let asking = tokio::spawn(ask_again_and_again(self.store.clone(), other, done.clone()));
        let (before, mut calls) = (self.cpu().await?, Vec::new());
        loop {
            let started = self.cpu().await?;
            let taken = self.open(&id, 1).await?;
            calls.push(self.cpu().await? - started);
            if !taken.more {
                ensure!(taken.entries.len() == 1, "the one who is there is taken");
                break;
            }
        }
        let whole = self.cpu().await? - before;
        done.store(true, Ordering::Relaxed);
        let mut asked = asking.await??;
        asked.sort_unstable();
        let p99 = asked[asked.len() * 99 / 100];
        row("1,000 moved away, Redis' time", &spread(calls), "≤ 6 ms");
        let per_million = whole * 1e6 / self.members as f64;
        let (passed, also) = (
            format!("{whole:.2} s"),
            format!("{per_million:.1} s a million"),
        );
        row(
            &format!(
                "{} who are away in front of one, Redis' time",
                thousands(self.members)
            ),
            &format!("{passed}, {also}"),
            "< 6 s a million",
        );
        let p99 = format!("{:.1} ms", p99.as_secs_f64() * 1e3);
        row("p99 of a status elsewhere meanwhile", &p99, "< 50 ms");
        self.store.clear(&id).await?;
        Ok(())
    }

    /// Many concerts of which few are live, and two replicas of every service.
    async fn idle_lines(&mut self) -> anyhow::Result<()> {
        let fields = json!({"autoOpen": true, "groupSize": 1, "entryIntervalSeconds": 1});
        for number in 0..CONCERTS {
            let id = self.put(&format!("idle-{number}"), fields.clone()).await?;
            if number < LIVE {
                // One who stays READY, so that the line stays live.
                self.store.enter(&id, &MemberId::parse("a")?, "").await?;
            }
        }
        let replicas: Vec<_> = (0..2).flat_map(|_| self.replica()).collect();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (before, started) = (self.cpu().await?, Instant::now());
        tokio::time::sleep(Duration::from_secs(20)).await;
        let share = (self.cpu().await? - before) / started.elapsed().as_secs_f64();
        let what = format!(
            "{} concerts, {LIVE} live, two replicas",
            thousands(CONCERTS as u64)
        );
        row(
            &format!("{what}: Redis' main thread"),
            &format!("{:.1} % of a core", share * 1e2),
            "< 5 %",
        );
        let mut waited = Vec::new();
        for number in LIVE..LIVE + 20 {
            let id = ConcertId::parse(format!("idle-{number}"))?;
            waited.push(self.wake(&id).await?.as_secs_f64());
        }
        waited.sort_by(f64::total_cmp);
        let (median, most) = (waited[waited.len() / 2], waited[waited.len() - 1]);
        let measured = format!("{median:.2} s, at most {most:.2}");
        row(
            "the first take of a line that wakes up",
            &measured,
            "< 1.5 s",
        );
        for replica in replicas {
            replica.abort();
        }
        Ok(())
    }

    /// What one process of each service does for the lines, at its own pace: the loops of waiting-room, token
    /// and reservation-open, without what they do besides.
    fn replica(&self) -> Vec<JoinHandle<()>> {
        let second = Duration::from_secs(1);
        let never = CancellationToken::new();
        let (store, stop) = (self.store.clone(), never.clone());
        let waiting_room = tokio::spawn(async move {
            let (heard, snapshots) = (Heard::default(), Snapshots::new(store.clone()));
            let refresh = async |id: ConcertId, beat| snapshots.refresh(&id, beat).await.map(drop);
            let round = || heard.beat(&*store, Role::WaitingRoom, refresh);
            Rounds::every(second, "beat").run(&stop, round).await;
        });
        let (store, stop) = (self.store.clone(), never.clone());
        let token = tokio::spawn(async move {
            let heard = Heard::default();
            let beat = async |id: ConcertId, beat| beat_once(&*store, id, beat).await;
            let round = || heard.beat(&*store, Role::Token, beat);
            Rounds::every(second, "token beat").run(&stop, round).await;
        });
        let (store, stop) = (self.store.clone(), never);
        let reservation_open = tokio::spawn(async move {
            let looks = Looks::default();
            let tick = async |id: ConcertId| Ok(store.tick(&id, true).await?.next_take_ms);
            let rounds = Rounds::every(Looks::ROUND, "tick");
            let round = || looks.round(&*store, tick);
            rounds.run_woken(&stop, looks.wake(), round).await;
        });
        vec![waiting_room, token, reservation_open]
    }

    /// How long it takes until the first one in an idle line is taken.
    async fn wake(&self, id: &ConcertId) -> anyhow::Result<Duration> {
        let first = MemberId::parse("first")?;
        let started = Instant::now();
        self.store.enter(id, &first, "").await?;
        loop {
            let found = self.store.status(id, &first, false).await?;
            if !matches!(found.state, EntryState::Waiting { .. }) {
                return Ok(started.elapsed());
            }
            ensure!(
                started.elapsed() < Duration::from_secs(30),
                "nobody is taken"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn beat_once(
    store: &dyn Store,
    id: ConcertId,
    beat: Option<Beat>,
) -> sunbeon_store::Result<()> {
    match beat {
        Some(beat) => store.beat(&id, beat).await,
        None => Ok(()),
    }
}

async fn ask_again_and_again(
    store: Arc<RedisStore>,
    id: ConcertId,
    done: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let (member, mut took) = (MemberId::parse("here")?, Vec::new());
    while !done.load(Ordering::Relaxed) {
        let started = Instant::now();
        store.status(&id, &member, true).await?;
        took.push(started.elapsed());
    }
    Ok(took)
}

fn uuid() -> anyhow::Result<MemberId> {
    Ok(MemberId::parse(Uuid::new_v4().to_string())?)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    parts.join(",")
}

/// Median, least and most of seconds, in milliseconds.
fn spread(mut seconds: Vec<f64>) -> String {
    seconds.sort_by(f64::total_cmp);
    let ms = |index: usize| seconds[index] * 1e3;
    let last = seconds.len() - 1;
    format!("{:.1} ms ({:.1}–{:.1})", ms(last / 2), ms(0), ms(last))
}
