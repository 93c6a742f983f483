use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use futures::future::join_all;
use proptest::prelude::*;
use sunbeon_domain::{Concert, EntryNumber, MemberId, Mode, Policy};
use sunbeon_store::{Leaving, MemoryStore};

use super::*;

fn id() -> ConcertId {
    ConcertId::parse("c").unwrap()
}

/// A store whose clock goes on by a second with every call, and a concert in it.
async fn store() -> MemoryStore {
    let clock = AtomicU64::new(1_795_150_800_000_000);
    let store = MemoryStore::with_clock(move || clock.fetch_add(1_000_000, SeqCst));
    let policy = Policy {
        mode: Mode::Off,
        ..Policy::default()
    };
    let concert = Concert {
        concert_id: id(),
        version: 1,
        closed: false,
        policy,
    };
    store.put_concert(&concert).await.unwrap();
    store
}

/// Ends so many sessions early.
async fn end(store: &MemoryStore, names: std::ops::Range<usize>) -> Vec<EntryNumber> {
    let mut ended = Vec::new();
    for name in names {
        let member = MemberId::parse(name.to_string()).unwrap();
        store.enter(&id(), &member, "").await.unwrap();
        store.claim(&id(), &member, "kid").await.unwrap();
        let left = store.leave(&id(), &member, Leaving::ByChoice).await;
        ended.push(left.unwrap().unwrap());
    }
    ended
}

/// Reads part after part, and says how many there were.
async fn read_all(
    feeds: &Feeds,
    store: &MemoryStore,
    after: &mut Option<FeedPlace>,
) -> (Vec<EntryNumber>, usize) {
    let (mut all, mut parts) = (Vec::new(), 0);
    loop {
        let part = feeds.read(store, &id(), *after).await.unwrap();
        assert!(part.revoked.len() <= PART);
        all.extend(part.revoked.iter().map(|it| it.place.number));
        (*after, parts) = (part.cursor, parts + 1);
        if !part.more {
            return (all, parts);
        }
    }
}

#[tokio::test]
async fn every_part_is_told_whatever_the_length_of_the_feed() {
    let (store, feeds) = (store().await, Feeds::default());
    let (mut ended, mut after) = (Vec::new(), None);
    for length in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, PART, PART + 1] {
        let new = end(&store, ended.len()..length).await;
        ended.extend(new.clone());
        for feeds in [&feeds, &Feeds::default()] {
            let (all, parts) = read_all(feeds, &store, &mut None).await;
            assert!(all == ended, "{length}");
            assert!(parts <= length / PART + 1, "{parts} for {length}");
        }
        let (since, _) = read_all(&feeds, &store, &mut after).await;
        assert!(since == new, "{length}");
    }
}

#[tokio::test]
async fn what_ended_before_a_question_is_in_its_answer_however_many_ask() {
    let (store, feeds) = (store().await, Feeds::default());
    let mut ended = Vec::new();
    for name in 0..20 {
        ended.extend(end(&store, name..name + 1).await);
        let concert = id();
        let parts = join_all((0..10).map(|_| feeds.read(&store, &concert, None))).await;
        for part in parts {
            let told = part.unwrap().revoked.into_iter().map(|it| it.place.number);
            assert_eq!(told.collect::<Vec<_>>(), ended);
        }
    }
}

/// A store's feed, as far as a reader can tell.
#[derive(Default, Clone)]
struct Source(Vec<Revoked>);

impl Source {
    fn end(&mut self, number: u64, now: u64) {
        let highest = self.0.last().map_or(0, |last| last.place.order);
        let place = FeedPlace {
            order: now.max(highest + 1),
            number: EntryNumber(number),
        };
        self.0.push(Revoked { place, until: 0 });
    }

    fn page(&self, after: Option<FeedPlace>) -> FeedPage {
        let at = after.and_then(|place| self.0.iter().position(|it| it.place == place));
        FeedPage {
            goes_on: at.is_some(),
            oldest: self.0.first().map(|first| first.place.order),
            revoked: self.0[at.map_or(0, |at| at + 1)..].to_vec(),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    End,
    /// A gate asks one of two processes.
    Poll(usize),
    Replicated,
    Failover,
    Forget,
    Clock(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::End),
        5 => (0..2_usize).prop_map(Step::Poll),
        2 => Just(Step::Replicated),
        2 => Just(Step::Failover),
        1 => Just(Step::Forget),
        1 => (-3..4_i64).prop_map(Step::Clock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..Default::default() })]

    /// As the store's own test has it, with processes in between that keep what they read.
    #[test]
    fn a_gate_misses_none_whichever_process_it_asks_and_whatever_a_failover_loses(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let (mut source, mut replica) = (Source::default(), Source::default());
        let (mut now, mut number) = (1_000_u64, 0);
        let mut processes = [List::default(), List::default()];
        let (mut known, mut forgotten, mut after) = (Vec::new(), Vec::new(), None);
        for step in steps {
            match step {
                Step::End => {
                    number += 1;
                    source.end(number, now);
                }
                Step::Poll(which) => {
                    let list = &mut processes[which];
                    let page = source.page(list.last());
                    list.take_in(page);
                    let part = list.part(after);
                    known.extend(part.revoked.iter().map(|it| it.place.number));
                    after = part.cursor;
                    // One that was forgotten may come back, and no token of it is good.
                    for listed in &source.0 {
                        let number = listed.place.number;
                        prop_assert!(known.contains(&number) || forgotten.contains(&number));
                    }
                }
                Step::Replicated => replica = source.clone(),
                Step::Failover => source = replica.clone(),
                Step::Forget => {
                    let oldest = source.0.drain(..source.0.len().min(1));
                    forgotten.extend(oldest.map(|it| it.place.number));
                }
                Step::Clock(by) => now = now.saturating_add_signed(by),
            }
        }
    }
}
