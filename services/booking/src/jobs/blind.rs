//! Telling the operators while the gate is blind.

use std::time::Duration;

use sunbeon_broker::Broker;
use sunbeon_gate::{Gate, OnFailure};
use sunbeon_proto_messages::Event;
use tokio::time::interval;
use uuid::Uuid;

/// Said again this often: whoever counts blind gates forgets one that has said nothing for 6 s.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until it is dropped.
pub(crate) async fn run(gate: &Gate, broker: &dyn Broker) {
    let instance = Uuid::new_v4().to_string();
    let mut looks = interval(EVERY);
    loop {
        looks.tick().await;
        if let Some(meanwhile) = gate.blind() {
            broker.publish_event(Event::GateBlind {
                instance: instance.clone(),
                open: meanwhile == OnFailure::Open,
            });
        }
    }
}
