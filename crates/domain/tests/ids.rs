//! Any text as an id.

use std::fmt::Display;

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use sunbeon_domain::{BookingId, ConcertId, MemberId, SeatId, Section, TicketId, UnixMs};

/// What is accepted is printed as it was read, and JSON follows the same rule.
fn is_kept<T: Display + Serialize + DeserializeOwned + PartialEq>(text: &str, parsed: Option<T>) {
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    assert!(parsed == serde_json::from_str(&quoted).ok(), "{text:?}");
    if let Some(id) = parsed {
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).expect("an id is JSON"), quoted);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn an_id_is_printed_as_it_was_read(text in prop_oneof!["\\PC{0,80}", "[A-Za-z0-9_.:-]{0,110}", "[ -~]{0,260}"]) {
        is_kept(&text, ConcertId::parse(text.as_str()).ok());
        is_kept(&text, MemberId::parse(text.as_str()).ok());
        is_kept(&text, SeatId::parse(text.as_str()).ok());
        is_kept(&text, Section::parse(text.as_str()).ok());
        is_kept(&text, TicketId::parse(text.as_str()).ok());
        if let Some(id) = BookingId::parse(&text) {
            prop_assert_eq!(BookingId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn a_moment_is_the_same_when_written_and_read_again(
        text in "(19|20|21|22)[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|z|[+-][0-2][0-9]:[0-6][0-9])?",
    ) {
        if let Some(moment) = UnixMs::parse(&text) {
            prop_assert!((UnixMs::RANGE.0..=UnixMs::RANGE.1).contains(&moment));
            let written = serde_json::to_value(moment).expect("a moment is JSON");
            prop_assert_eq!(UnixMs::parse(written.as_str().expect("a text")), Some(moment));
        }
    }
}
