//! A store whose clock the test moves, on either backend.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use sunbeon_domain::{
    Concert, ConcertId, EntryNumber, EntryState, Estimate, MemberId, Policy, UnixMs,
};
use sunbeon_store::{
    Admission, Beat, Claim, Entering, Entrant, Extension, FeedPage, FeedPlace, Leaving,
    MemoryStore, Opening, RedisStore, Role, Snapshot, Store, Swept, Taken, TakenEntry, Ticked,
    TokenFacts, redis::Settings,
};
use sunbeon_test_support::{RedisCluster, RedisServer};

/// 2026-11-20T05:00:00Z, in microseconds.
pub(crate) const START: u64 = 1_795_150_800_000_000;

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    clock: Arc<AtomicU64>,
    pub(crate) redis: Option<RedisServer>,
    cluster: Option<RedisCluster>,
}

pub(crate) fn id() -> ConcertId {
    ConcertId::parse("c").unwrap()
}

pub(crate) fn member(name: &str) -> MemberId {
    MemberId::parse(name).unwrap()
}

pub(crate) fn policy(fields: Value) -> Policy {
    let mut all = json!({"title": "콘서트"});
    all.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    Policy::create(serde_json::from_value(all).unwrap()).unwrap()
}

/// RFC 3339 of a moment so many seconds after the start of the test's world.
pub(crate) fn at(seconds: i64) -> String {
    UnixMs((START / 1000) as i64 + seconds * 1000).to_string()
}

impl World {
    pub(crate) async fn memory() -> Self {
        let clock = Arc::new(AtomicU64::new(START));
        let hands = clock.clone();
        let store = MemoryStore::with_clock(move || hands.load(Ordering::SeqCst));
        Self {
            store: Arc::new(store),
            clock,
            redis: None,
            cluster: None,
        }
    }

    /// One server, or a cluster where `SUNBEON_TEST_REDIS` says so.
    pub(crate) async fn redis() -> Self {
        let (mut redis, mut cluster) = (None, None);
        let url = if std::env::var_os("SUNBEON_TEST_REDIS").is_some_and(|kind| kind == "cluster") {
            let started = RedisCluster::with_frozen_clock(START).await;
            cluster.insert(started).url()
        } else {
            let started = RedisServer::with_frozen_clock(START).await;
            redis.insert(started).url()
        };
        let store = RedisStore::open(&settings(url)).unwrap();
        Self {
            store: Arc::new(store),
            clock: Arc::new(AtomicU64::new(START)),
            redis,
            cluster,
        }
    }

    pub(crate) fn now(&self) -> UnixMs {
        UnixMs((self.clock.load(Ordering::SeqCst) / 1000) as i64)
    }

    pub(crate) fn set_clock(&self, micros: u64) {
        self.clock.store(micros, Ordering::SeqCst);
        if let Some(server) = &self.redis {
            server.set_clock(micros);
        }
        if let Some(cluster) = &self.cluster {
            cluster.set_clock(micros);
        }
    }

    /// Time passes, or the clock steps, while none of our services beats.
    pub(crate) fn pass_unheard(&self, seconds: f64) {
        let step = (seconds * 1e6).round() as i64;
        self.set_clock(
            self.clock
                .load(Ordering::SeqCst)
                .checked_add_signed(step)
                .unwrap(),
        );
    }

    /// One beat of a role.
    pub(crate) async fn beat(&self, role: Role, heard: bool) {
        let beat = Beat { role, heard };
        self.store.beat(&id(), beat).await.unwrap();
    }

    /// Time passes while waiting-room and token beat and members are heard.
    pub(crate) async fn pass(&self, seconds: f64) {
        self.pass_with(seconds, &[Role::WaitingRoom, Role::Token], true)
            .await;
    }

    /// Time passes while only these roles beat.
    pub(crate) async fn pass_with(&self, seconds: f64, roles: &[Role], heard: bool) {
        let mut left = seconds;
        while left > 0.0 {
            let step = left.min(2.0);
            self.pass_unheard(step);
            for role in roles {
                self.beat(*role, heard).await;
            }
            left -= step;
        }
    }

    pub(crate) async fn put(&self, version: u64, fields: Value) {
        self.put_closed(version, fields, false).await;
    }

    pub(crate) async fn put_closed(&self, version: u64, fields: Value, closed: bool) {
        let concert = Concert {
            concert_id: id(),
            version,
            closed,
            policy: policy(fields),
        };
        self.store.put_concert(&concert).await.unwrap();
    }

    /// Enters, with the longest line that the estimate allows.
    pub(crate) async fn enter(&self, name: &str) -> Entering {
        let entered = self.enter_all(&[name]).await;
        entered.into_iter().next().expect("an answer")
    }

    pub(crate) async fn enter_all(&self, names: &[&str]) -> Vec<Entering> {
        let entrant = |name: &&str| Entrant {
            member: member(name),
            name: "이름".to_owned(),
        };
        let snapshot = self.snapshot().await;
        let entrants: Vec<_> = names.iter().map(entrant).collect();
        let longest =
            Estimate::longest_line(&snapshot.line_facts, &snapshot.concert.policy, snapshot.at);
        let entered = self.store.enter_all(&id(), &entrants, longest).await;
        let entered = entered.unwrap().into_iter().map(Result::unwrap);
        entered.collect()
    }

    /// A new entry's number.
    pub(crate) async fn join(&self, name: &str) -> EntryNumber {
        match self.enter(name).await {
            Entering::New(found) => number(found.state).expect("an entry has a number"),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Where a member stands, without a sign of life.
    pub(crate) async fn place(&self, name: &str) -> EntryState {
        self.store
            .status(&id(), &member(name), false)
            .await
            .unwrap()
            .state
    }

    /// A word for where a member stands, away told apart from waiting.
    pub(crate) async fn state(&self, name: &str) -> &'static str {
        let place = self.place(name).await;
        let listed = self.store.members(&id(), None, 1000).await.unwrap();
        let away = listed.iter().any(|l| l.away && l.member == member(name));
        match place {
            EntryState::None => "none",
            EntryState::Waiting { .. } if away => "away",
            EntryState::Waiting { .. } => "waiting",
            EntryState::Admitting { .. } => "admitting",
            EntryState::Ready { .. } => "ready",
            EntryState::Entered { .. } => "entered",
        }
    }

    pub(crate) async fn admit(&self, opening: Opening<'_>) -> Taken {
        match self.store.admit(&id(), opening).await.unwrap() {
            Admission::Taken(taken) => *taken,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn open(&self, batch_size: u32) -> Taken {
        self.admit(Opening {
            batch_size,
            taken: 0,
            key: None,
        })
        .await
    }

    /// What is due, the schedule's take among it.
    pub(crate) async fn schedule(&self) -> Ticked {
        self.store.tick(&id(), true).await.unwrap()
    }

    /// Delivers the ENTER messages of entries taken; how many became READY.
    pub(crate) async fn call(&self, taken: &[TakenEntry]) -> usize {
        let entries: Vec<_> = taken.iter().map(|p| (p.member.clone(), p.number)).collect();
        let called = self.store.ready(&id(), &entries).await.unwrap();
        called.into_iter().filter(|called| *called).count()
    }

    /// Opens a batch and delivers its messages.
    pub(crate) async fn let_in(&self, batch_size: u32) -> Vec<String> {
        let taken = self.open(batch_size).await;
        assert_eq!(self.call(&taken.entries).await, taken.entries.len());
        names(&taken)
    }

    pub(crate) async fn claim(&self, name: &str) -> Claim {
        self.store.claim(&id(), &member(name), "kid").await.unwrap()
    }

    pub(crate) async fn claimed(&self, name: &str) -> TokenFacts {
        match self.claim(name).await {
            Claim::Entered(entered) => entered.1,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) async fn exit(&self, name: &str) -> Option<EntryNumber> {
        self.store
            .leave(&id(), &member(name), Leaving::ByChoice)
            .await
            .unwrap()
    }

    pub(crate) async fn complete(&self, name: &str, number: EntryNumber) -> bool {
        self.store
            .complete(&id(), &member(name), number)
            .await
            .unwrap()
    }

    pub(crate) async fn extend(&self, name: &str, number: EntryNumber) -> Option<Extension> {
        self.store
            .extend(&id(), &member(name), number)
            .await
            .unwrap()
    }

    /// Ends a session; its entry.
    pub(crate) async fn exits(&self, name: &str) -> EntryNumber {
        self.exit(name).await.expect("a session ends")
    }

    /// Lets a member in who claims a token and leaves; the entry.
    pub(crate) async fn visits(&self, name: &str) -> EntryNumber {
        self.join(name).await;
        self.let_in(1).await;
        self.claimed(name).await;
        self.exits(name).await
    }

    /// A page of the sessions that ended early.
    pub(crate) async fn feed(&self, after: Option<FeedPlace>) -> FeedPage {
        self.store.revoked(&id(), after).await.unwrap()
    }

    /// The entries of all sessions that ended early, in the order in which they did.
    pub(crate) async fn revoked(&self) -> Vec<EntryNumber> {
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let page = self.feed(after).await.revoked;
            entries.extend(page.iter().map(|it| it.place.number));
            match page.last() {
                Some(last) if page.len() == 1_000 => after = Some(last.place),
                _ => return entries,
            }
        }
    }

    /// The line in numbers; both identities must hold.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let snapshot = self.store.snapshot(&id()).await.unwrap();
        assert!(snapshot.adds_up(), "{snapshot:#?}");
        assert_eq!(snapshot.out_of_order, 0, "{snapshot:#?}");
        snapshot
    }

    pub(crate) async fn due_again(&self) -> Vec<TakenEntry> {
        self.schedule().await.due_again
    }

    pub(crate) async fn sweep(&self) {
        while self.swept().await.more {}
    }

    /// One step of a sweep.
    pub(crate) async fn swept(&self) -> Swept {
        self.store.tick(&id(), false).await.unwrap().swept
    }
}

pub(crate) fn settings(url: String) -> Settings {
    Settings {
        url: url.into(),
        wait_replicas: 0,
        timeout_ms: 5_000,
    }
}

pub(crate) fn number(place: EntryState) -> Option<EntryNumber> {
    place.number()
}

/// What was taken, by hand or by schedule.
pub(crate) trait TakenNow {
    fn entries(&self) -> &[TakenEntry];
}

impl TakenNow for Taken {
    fn entries(&self) -> &[TakenEntry] {
        &self.entries
    }
}

impl TakenNow for Ticked {
    fn entries(&self) -> &[TakenEntry] {
        &self.entries
    }
}

pub(crate) fn names(taken: &impl TakenNow) -> Vec<String> {
    let names = taken.entries().iter().map(|taken| taken.member.to_string());
    names.collect()
}
