//! Messages of which something is changed: what is accepted is the same once written and read again.

use std::{fmt::Debug, fs, path::Path};

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use sunbeon_proto_messages::{Enter, Event};

fn golden() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = fs::read_dir(folder).expect("the golden files");
    files
        .map(|file| fs::read(file.expect("a file").path()).expect("its bytes"))
        .collect()
}

/// What takes the place of some bytes.
const PIECES: [&str; 12] = [
    "",
    "0",
    "-1",
    "1.5",
    "1e3",
    "18446744073709551615",
    "null",
    "\"",
    "\\u0000",
    "{}",
    "[]",
    ",\"x\":1",
];

fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) -> Option<T> {
    let message: T = serde_json::from_slice(body).ok()?;
    let written = serde_json::to_vec(&message).expect("a message is JSON");
    let again: T = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(message, again);
    Some(message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn a_changed_message_is_refused_or_means_the_same_when_written_again(
        message in prop::sample::select(golden()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..8_usize, prop::sample::select(&PIECES[..])), 0..4),
    ) {
        let mut body = message;
        for (at, length, piece) in edits {
            let start = at.index(body.len() + 1);
            let end = (start + length).min(body.len());
            body.splice(start..end, piece.bytes());
        }
        if let Some(enter) = same::<Enter>(&body) {
            prop_assert_eq!(enter.message_id(), format!("{}:{}", enter.concert_id, enter.entry_number));
        }
        if let Some(event) = same::<Event>(&body) {
            let key = event.routing_key();
            let words = if matches!(event, Event::GateBlind { .. }) { 2 } else { 3 };
            prop_assert!(key.len() <= 255 && key.split('.').count() == words, "{}", key);
        }
    }
}
