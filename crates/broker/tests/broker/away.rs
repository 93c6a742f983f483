//! The embedded broker while it behaves as if its server was gone.

use std::sync::Arc;

use sunbeon_broker::{Broker, Heard, MemoryBroker};
use sunbeon_proto_messages::Event;

use crate::kit::{Consumer, Recorder, concert_id, enters, publish};

#[tokio::test]
async fn while_it_is_away_it_takes_and_gives_nothing_and_afterwards_everything() {
    let memory = MemoryBroker::new();
    let broker: Arc<dyn Broker> = Arc::new(memory.clone());
    publish(&broker, 1..=2).await;
    memory.set_away(true);
    let recorder = Recorder::done();
    let _consumer = Consumer::start(&broker, recorder.clone());
    assert!(!broker.can_publish());
    assert_eq!(broker.publish_enters(&enters(3..=3)).await, [false]);
    tokio::task::yield_now().await;
    assert!(recorder.batches().is_empty());
    assert_eq!(memory.len(), 2);
    memory.set_away(false);
    assert!(broker.can_publish());
    recorder.sees(1..=2).await;
    publish(&broker, 3..=3).await;
    recorder.sees(3..=3).await;
}

#[tokio::test]
async fn who_subscribes_while_it_is_away_hears_what_comes_afterwards() {
    let memory = MemoryBroker::new();
    let event = |version| Event::ConcertChanged {
        concert_id: concert_id("c1"),
        version,
    };
    let mut before = memory.subscribe_events("#");
    memory.set_away(true);
    let mut meanwhile = memory.subscribe_events("#");
    memory.publish_event(event(1));
    memory.set_away(false);
    memory.publish_event(event(2));
    for heard in [&mut before, &mut meanwhile] {
        assert_eq!(heard.recv().await, Some(Heard::Missed));
        assert_eq!(heard.recv().await, Some(Heard::Missed));
        assert_eq!(heard.recv().await, Some(Heard::Event(event(2))));
    }
}
