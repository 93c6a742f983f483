//! Whoever reads on from where it was misses no session that ended early, whatever the feed loses.

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;
use sunbeon_domain::EntryNumber;
use sunbeon_store::FeedPlace;
use tokio::runtime::Runtime;

use crate::world::{World, id};

#[derive(Debug, Clone)]
enum Step {
    /// A session ends early.
    End,
    Poll,
    /// The replica has all of the feed.
    Replicated,
    /// The replica is promoted, its clock so many seconds ahead.
    Failover(i64),
    /// The concert is dropped and made again.
    Again,
    Pass(i64),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::End),
        4 => Just(Step::Poll),
        2 => Just(Step::Replicated),
        2 => prop::sample::select(vec![-60, 0, 0, 1]).prop_map(Step::Failover),
        1 => Just(Step::Again),
        1 => prop::sample::select(vec![-1, 1, 60, 4_000]).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
    ]
}

/// One who reads the feed, and what it knows by then.
#[derive(Default)]
struct Reader {
    known: BTreeSet<EntryNumber>,
    after: Option<FeedPlace>,
}

impl Reader {
    async fn poll(&mut self, world: &World) {
        let page = world.feed(self.after).await;
        self.known
            .extend(page.revoked.iter().map(|it| it.place.number));
        let last = page.revoked.last().map(|it| it.place);
        self.after = last.or(self.after.filter(|_| page.goes_on));
        // One that was forgotten may come back by a failover, and no token of it is good.
        for listed in world.feed(None).await.revoked {
            let is_over = listed.until <= world.now().seconds();
            let is_known = self.known.contains(&listed.place.number);
            assert!(is_over || is_known, "{listed:?} is missed");
        }
    }
}

/// A world in which the feed can be set back to what a replica had of it.
struct Sale {
    world: World,
    version: u64,
    visitors: u64,
}

impl Sale {
    async fn command(&self, command: &str) {
        let redis = self.world.redis.as_ref().unwrap();
        redis.send(command).await;
    }

    async fn put(&mut self) {
        self.version += 1;
        let fields = json!({"sessionMinutes": 1, "holdDurationMinutes": 1});
        self.world.put(self.version, fields).await;
    }

    async fn make(&mut self, step: &Step, reader: &mut Reader) {
        match step {
            Step::End => {
                self.visitors += 1;
                self.world.visits(&format!("m{}", self.visitors)).await;
            }
            Step::Poll => reader.poll(&self.world).await,
            Step::Replicated => {
                self.command("DEL replica").await;
                self.command("COPY {concert:c}:revoked replica").await;
            }
            Step::Failover(ahead) => {
                self.command("DEL {concert:c}:revoked").await;
                self.command("COPY replica {concert:c}:revoked").await;
                self.world.pass_unheard(*ahead as f64);
            }
            Step::Again => {
                self.version += 1;
                // The slots of those who left are taken for a while.
                let drop = async || {
                    let store = &self.world.store;
                    store.drop_concert(&id(), self.version).await.unwrap()
                };
                while !drop().await {
                    self.world.pass(7.0).await;
                }
                self.put().await;
            }
            Step::Pass(seconds) => self.world.pass_unheard(*seconds as f64),
            Step::Sweep => self.world.sweep().await,
        }
    }
}

#[test]
fn a_reader_misses_none_whatever_a_failover_loses_and_however_often_a_concert_is_made_again() {
    let runtime = Runtime::new().unwrap();
    let config = ProptestConfig {
        cases: 60,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let world = runtime.block_on(World::redis());
    let sale = std::cell::RefCell::new(Sale {
        world,
        version: 0,
        visitors: 0,
    });
    let steps = prop::collection::vec(step(), 1..40);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let mut sale = sale.borrow_mut();
        runtime.block_on(async {
            sale.command("FLUSHALL").await;
            sale.world.set_clock(crate::world::START);
            sale.put().await;
            let mut reader = Reader::default();
            for step in &steps {
                sale.make(step, &mut reader).await;
            }
            reader.poll(&sale.world).await;
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// The one sequence in which an order alone would name two sessions.
#[tokio::test]
async fn a_session_that_ends_after_a_failover_in_the_place_of_a_lost_one_is_told() {
    let world = World::redis().await;
    let (mut sale, mut reader) = (
        Sale {
            world,
            version: 0,
            visitors: 0,
        },
        Reader::default(),
    );
    sale.put().await;
    for step in [
        Step::Replicated,
        Step::End,
        Step::Poll,
        Step::Failover(0),
        Step::End,
        Step::Poll,
    ] {
        sale.make(&step, &mut reader).await;
    }
    assert_eq!(reader.known.len(), 2, "the lost one is still known");
}
