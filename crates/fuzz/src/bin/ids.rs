//! Ids, entry numbers and moments: what is accepted is printed as it was read, in text and in JSON.
#![no_main]

use std::fmt::Display;

use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use sunbeon_domain::{
    BookingId, ConcertId, EntryNumber, Language, MemberId, SeatId, Section, TicketId, UnixMs,
    is_plain,
};

fn same<T: Display + Serialize + DeserializeOwned + PartialEq>(text: &str, parsed: Option<T>) {
    let quoted = serde_json::to_string(text).expect("a text is JSON");
    let from_json: Option<T> = serde_json::from_str(&quoted).ok();
    assert!(parsed == from_json, "JSON follows another rule");
    if let Some(id) = parsed {
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).expect("an id is JSON"), quoted);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}

fuzz_target!(|text: &str| {
    same(text, ConcertId::parse(text).ok());
    same(text, MemberId::parse(text).ok());
    same(text, SeatId::parse(text).ok());
    same(text, Section::parse(text).ok());
    same(text, TicketId::parse(text).ok());
    if let Some(id) = BookingId::parse(text) {
        assert_eq!(BookingId::parse(&id.to_string()), Some(id));
    }
    if let Ok(number) = serde_json::from_str::<EntryNumber>(text) {
        assert!(number <= EntryNumber::MAX);
        assert_eq!(
            serde_json::from_str::<EntryNumber>(&number.to_string()).ok(),
            Some(number)
        );
    }
    if let Some(moment) = UnixMs::parse(text) {
        assert!((UnixMs::RANGE.0..=UnixMs::RANGE.1).contains(&moment));
        let printed = serde_json::to_value(moment).expect("a moment is JSON");
        assert_eq!(
            UnixMs::parse(printed.as_str().expect("a text")),
            Some(moment)
        );
    }
    Language::asked_for(text);
    is_plain(text);
});
