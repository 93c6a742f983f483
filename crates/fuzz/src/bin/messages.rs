//! Messages from the broker: what is accepted is the same once written and read again.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use sunbeon_proto_messages::{Enter, Event};

fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) -> Option<T> {
    let message: T = serde_json::from_slice(body).ok()?;
    let written = serde_json::to_vec(&message).expect("a message is JSON");
    let again = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(message, again);
    Some(message)
}

fuzz_target!(|body: &[u8]| {
    if let Some(enter) = read::<Enter>(body) {
        let (concert, number) = (&enter.concert_id, enter.entry_number);
        assert_eq!(enter.message_id(), format!("{concert}:{number}"));
    }
    if let Some(event) = read::<Event>(body) {
        let key = event.routing_key();
        let words = if matches!(event, Event::GateBlind { .. }) {
            2
        } else {
            3
        };
        assert!(key.len() <= 255 && key.split('.').count() == words, "{key}");
    }
});
