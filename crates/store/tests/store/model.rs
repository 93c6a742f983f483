//! The embedded store is the model: the same random sequence of calls runs on it and on a real
//! Redis, on one clock, and every answer must be the same: also of a Redis without memory, which takes
//! nothing new, and after a failover, which both come back from as they were some calls before.

use std::time::Duration;

use crate::world::{START, at, member, policy, settings};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, StockReport, Tier};
use sunbeon_store::{
    Asker, Beat, Entrant, FeedPlace, Leaving, MemoryStore, Opening, RedisStore, Role, Store,
};
use sunbeon_test_support::RedisServer;
use tokio::runtime::Runtime;

#[derive(Debug, Clone)]
enum Call {
    Put {
        policy: usize,
        closed: bool,
    },
    Drop,
    Enter(u8),
    /// Some of the members, perhaps one twice, where lines up to a length are no long wait.
    EnterTogether(Vec<u8>, u64),
    /// Twenty others enter, or show signs of life.
    Crowd,
    Status(u8, bool),
    StatusTogether(Vec<u8>, bool),
    Leave(u8, bool),
    Claim(u8),
    Complete(u8, bool),
    Extend(u8, bool),
    /// Some of the members have a page of the shop open.
    Pages(Vec<u8>),
    /// From the beginning, or behind the session that is so far behind the beginning.
    Revoked(Option<usize>, bool),
    Open {
        batch_size: u32,
        key: Option<u8>,
    },
    /// Does what is due, with a way to send messages or without.
    Tick(bool),
    /// Delivers one of the ENTER messages of this case, or all.
    Ready(Option<prop::sample::Index>),
    /// The shop reports so many left and so many held.
    Stock(u32, u32),
    Beat(Role, bool),
    Snapshot,
    /// The snapshot that all share, with a beat or without.
    Recent(Option<(Role, bool)>),
    Members,
    Clear,
    /// Seconds that pass while these roles beat, and whether members are heard; without roles a gap, or
    /// a step of the clock.
    Pass(i64, &'static [Role], bool),
    /// Redis is killed, stays away for so many seconds, and comes back.
    Outage(i64),
    /// From now on Redis has no memory left, or has some again.
    Full(bool),
    /// A replica has everything up to here.
    Replicate,
    /// That replica is promoted: what came after is lost.
    Failover,
}

fn call() -> impl Strategy<Value = Call> {
    let who = 0..6_u8;
    let role = prop::sample::select(vec![Role::WaitingRoom, Role::Token, Role::Realtime]);
    let roles = || {
        let all: [&[Role]; 4] = [&BOTH, &BOTH[..1], &BOTH[1..], &[]];
        prop_oneof![
            6 => Just(all[0]), 1 => Just(all[1]), 1 => Just(all[2]), 3 => Just(all[3]),
        ]
    };
    let heard = || prop::bool::weighted(0.8);
    let seconds = prop::sample::select(vec![0, 1, 4, 5, 6, 14, 16, 29, 30, 31, 59, 60, 61, 120]);
    let long = prop::sample::select(vec![299, 300, 301, 599, 600, 1800, 4000, 90_000]);
    let step = prop::sample::select(vec![-90_000, -3600, -660, -16, -7, 660, 3600, 90_000]);
    prop_oneof![
        2 => (0..POLICIES, prop::bool::weighted(0.1))
            .prop_map(|(policy, closed)| Call::Put { policy, closed }),
        1 => Just(Call::Drop),
        12 => who.clone().prop_map(Call::Enter),
        8 => (prop::collection::vec(who.clone(), 1..8), 0..6_u64)
            .prop_map(|(who, longest)| Call::EnterTogether(who, longest)),
        3 => (prop::collection::vec(who.clone(), 1..8), any::<bool>())
            .prop_map(|(who, sign)| Call::StatusTogether(who, sign)),
        1 => Just(Call::Crowd),
        8 => (who.clone(), any::<bool>()).prop_map(|(who, sign)| Call::Status(who, sign)),
        4 => (who.clone(), any::<bool>()).prop_map(|(who, removed)| Call::Leave(who, removed)),
        8 => who.clone().prop_map(Call::Claim),
        4 => (who.clone(), any::<bool>()).prop_map(|(who, right)| Call::Complete(who, right)),
        8 => prop::collection::vec(who.clone(), 0..4).prop_map(Call::Pages),
        4 => (who, prop::bool::weighted(0.8))
            .prop_map(|(who, right)| Call::Extend(who, right)),
        3 => (prop::option::of(0..3_usize), prop::bool::weighted(0.8))
            .prop_map(|(behind, right)| Call::Revoked(behind, right)),
        6 => (1..5_u32, prop::option::weighted(0.3, 0..2_u8))
            .prop_map(|(batch_size, key)| Call::Open { batch_size, key }),
        10 => prop::bool::weighted(0.7).prop_map(Call::Tick),
        10 => prop::option::of(any::<prop::sample::Index>()).prop_map(Call::Ready),
        3 => (0..3_u32, 0..2_u32).prop_map(|(left, held)| Call::Stock(left, held)),
        3 => (role.clone(), heard()).prop_map(|(role, heard)| Call::Beat(role, heard)),
        4 => prop::option::of((role, heard())).prop_map(Call::Recent),
        2 => Just(Call::Members),
        1 => Just(Call::Clear),
        8 => (seconds, roles(), heard()).prop_map(|(s, by, heard)| Call::Pass(s, by, heard)),
        3 => (long, roles(), heard()).prop_map(|(s, by, heard)| Call::Pass(s, by, heard)),
        1 => step.prop_map(|seconds| Call::Pass(seconds, &[], false)),
        1 => (0..1000_i64).prop_map(Call::Outage),
        2 => any::<bool>().prop_map(Call::Full),
        2 => Just(Call::Replicate),
        2 => Just(Call::Failover),
    ]
}

const POLICIES: usize = 10;
const BOTH: [Role; 2] = [Role::WaitingRoom, Role::Token];

fn policy_fields(which: usize) -> Value {
    let short = json!({"waitingTtlSeconds": 30, "keepPlaceMinutes": 1, "readyTtlSeconds": 30,
        "sessionMinutes": 1, "holdDurationMinutes": 1, "identity": "guest", "groupSize": 2,
        "entryIntervalSeconds": 5});
    let own = match which {
        0 => json!({}),
        1 => json!({"mode": "threshold", "maxActive": 2, "identity": "member"}),
        2 => json!({"mode": "off", "maxActive": 1, "sessionMinutes": 2}),
        3 => json!({"paused": true, "maxActive": 3}),
        4 => json!({"bookingStartAt": at(60), "joinStartHours": 0, "maxActive": 2}),
        5 => json!({"bookingStartAt": at(300), "bookingEndAt": at(3000), "keepPlaceMinutes": 0}),
        6 => json!({"maxQueueSize": 3, "autoOpen": false}),
        7 => json!({"waitingTtlSeconds": 60, "keepPlaceMinutes": 3, "readyTtlSeconds": 10,
            "sessionMinutes": 3, "holdDurationMinutes": 2, "maxActive": 2, "idleShopSeconds": 20}),
        8 => json!({"mode": "threshold", "maxActive": 2, "stopWhenSoldOut": false}),
        _ => json!({"refuseLongWait": true, "maxWaitTimeMinutes": 1, "entryIntervalSeconds": 30}),
    };
    let mut fields = short;
    fields
        .as_object_mut()
        .unwrap()
        .extend(own.as_object().unwrap().clone());
    fields
}

/// One case: both stores, the clock of both, and what a caller of the line would remember.
struct Case<'a> {
    server: &'a RedisServer,
    redis: &'a RedisStore,
    model: MemoryStore,
    now: std::sync::Arc<std::sync::atomic::AtomicU64>,
    concert: ConcertId,
    known: Known,
    full: bool,
    /// The calls that had an effect, each with its moment and what was known then.
    made: Vec<(u64, Known, Call)>,
    replica: Option<Replica>,
}

/// What a caller of the line remembers.
#[derive(Clone, Default)]
struct Known {
    version: u64,
    messages: Vec<(MemberId, EntryNumber)>,
}

/// What a replica has: so many of the calls, and the keys with their values and ends.
struct Replica {
    made: usize,
    keys: Vec<(String, Vec<u8>, i64)>,
    is_listed: bool,
}

impl Case<'_> {
    fn set_clock(&self, micros: u64) {
        self.now.store(micros, std::sync::atomic::Ordering::SeqCst);
        self.server.set_clock(micros);
    }

    fn pass(&self, seconds: i64) {
        let now = self.now.load(std::sync::atomic::Ordering::SeqCst);
        self.set_clock(now.checked_add_signed(seconds * 1_000_000).unwrap());
    }

    /// Makes a call on both; the answers must be alike.
    async fn make(&mut self, call: &Call) {
        match call {
            Call::Pass(seconds, roles, heard) => {
                // At most so many beats; longer steps count for two seconds, or are gaps.
                let step = 2.max(seconds / 40);
                let mut left = *seconds;
                while left > 0 && !roles.is_empty() {
                    self.pass(step.min(left));
                    left -= step;
                    for role in *roles {
                        self.compare(&Call::Beat(*role, *heard)).await;
                    }
                }
                if roles.is_empty() {
                    self.pass(*seconds);
                }
            }
            Call::Outage(seconds) => {
                self.server.kill();
                self.pass(*seconds);
                self.server.start_again().await;
                // The connection in hand is broken; the next one is not.
                let back = async || self.redis.is_up().await;
                sunbeon_test_support::eventually(Duration::from_secs(20), "Redis", back).await;
                self.set_full(self.full).await;
            }
            Call::Full(full) => self.set_full(*full).await,
            Call::Replicate => self.replicate().await,
            Call::Failover => self.fail_over().await,
            call => self.compare(call).await,
        }
        self.compare(&Call::Snapshot).await;
    }

    async fn compare(&mut self, call: &Call) {
        if matches!(call, Call::Put { .. } | Call::Drop) {
            self.known.version += 1;
        }
        let real = answer(self.redis, &self.concert, &self.known, call).await;
        if real.text == FULL {
            assert!(self.full, "{call:?}");
            return;
        }
        let modelled = answer(&self.model, &self.concert, &self.known, call).await;
        assert_eq!(real.text, modelled.text, "{call:?}");
        let now = self.now.load(std::sync::atomic::Ordering::SeqCst);
        self.made.push((now, self.known.clone(), call.clone()));
        self.known.messages.extend(modelled.messages);
    }

    async fn command<T: redis::FromRedisValue>(&self, command: &mut redis::Cmd) -> T {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }

    async fn set_full(&mut self, full: bool) {
        let limit = if full { "1" } else { "0" };
        let mut set = redis::cmd("CONFIG");
        let () = self
            .command(set.arg("SET").arg("maxmemory").arg(limit))
            .await;
        self.full = full;
    }

    async fn keys(&self) -> Vec<String> {
        let line = format!("concert:{}", self.concert);
        let mut others = redis::cmd("KEYS");
        let mut keys: Vec<String> = self
            .command(others.arg(format!("*{{concert:{}}}*", self.concert)))
            .await;
        keys.push(line);
        keys
    }

    async fn replicate(&mut self) {
        let mut keys = Vec::new();
        for key in self.keys().await {
            let value: Option<Vec<u8>> = self.command(redis::cmd("DUMP").arg(&key)).await;
            let end: i64 = self.command(redis::cmd("PEXPIRETIME").arg(&key)).await;
            keys.extend(value.map(|value| (key, value, end.max(0))));
        }
        let mut listed = redis::cmd("SISMEMBER");
        let is_listed = self
            .command(listed.arg("concerts").arg(self.concert.as_str()))
            .await;
        self.replica = Some(Replica {
            made: self.made.len(),
            keys,
            is_listed,
        });
    }

    async fn fail_over(&mut self) {
        let Some(replica) = self.replica.take() else {
            return;
        };
        let full = self.full;
        self.set_full(false).await;
        let keys = self.keys().await;
        let _: u64 = self.command(redis::cmd("UNLINK").arg(keys)).await;
        for (key, value, end) in &replica.keys {
            let mut restore = redis::cmd("RESTORE");
            let restore = restore.arg(key).arg(end).arg(value).arg("ABSTTL");
            let () = self.command(restore).await;
        }
        let list = if replica.is_listed { "SADD" } else { "SREM" };
        let mut list = redis::cmd(list);
        let _: u64 = self
            .command(list.arg("concerts").arg(self.concert.as_str()))
            .await;
        self.set_full(full).await;
        // The model is made again by the same calls at the same moments.
        let now = self.now.load(std::sync::atomic::Ordering::SeqCst);
        let hands = self.now.clone();
        let clock = move || hands.load(std::sync::atomic::Ordering::SeqCst);
        self.model = MemoryStore::with_clock(clock);
        self.made.truncate(replica.made);
        for (moment, known, call) in &self.made {
            self.now.store(*moment, std::sync::atomic::Ordering::SeqCst);
            answer(&self.model, &self.concert, known, call).await;
        }
        self.now.store(now, std::sync::atomic::Ordering::SeqCst);
    }
}

/// An answer as text, and the ENTER messages that come of it.
struct Answered {
    text: String,
    messages: Vec<(MemberId, EntryNumber)>,
}

async fn answer(store: &dyn Store, id: &ConcertId, known: &Known, call: &Call) -> Answered {
    // The last two are guests.
    let name = |who: u8| member(&format!("{}{who}", if who < 4 { "m" } else { "guest:" }));
    let mut messages = Vec::new();
    let text = match call {
        Call::Put {
            policy: which,
            closed,
        } => {
            let policy = policy(policy_fields(*which));
            let (concert_id, version) = (id.clone(), known.version);
            let concert = Concert {
                concert_id,
                version,
                closed: *closed,
                policy,
            };
            debug(store.put_concert(&concert).await)
        }
        Call::Drop => debug(store.drop_concert(id, known.version).await),
        Call::Enter(who) => debug(store.enter(id, &name(*who), "이 름").await),
        Call::EnterTogether(who, longest) => {
            let entrants: Vec<_> = who.iter().map(|who| entrant(name(*who), "이 름")).collect();
            debug(store.enter_all(id, &entrants, *longest).await)
        }
        Call::Crowd => {
            let crowd = (0..20).map(|who| entrant(member(&format!("crowd-{who}")), ""));
            let crowd: Vec<_> = crowd.collect();
            debug(store.enter_all(id, &crowd, u64::MAX).await)
        }
        Call::StatusTogether(who, sign) => {
            let asker = |who: &u8| Asker {
                member: name(*who),
                sign_of_life: *sign,
            };
            let askers: Vec<_> = who.iter().map(asker).collect();
            debug(store.status_all(id, &askers).await)
        }
        Call::Status(who, sign) => debug(store.status(id, &name(*who), *sign).await),
        Call::Leave(who, removed) => {
            let how = if *removed {
                Leaving::Removed
            } else {
                Leaving::ByChoice
            };
            debug(store.leave(id, &name(*who), how).await)
        }
        Call::Claim(who) => {
            let kid = format!("k{}", known.version);
            debug(store.claim(id, &name(*who), &kid).await)
        }
        Call::Complete(who, right) | Call::Extend(who, right) => {
            let place = store
                .status(id, &name(*who), false)
                .await
                .map(|found| found.state);
            let number = place
                .ok()
                .and_then(crate::world::number)
                .unwrap_or(EntryNumber(5))
                .0;
            let number = EntryNumber(number + u64::from(!right));
            match call {
                Call::Complete(..) => debug(store.complete(id, &name(*who), number).await),
                _ => debug(store.extend(id, &name(*who), number).await),
            }
        }
        Call::Pages(who) => {
            let members: Vec<_> = who.iter().map(|who| name(*who)).collect();
            debug(store.note_pages(id, &members).await)
        }
        Call::Revoked(behind, right) => {
            let all = store.revoked(id, None).await.unwrap().revoked;
            let after = behind
                .and_then(|behind| all.get(behind))
                .map(|it| FeedPlace {
                    number: EntryNumber(it.place.number.0 + u64::from(!right)),
                    ..it.place
                });
            debug(store.revoked(id, after).await)
        }
        Call::Open {
            batch_size,
            key: given,
        } => {
            let key = given.map(|key| key.to_string());
            let opening = Opening {
                batch_size: *batch_size,
                taken: 0,
                key: key.as_deref(),
            };
            let admission = store.admit(id, opening).await;
            if let Ok(sunbeon_store::Admission::Taken(taken)) = &admission {
                messages = taken
                    .entries
                    .iter()
                    .map(|p| (p.member.clone(), p.number))
                    .collect();
            }
            debug(admission)
        }
        Call::Ready(Some(which)) if !known.messages.is_empty() => {
            debug(store.ready(id, &[which.get(&known.messages).clone()]).await)
        }
        Call::Ready(_) => debug(store.ready(id, &known.messages).await),
        Call::Tick(sends) => {
            let ticked = store.tick(id, *sends).await;
            if let Ok(ticked) = &ticked {
                let entries = ticked.entries.iter();
                messages = entries.map(|p| (p.member.clone(), p.number)).collect();
            }
            debug(ticked)
        }
        Call::Stock(left, held) => {
            let tier = Tier {
                name: "이 름".to_owned(),
                price: None,
                left: *left,
            };
            let report = StockReport {
                tiers: vec![tier],
                held: *held,
            };
            debug(store.put_stock(id, &report).await)
        }
        Call::Beat(role, heard) => {
            let (role, heard) = (*role, *heard);
            debug(store.beat(id, Beat { role, heard }).await)
        }
        Call::Snapshot => {
            let snapshot = store.snapshot(id).await;
            if let Ok(snapshot) = &snapshot {
                assert!(snapshot.adds_up(), "{snapshot:#?}");
                assert_eq!(snapshot.out_of_order, 0, "{snapshot:#?}");
            }
            debug(snapshot)
        }
        Call::Recent(beat) => {
            let beat = beat.map(|(role, heard)| Beat { role, heard });
            debug(store.recent(id, beat).await)
        }
        Call::Members => debug(store.members(id, None, 4).await),
        Call::Clear => debug(store.clear(id).await),
        Call::Pass(..) | Call::Outage(..) | Call::Full(..) | Call::Replicate | Call::Failover => {
            String::new()
        }
    };
    Answered { text, messages }
}

fn entrant(member: MemberId, name: &str) -> Entrant {
    let name = name.to_owned();
    Entrant { member, name }
}

const FULL: &str = "the store is full";

fn debug<T: std::fmt::Debug>(answer: sunbeon_store::Result<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(sunbeon_store::StoreError::UnknownConcert) => "unknown concert".into(),
        Err(sunbeon_store::StoreError::Full(_)) => FULL.into(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn the_same_calls_have_the_same_answers_on_both_stores() {
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::with_frozen_clock(START));
    let redis = runtime.block_on(async { RedisStore::open(&settings(server.url())).unwrap() });
    let cases = std::cell::Cell::new(0);
    let config = ProptestConfig {
        cases: 150,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let sequences = (0..POLICIES, prop::collection::vec(call(), 1..80));
    let outcome = TestRunner::new(config).run(&sequences, |(policy, calls)| {
        cases.set(cases.get() + 1);
        let now = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(START));
        let hands = now.clone();
        let clock = move || hands.load(std::sync::atomic::Ordering::SeqCst);
        let mut case = Case {
            server: &server,
            redis: &redis,
            model: MemoryStore::with_clock(clock),
            now,
            concert: ConcertId::parse(format!("c{}", cases.get())).unwrap(),
            known: Known::default(),
            full: false,
            made: Vec::new(),
            replica: None,
        };
        case.set_clock(START);
        runtime.block_on(async {
            case.set_full(false).await;
            case.make(&Call::Put {
                policy,
                closed: false,
            })
            .await;
            for call in &calls {
                case.make(call).await;
            }
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
