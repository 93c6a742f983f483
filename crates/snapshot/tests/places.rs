//! Places told by passes, by snapshots and by the store, in any mixture, on both stores.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use proptest::{prelude::*, test_runner::TestRunner};
use sunbeon_domain::{Concert, ConcertId, EntryNumber, EntryState, MemberId, Policy};
use sunbeon_snapshot::{Snapshots, Told, View};
use sunbeon_store::{
    Admission, Beat, Entering, Leaving, MemoryStore, Opening, RedisStore, Role, StandingFacts,
    Store, redis::Settings,
};
use sunbeon_test_support::RedisServer;
use sunbeon_tokens::Pass;
use tokio::runtime::Runtime;

/// 2026-11-20T05:00:00Z, in microseconds.
const START: u64 = 1_795_150_800_000_000;
/// The oldest snapshot that a process shows, in microseconds.
const STALE: u64 = 5_000_000;

#[derive(Debug, Clone)]
enum Step {
    Enter(u8),
    Leave(u8),
    /// A poll with the pass, by a snapshot that some process has.
    Poll(u8, prop::sample::Index),
    /// A poll with the pass, by a snapshot of this moment.
    PollFresh(u8),
    /// A poll without the pass.
    PollBare(u8),
    /// A client's own reckoning by a snapshot that it was given.
    Reckon(u8, prop::sample::Index),
    Open(u8),
    /// Some process takes a snapshot.
    Snapshot,
    Pass(u8),
    Sweep,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..8_u8;
    let which = any::<prop::sample::Index>;
    prop_oneof![
        8 => who().prop_map(Step::Enter),
        2 => who().prop_map(Step::Leave),
        10 => (who(), which()).prop_map(|(who, which)| Step::Poll(who, which)),
        4 => who().prop_map(Step::PollFresh),
        3 => who().prop_map(Step::PollBare),
        5 => (who(), which()).prop_map(|(who, which)| Step::Reckon(who, which)),
        4 => (1..4_u8).prop_map(Step::Open),
        6 => Just(Step::Snapshot),
        6 => (1..20_u8).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
        1 => prop::bool::weighted(0.3).prop_map(|clears| if clears { Step::Clear } else { Step::Snapshot }),
    ]
}

struct Case {
    store: Arc<dyn Store>,
    server: Option<Arc<RedisServer>>,
    clock: Arc<AtomicU64>,
    id: ConcertId,
    snapshots: Snapshots,
    /// Those that processes have, with the moment.
    views: Vec<(u64, View)>,
    /// The last pass of each client that is in line.
    clients: HashMap<u8, Pass>,
}

fn member(who: u8) -> MemberId {
    MemberId::parse(format!("m{who}")).unwrap()
}

impl Case {
    fn now(&self) -> u64 {
        self.clock.load(SeqCst)
    }

    fn set_clock(&self, micros: u64) {
        self.clock.store(micros, SeqCst);
        if let Some(server) = &self.server {
            server.set_clock(micros);
        }
    }

    async fn exact(&self, who: u8) -> EntryState {
        let found = self.store.status(&self.id, &member(who), false).await;
        found.unwrap().state
    }

    async fn view(&mut self) -> View {
        let view = self.snapshots.refresh(&self.id, None).await.unwrap();
        self.views.push((self.now(), view.clone()));
        view
    }

    async fn some_view(&mut self, which: prop::sample::Index) -> View {
        let now = self.now();
        self.views.retain(|(taken, _)| now - taken < STALE);
        if self.views.is_empty() {
            return self.view().await;
        }
        which.get(&self.views).1.clone()
    }

    /// A client is told a number: not above the last, not below the exact one.
    async fn is_told(&mut self, who: u8, told: Told) {
        let exact = self.exact(who).await;
        let new = told.0;
        if let EntryState::Waiting {
            number,
            queue_number,
            ..
        } = exact
            && number == new.number
        {
            assert!(
                queue_number <= new.told,
                "{queue_number} is told as {}",
                new.told
            );
        }
        let before = self.clients.get(&who).filter(|it| it.number == new.number);
        if let Some(before) = before {
            assert!(
                new.told <= before.told,
                "{} rose to {}",
                before.told,
                new.told
            );
        }
        self.clients.insert(who, new);
    }

    /// A member is told what the store says, with the pass that they sent.
    async fn is_found(&mut self, who: u8, mut found: StandingFacts, pass: Option<Pass>) {
        if let Some(pass) = pass {
            Told(pass).limit(&mut found);
        }
        let Some(told) = Told::of(&found) else {
            self.clients.remove(&who);
            return;
        };
        self.is_told(who, told).await;
    }

    async fn poll(&mut self, who: u8, view: Option<View>) {
        let known = self.clients.get(&who).copied();
        let pass = known.filter(|_| view.is_some()).map(Told);
        let by_view = pass
            .as_ref()
            .zip(view.as_ref())
            .and_then(|(told, view)| told.by_view(view));
        if let Some(told) = by_view {
            return self.is_told(who, told).await;
        }
        let found = self
            .store
            .status(&self.id, &member(who), true)
            .await
            .unwrap();
        self.is_found(who, found, pass.map(|told| told.0)).await;
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Enter(who) => {
                let entered = self.store.enter(&self.id, &member(*who), "").await.unwrap();
                if let Entering::New(found) | Entering::Already(found) = entered {
                    let pass = self.clients.get(who).copied();
                    self.is_found(*who, found, pass).await;
                }
            }
            Step::Leave(who) => {
                let member = member(*who);
                let left = self.store.leave(&self.id, &member, Leaving::ByChoice);
                left.await.unwrap();
                self.clients.remove(who);
            }
            Step::Poll(who, which) => {
                let view = self.some_view(*which).await;
                self.poll(*who, Some(view)).await;
            }
            Step::PollFresh(who) => {
                let view = self.view().await;
                self.poll(*who, Some(view)).await;
                let exact = self.exact(*who).await;
                let waits = matches!(exact, EntryState::Waiting { .. });
                assert_eq!(
                    self.clients.contains_key(who),
                    waits,
                    "told at the next poll"
                );
            }
            Step::PollBare(who) => self.poll(*who, None).await,
            Step::Reckon(who, which) => {
                let view = self.some_view(*which).await;
                let Some(pass) = self.clients.get(who) else {
                    return;
                };
                let (taken, front) = (view.snapshot.progress.taken, view.snapshot.front);
                let place = pass.told.saturating_sub(taken.saturating_sub(pass.taken));
                if front.is_some_and(|front| pass.number > front)
                    && let EntryState::Waiting {
                        number,
                        queue_number,
                        ..
                    } = self.exact(*who).await
                    && number == pass.number
                {
                    assert!((queue_number..=pass.told).contains(&place), "{place}");
                }
            }
            Step::Open(n) => {
                let by = Opening {
                    batch_size: (*n).into(),
                    taken: 0,
                    key: None,
                };
                let admission = self.store.admit(&self.id, by).await.unwrap();
                if let Admission::Taken(taken) = admission {
                    let entries = taken.entries.into_iter().map(|it| (it.member, it.number));
                    let entries: Vec<(MemberId, EntryNumber)> = entries.collect();
                    self.store
                        .ready(&self.id, &entries[..entries.len() / 2])
                        .await
                        .unwrap();
                }
            }
            Step::Snapshot => {
                self.view().await;
            }
            Step::Pass(seconds) => {
                for _ in 0..*seconds {
                    self.set_clock(self.now() + 1_000_000);
                    for role in [Role::WaitingRoom, Role::Token] {
                        let beat = Beat { role, heard: true };
                        self.store.beat(&self.id, beat).await.unwrap();
                    }
                }
            }
            Step::Sweep => {
                self.store.tick(&self.id, false).await.unwrap();
            }
            Step::Clear => {
                self.store.clear(&self.id).await.unwrap();
            }
        }
    }
}

fn check(cases: u32, server: Option<Arc<RedisServer>>, runtime: &Runtime) {
    let numbers = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = prop::collection::vec(step(), 1..120);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        numbers.set(numbers.get() + 1);
        let clock = Arc::new(AtomicU64::new(START));
        let hands = clock.clone();
        let store: Arc<dyn Store> = match &server {
            None => Arc::new(MemoryStore::with_clock(move || hands.load(SeqCst))),
            Some(server) => Arc::new(runtime.block_on(async {
                let settings = Settings {
                    url: server.url().into(),
                    wait_replicas: 0,
                    timeout_ms: 5_000,
                };
                RedisStore::open(&settings).unwrap()
            })),
        };
        let mut case = Case {
            snapshots: Snapshots::new(store.clone()),
            store,
            server: server.clone(),
            clock,
            id: ConcertId::parse(format!("c{}", numbers.get())).unwrap(),
            views: Vec::new(),
            clients: HashMap::new(),
        };
        case.set_clock(START);
        runtime.block_on(async {
            let policy = Policy {
                waiting_ttl_seconds: 30,
                keep_place_minutes: 1,
                auto_open: false,
                ..Policy::default()
            };
            let concert = Concert {
                concert_id: case.id.clone(),
                version: 1,
                closed: false,
                policy,
            };
            case.store.put_concert(&concert).await.unwrap();
            for step in &steps {
                case.take(step).await;
            }
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn a_place_never_rises_and_is_never_too_small_whoever_tells_it() {
    check(400, None, &Runtime::new().unwrap());
}

#[test]
fn on_redis_a_place_never_rises_and_is_never_too_small_whoever_tells_it() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::with_frozen_clock(START));
    check(60, Some(Arc::new(server)), &runtime);
}
