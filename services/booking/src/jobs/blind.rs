//! Telling the operators while the gate is blind.

use sunbeon_broker::Broker;
use sunbeon_gate::{Gate, OnFailure};
use sunbeon_proto_messages::{BLIND_EVERY, Event};
use tokio::time::interval;
use uuid::Uuid;

/// Runs until it is dropped.
pub(crate) async fn run(gate: &Gate, broker: &dyn Broker) {
    let instance = Uuid::new_v4().to_string();
    let mut looks = interval(BLIND_EVERY);
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
