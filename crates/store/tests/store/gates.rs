//! The cap as gates see it: a gate believes a token until its end by the clock, unless it has read that
//! its session has ended, and what it has read is up to five seconds old. A member who comes back within
//! that time has two tokens and one slot: they are one person, whom a gate knows by the login.

use std::collections::{HashMap, HashSet, VecDeque};

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use sunbeon_domain::{EntryNumber, EntryState};
use sunbeon_store::Claim;
use tokio::runtime::Runtime;

use crate::world::{World, number};

/// The oldest knowledge that a gate acts on, in seconds.
const LAG: usize = 5;
const SLOTS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Enter(u8),
    /// A member enters, is called if there is a slot, and claims.
    Visit(u8),
    /// A batch is opened by hand and called.
    Open,
    /// The schedule's group is called.
    Schedule,
    Claim(u8),
    Exit(u8),
    Complete(u8),
    Extend(u8),
    Sweep,
    /// Seconds that pass, heard and beaten.
    Pass(u8),
    /// The clock steps ahead by so many seconds, and then a second passes. (Where a gate's clock goes
    /// back, tokens that had run out are good again, and nobody can tell it.)
    ClockAhead(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..5_u8;
    prop_oneof![
        3 => who().prop_map(Step::Enter),
        12 => who().prop_map(Step::Visit),
        2 => Just(Step::Open),
        2 => Just(Step::Schedule),
        4 => who().prop_map(Step::Claim),
        6 => who().prop_map(Step::Exit),
        3 => who().prop_map(Step::Complete),
        4 => who().prop_map(Step::Extend),
        2 => Just(Step::Sweep),
        8 => prop_oneof![8 => 1..8_u8, 1 => 20..90_u8].prop_map(Step::Pass),
        1 => (1..90_u8).prop_map(Step::ClockAhead),
    ]
}

struct Gate {
    world: World,
    /// Whose every token is, and its end in seconds since the epoch; of one that was issued again the
    /// latest.
    issued: HashMap<EntryNumber, (u8, i64)>,
    /// Which sessions had ended, of the last seconds, the oldest first.
    read: VecDeque<HashSet<EntryNumber>>,
}

fn name(who: u8) -> String {
    format!("m{who}")
}

impl Gate {
    async fn second(&mut self) {
        let ended = self.world.revoked().await.into_iter().collect();
        self.read.push_back(ended);
        if self.read.len() > LAG {
            self.read.pop_front();
        }
    }

    fn check(&self) {
        let now = self.world.now().seconds();
        let believed = self.issued.iter().filter(|(entry, (_, until))| {
            let has_ended = self.read.front().is_some_and(|ended| ended.contains(entry));
            *until > now && !has_ended
        });
        let believed: HashSet<_> = believed.map(|(_, (who, _))| who).collect();
        assert!(believed.len() <= SLOTS, "{believed:?} at {now}");
    }

    fn issue(&mut self, who: u8, entry: EntryNumber, exp: i64) {
        let (_, end) = self.issued.entry(entry).or_insert((who, exp));
        *end = exp.max(*end);
    }

    async fn claim(&mut self, who: u8) {
        if let Claim::Entered(entered) = self.world.claim(&name(who)).await {
            self.issue(who, entered.1.number, entered.1.exp);
        }
    }

    /// The entry of a member who is inside.
    async fn inside(&self, who: u8) -> Option<EntryNumber> {
        let place = self.world.place(&name(who)).await;
        number(place).filter(|_| matches!(place, EntryState::Entered { .. }))
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Enter(who) => {
                self.world.enter(&name(*who)).await;
            }
            Step::Visit(who) => {
                self.world.enter(&name(*who)).await;
                self.world.let_in(1).await;
                self.claim(*who).await;
            }
            Step::Open => {
                self.world.let_in(2).await;
            }
            Step::Schedule => {
                let taken = self.world.schedule().await;
                self.world.call(&taken.entries).await;
            }
            Step::Claim(who) => self.claim(*who).await,
            Step::Exit(who) => {
                self.world.exit(&name(*who)).await;
            }
            Step::Complete(who) => {
                if let Some(entry) = self.inside(*who).await {
                    self.world.complete(&name(*who), entry).await;
                }
            }
            Step::Extend(who) => {
                if let Some(entry) = self.inside(*who).await
                    && let Some(extension) = self.world.extend(&name(*who), entry).await
                {
                    self.issue(*who, entry, extension.token.exp);
                }
            }
            Step::Sweep => self.world.sweep().await,
            Step::Pass(seconds) => {
                for _ in 0..*seconds {
                    self.world.pass(1.0).await;
                    self.world.sweep().await;
                    self.second().await;
                    self.check();
                }
            }
            Step::ClockAhead(seconds) => {
                self.world.pass_unheard(f64::from(*seconds));
                self.world.pass(1.0).await;
                self.world.sweep().await;
                self.second().await;
            }
        }
        self.check();
    }
}

async fn never_more_are_believed(world: World, mode: &str, steps: &[Step]) {
    let policy = json!({"mode": mode, "maxActive": SLOTS, "sessionMinutes": 1,
        "holdDurationMinutes": 1, "readyTtlSeconds": 10, "groupSize": 2, "entryIntervalSeconds": 1});
    world.put(1, policy).await;
    let mut gate = Gate {
        world,
        issued: HashMap::new(),
        read: VecDeque::new(),
    };
    for step in steps {
        gate.take(step).await;
    }
}

fn run(cases: u32, world: impl AsyncFn() -> World) {
    let runtime = Runtime::new().unwrap();
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let modes = prop::sample::select(vec!["queue", "threshold"]);
    let steps = prop::collection::vec(step(), 1..100);
    let outcome = TestRunner::new(config).run(&(modes, steps), |(mode, steps)| {
        runtime.block_on(async {
            never_more_are_believed(world().await, mode, &steps).await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn no_gate_believes_more_members_than_there_are_slots() {
    run(600, World::memory);
}

#[test]
fn on_redis_no_gate_believes_more_members_than_there_are_slots() {
    run(12, World::redis);
}
