//! Random calls by several members as time passes: the invariants hold after each call, and SQLite
//! and PostgreSQL give the same answers.

use std::num::NonZeroU32;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use secrecy::SecretString;
use sunbeon_booking::stock::{BookingId, Created, Kind, Session, Visit};
use sunbeon_domain::EntryNumber;

use crate::world::{HOLD, MINUTE, World, demo, ids, member, plan, ticket, visit, wish};

/// Bookings are identified by the order of their creation, counted from the last.
#[derive(Debug, Clone)]
enum Step {
    Lock(usize, Vec<usize>),
    Release(usize, Vec<usize>),
    Create(usize, Vec<usize>, u32),
    Begin(usize, usize, &'static str),
    Paid(usize, u32),
    Declined(usize, u32),
    Cancel(usize, usize),
    /// A member's session ends, and the member returns in the next one.
    End(usize),
    Work,
    Collect,
    Reset,
    Put(u32),
    Minutes(i64),
}

const MEMBERS: [&str; 3] = ["a", "b", "c"];
const PLACES: [&str; 4] = ["A.1.1", "A.1.2", "A.1.3", "A.2.1"];

fn step() -> impl Strategy<Value = Step> {
    let who = 0..MEMBERS.len();
    let places = || vec(0..PLACES.len(), 1..3);
    prop_oneof![
        6 => (who.clone(), places()).prop_map(|(who, places)| Step::Lock(who, places)),
        1 => (who.clone(), places()).prop_map(|(who, places)| Step::Release(who, places)),
        6 => (who.clone(), vec(0..PLACES.len(), 0..3), 0..3_u32)
            .prop_map(|(who, places, tickets)| Step::Create(who, places, tickets)),
        6 => (who.clone(), 0..3_usize, prop_oneof![Just("x"), Just("y")])
            .prop_map(|(who, back, token)| Step::Begin(who, back, token)),
        5 => (0..3_usize, 1..3_u32).prop_map(|(back, attempt)| Step::Paid(back, attempt)),
        2 => (0..3_usize, 1..3_u32).prop_map(|(back, attempt)| Step::Declined(back, attempt)),
        2 => (who.clone(), 0..3_usize).prop_map(|(who, back)| Step::Cancel(who, back)),
        1 => (0..MEMBERS.len()).prop_map(Step::End),
        1 => Just(Step::Work),
        1 => Just(Step::Collect),
        1 => Just(Step::Reset),
        1 => (5..7_u32).prop_map(Step::Put),
        3 => prop_oneof![Just(1_i64), Just(4), Just(9)].prop_map(Step::Minutes),
    ]
}

struct Run {
    world: World,
    /// How many sessions of each member have ended.
    ended: [u64; MEMBERS.len()],
    made: Vec<BookingId>,
}

impl Run {
    /// Returns a member's visit in the current session.
    fn visit(&self, who: usize) -> Visit {
        let mut visit = visit(&demo(), &member(MEMBERS[who]));
        visit.entry_number = Some(self.entry(who));
        visit
    }

    /// Each member has separate sessions.
    fn entry(&self, who: usize) -> EntryNumber {
        EntryNumber(1_763_640_000_000_000 + self.ended[who] * 10 + who as u64)
    }

    fn booking(&self, back: usize) -> Option<BookingId> {
        self.made.iter().rev().nth(back).copied()
    }

    /// Takes a step on one of the replicas and returns the answer in words, without ids.
    async fn take(&mut self, turn: usize, step: &Step) -> String {
        let stock = self.world.replica(turn).clone();
        let places = |places: &[usize]| {
            let places: Vec<_> = places.iter().map(|place| PLACES[*place]).collect();
            ids(&places)
        };
        match step {
            Step::Lock(who, wanted) => {
                let (visit, wanted) = (self.visit(*who), places(wanted));
                word(&stock.hold(&visit, &wanted, HOLD).await.unwrap())
            }
            Step::Release(who, given) => {
                let (visit, given) = (self.visit(*who), places(given));
                word(&stock.release(&visit, &given).await.unwrap())
            }
            Step::Create(who, seats, tickets) => {
                let mut new = wish(MEMBERS[*who], &[], 0);
                new.visit = self.visit(*who);
                new.seat_ids = places(seats);
                let tickets = NonZeroU32::new(*tickets);
                new.tickets
                    .extend(tickets.map(|quantity| (ticket(), quantity)));
                let created = stock.create(&new).await.unwrap();
                if let Created::New(booking) = &created {
                    self.made.push(booking.booking_id);
                }
                word(&created)
            }
            Step::Begin(who, back, token) => {
                let Some(id) = self.booking(*back) else {
                    return String::new();
                };
                let (visit, token) = (self.visit(*who), SecretString::from(*token));
                word(&stock.begin_payment(&visit, id, &token, None).await.unwrap())
            }
            Step::Paid(back, attempt) => match self.booking(*back) {
                Some(id) if self.began(id, *attempt).await => {
                    let payment = format!("pay-{id}-{attempt}");
                    word(&stock.paid(id, *attempt, &payment).await.unwrap())
                }
                _ => String::new(),
            },
            Step::Declined(back, attempt) => match self.booking(*back) {
                Some(id) if self.began(id, *attempt).await => {
                    format!("{:?}", stock.declined(id, *attempt).await.unwrap().state)
                }
                _ => String::new(),
            },
            Step::Cancel(who, back) => match self.booking(*back) {
                Some(id) => word(&stock.cancel(&member(MEMBERS[*who]), id).await.unwrap()),
                None => String::new(),
            },
            Step::End(who) => {
                let session = Session {
                    concert_id: demo(),
                    member_id: member(MEMBERS[*who]),
                    entry_number: self.entry(*who),
                };
                self.ended[*who] += 1;
                let ended = stock.end_session(&session).await.unwrap();
                let live = stock.live_sessions().await.unwrap();
                assert!(!live.contains(&session), "{session:?} holds nothing now");
                format!("{ended:?}")
            }
            Step::Work => {
                let mut due = stock.due_tasks(Kind::Complete, 10).await.unwrap();
                due.extend(stock.due_tasks(Kind::Refund, 10).await.unwrap());
                for task in &due {
                    stock.task_done(&task.id).await.unwrap();
                }
                format!("{} done", due.len())
            }
            Step::Collect => {
                let freed = stock.collect(10).await.unwrap();
                format!(
                    "{:?}",
                    freed.iter().map(|one| &one.seat_ids).collect::<Vec<_>>()
                )
            }
            Step::Reset => format!("{:?}", stock.reset(&demo()).await.unwrap()),
            Step::Put(tickets) => word(&stock.put(&demo(), &plan(4, *tickets)).await.unwrap()),
            Step::Minutes(minutes) => {
                self.world.age(minutes * MINUTE).await;
                String::new()
            }
        }
    }

    /// Returns whether the payment was started; nobody reports one that was not.
    async fn began(&self, id: BookingId, attempt: u32) -> bool {
        let asked: Vec<(String, i64)> = self
            .world
            .rows("SELECT booking_id, attempt FROM payments")
            .await;
        asked.contains(&(id.to_string(), i64::from(attempt)))
    }

    /// Returns what everybody may see.
    async fn seen(&self) -> String {
        let mut seen = String::new();
        for place in PLACES {
            for who in MEMBERS {
                seen.push_str(&format!("{:?} ", self.world.seat(who, place).await));
            }
        }
        for who in MEMBERS {
            let bookings = self.world.stock.bookings(&member(who), None, 100).await;
            for booking in bookings.unwrap() {
                seen.push_str(&format!("{:?} {} ", booking.state, booking.amount));
            }
        }
        let left = self.world.stock.remaining(&demo()).await.unwrap();
        format!("{seen}{left:?}")
    }
}

/// Returns the name of an answer.
fn word(answer: &impl std::fmt::Debug) -> String {
    let text = format!("{answer:?}");
    let end = text.find(|sign: char| !sign.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

fn run(cases: u32, length: usize, with_postgres: bool) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&vec(step(), 1..length), |steps| {
        runtime.block_on(async {
            let mut worlds = vec![World::in_memory().await];
            if with_postgres {
                worlds.push(World::postgres().await);
            }
            let begin = |world| Run {
                world,
                ended: [0; MEMBERS.len()],
                made: Vec::new(),
            };
            let mut runs: Vec<_> = worlds.into_iter().map(begin).collect();
            for (turn, step) in steps.iter().enumerate() {
                let mut answers = Vec::new();
                for run in &mut runs {
                    let answer = run.take(turn, step).await;
                    run.world.is_sound().await;
                    answers.push((answer, run.seen().await));
                }
                answers.dedup();
                prop_assert_eq!(answers.len(), 1, "step {}: {:?}: {:?}", turn, step, answers);
            }
            Ok(())
        })
    });
    if let Err(failed) = tried {
        panic!("{failed}");
    }
}

#[test]
fn no_sequence_of_calls_sells_anything_twice() {
    run(60, 40, false);
}

#[test]
fn both_databases_give_the_same_answers() {
    run(4, 40, true);
}
