//! From ENTER messages to READY, on embedded backends and on a real Redis and RabbitMQ.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sunbeon_broker::{Broker, Heard, MemoryBroker, rabbitmq};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, Status};
use sunbeon_entry_consumer::EntryConsumer;
use sunbeon_proto_messages::{Admitted, Enter, Event};
use sunbeon_store::{Leaving, TakenEntry};
use sunbeon_test_support::{Stage, TestVhost, eventually, on_each};
use tokio_util::sync::{CancellationToken, DropGuard};

on_each! {
    (
        taken_members_become_ready_and_are_announced,
        a_message_of_another_entry_calls_nobody,
        a_message_for_a_deleted_concert_blocks_nobody,
    )
    embedded: crate::World::embedded(),
    real: crate::World::real(),
}

/// Long enough for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(60);

/// A consumer between the test's own broker and store.
struct World {
    stage: Stage,
    broker: Arc<dyn Broker>,
    _stop_on_drop: DropGuard,
    _vhost: Option<TestVhost>,
}

impl World {
    async fn embedded() -> World {
        let broker = Arc::new(MemoryBroker::new());
        Self::on(Stage::embedded(), broker, None).await
    }

    async fn real() -> World {
        let (stage, vhost) = tokio::join!(Stage::real(), TestVhost::create());
        let settings = rabbitmq::Settings {
            url: vhost.url().into(),
            prefetch: 100,
        };
        let settings = sunbeon_broker::Settings::Rabbitmq(settings);
        let broker = sunbeon_broker::open(&settings, "entry-consumer").expect("a valid URL");
        Self::on(stage, broker, Some(vhost)).await
    }

    async fn on(stage: Stage, broker: Arc<dyn Broker>, vhost: Option<TestVhost>) -> World {
        let stop = CancellationToken::new();
        let consumer = EntryConsumer::new(stage.store.clone(), broker.clone());
        tokio::spawn(consumer.run(stop.clone()));
        eventually(SOON, "messages can be sent", async || broker.can_publish()).await;
        World {
            stage,
            broker,
            _stop_on_drop: stop.drop_guard(),
            _vhost: vhost,
        }
    }

    /// Sends the messages for entries of a concert.
    async fn send(&self, concert: &str, entries: &[TakenEntry]) {
        let messages: Vec<_> = entries.iter().map(|it| message(concert, it)).collect();
        let confirmed = self.broker.publish_enters(&messages).await;
        assert_eq!(confirmed, vec![true; entries.len()]);
    }

    async fn becomes(&self, who: &str, status: Status) {
        eventually(SOON, "the message is handled", async || {
            self.stage.standing("c", who).await.status == status
        })
        .await;
    }
}

/// Returns the ENTER message of an entry.
fn message(concert: &str, entry: &TakenEntry) -> Enter {
    Enter::new(
        ConcertId::parse(concert).expect("a valid id"),
        "콘서트 제목".to_owned(),
        entry.member.clone(),
        entry.name.clone(),
        entry.number,
        entry.taken_at,
    )
}

async fn taken_members_become_ready_and_are_announced(world: World) {
    let mut events = world.broker.subscribe_events("queue.#");
    assert_eq!(events.recv().await, Some(Heard::Missed), "it listens");
    world.stage.create_by_hand("c").await;
    for who in ["a", "b", "c"] {
        world.stage.enter("c", who).await;
    }
    let taken = world.stage.take("c", 2).await;
    world.send("c", &taken).await;
    world.becomes("a", Status::Ready).await;
    world.becomes("b", Status::Ready).await;
    assert_eq!(world.stage.standing("c", "c").await.status, Status::Waiting);

    let mut announced = Vec::new();
    while announced.len() < taken.len() {
        match events.recv().await {
            Some(Heard::Event(Event::QueueAdmitted { admitted, .. })) => announced.extend(admitted),
            other => panic!("not an admission: {other:?}"),
        }
    }
    let expected = taken.into_iter().map(|it| Admitted {
        member_id: it.member,
        entry_number: it.number,
    });
    assert_eq!(announced, expected.collect::<Vec<_>>());
}

async fn a_message_of_another_entry_calls_nobody(world: World) {
    world.stage.create_by_hand("c").await;
    for who in ["a", "b"] {
        world.stage.enter("c", who).await;
    }
    let taken = world.stage.take("c", 2).await;
    let (a, b) = (&taken[0], &taken[1]);
    let earlier = TakenEntry {
        number: EntryNumber(a.number.0 - 1),
        ..a.clone()
    };
    let stranger = TakenEntry {
        number: EntryNumber(1),
        member: MemberId::parse("stranger").expect("a valid id"),
        ..a.clone()
    };
    world
        .send("c", &[earlier, stranger, b.clone(), b.clone()])
        .await;
    world.becomes("b", Status::Ready).await;
    world.stage.leave("c", "b", Leaving::ByChoice).await;
    // The second copy of b's message finds an entry that has ended, as any late message would.
    world.send("c", &[b.clone(), a.clone()]).await;
    world.becomes("a", Status::Ready).await;
    let line = world.stage.snapshot("c").await;
    assert_eq!((line.counts.ready, line.totals.exited), (1, 1));
    assert_eq!(line.totals.admitted(), 2);
}

async fn a_message_for_a_deleted_concert_blocks_nobody(world: World) {
    for concert in ["c", "gone"] {
        world
            .stage
            .create(concert, json!({"autoOpen": false}))
            .await;
        world.stage.enter(concert, "a").await;
    }
    let gone = world.stage.take("gone", 1).await;
    world.stage.leave("gone", "a", Leaving::Removed).await;
    world.stage.close("gone").await;
    world.stage.drop_concert("gone").await;
    world.send("gone", &gone).await;
    let taken = world.stage.take("c", 1).await;
    world.send("c", &taken).await;
    world.becomes("a", Status::Ready).await;
}
