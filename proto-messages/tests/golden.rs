//! The wire format, pinned by one golden example and the JSON Schema of each message.
//!
//! `UPDATE=1` rewrites the files. Changing a golden file breaks services that are already deployed.

use std::{env, fmt::Debug, fs, path::PathBuf};

use schemars::schema_for;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_proto_messages::{Admitted, Enter, Event, TicketLeft};

fn concert_id() -> ConcertId {
    ConcertId::parse("456").unwrap()
}

fn member_id() -> MemberId {
    MemberId::parse("123").unwrap()
}

const NUMBER: EntryNumber = EntryNumber(1_704_103_200_000_001);

fn enter() -> Enter {
    let taken_at = UnixMs(1_704_103_200_999);
    let (title, name) = ("콘서트 제목".to_owned(), "사용자명".to_owned());
    Enter::new(concert_id(), title, member_id(), name, NUMBER, taken_at)
}

fn events() -> Vec<(&'static str, Event)> {
    let concert_id = concert_id();
    let seat_ids = vec!["A-1".to_owned(), "A-2".to_owned()];
    let admitted = vec![Admitted {
        member_id: member_id(),
        entry_number: NUMBER,
    }];
    vec![
        (
            "queue.admitted",
            Event::QueueAdmitted {
                concert_id: concert_id.clone(),
                admitted,
            },
        ),
        (
            "queue.advanced",
            Event::QueueAdvanced {
                concert_id: concert_id.clone(),
                taken: 10,
                waiting: 140,
            },
        ),
        (
            "concert.changed",
            Event::ConcertChanged {
                concert_id: concert_id.clone(),
                version: 3,
            },
        ),
        (
            "ticket.updated",
            Event::TicketUpdated {
                concert_id: concert_id.clone(),
                remaining: 42,
                tickets: vec![TicketLeft {
                    ticket_id: "standing".to_owned(),
                    remaining: 40,
                }],
            },
        ),
        (
            "seat.selected",
            Event::SeatSelected {
                concert_id: concert_id.clone(),
                seat_ids: seat_ids.clone(),
            },
        ),
        (
            "seat.released",
            Event::SeatReleased {
                concert_id: concert_id.clone(),
                seat_ids,
            },
        ),
        (
            "room.counted",
            Event::RoomCounted {
                concert_id,
                instance: "a".to_owned(),
                sockets: 2,
            },
        ),
        (
            "gate.blind",
            Event::GateBlind {
                instance: "a".to_owned(),
                open: true,
            },
        ),
    ]
}

/// Checks that the file and the value's JSON agree, in both directions.
fn pin<T: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str, value: &T) {
    assert_file(file, value);
    let text = fs::read_to_string(path(file)).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{file}");
}

fn assert_file(file: &str, expected: &impl Serialize) {
    let path = path(file);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = serde_json::to_string_pretty(expected).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let expected = serde_json::to_string_pretty(expected).unwrap() + "\n";
    assert_eq!(
        found, expected,
        "{file} is out of date: UPDATE=1 rewrites it"
    );
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

#[test]
fn the_enter_message_matches_its_golden_file() {
    pin("golden/enter.json", &enter());
}

#[test]
fn each_event_matches_its_golden_file_and_is_routed_by_its_type() {
    for (kind, event) in events() {
        pin(&format!("golden/{kind}.json"), &event);
        let concert = if kind == "gate.blind" { "" } else { ".456" };
        assert_eq!(event.routing_key(), format!("{kind}{concert}"));
    }
}

#[test]
fn the_schema_files_match_the_types() {
    assert_file("schema/enter.json", &schema_for!(Enter));
    assert_file("schema/event.json", &schema_for!(Event));
}

#[test]
fn a_repeated_message_has_the_same_id_and_timestamp() {
    assert_eq!(enter().message_id(), "456:1704103200000001");
    assert_eq!(enter().timestamp.to_string(), "2024-01-01T10:00:00");
    assert_eq!(enter(), enter());
}

#[test]
fn unknown_fields_are_ignored_and_names_may_be_missing() {
    let mut value = serde_json::to_value(enter()).unwrap();
    value["addedLater"] = json!({"a": [1, null]});
    assert_eq!(
        serde_json::from_value::<Enter>(value.clone()).unwrap(),
        enter()
    );
    value.as_object_mut().unwrap().remove("memberName");
    value.as_object_mut().unwrap().remove("concertTitle");
    assert_eq!(
        serde_json::from_value::<Enter>(value).unwrap().member_name,
        ""
    );
    for (_, event) in events() {
        let mut value = serde_json::to_value(&event).unwrap();
        value["addedLater"] = json!(1);
        assert_eq!(serde_json::from_value::<Event>(value).unwrap(), event);
    }
}

#[test]
fn an_enter_message_of_the_wrong_shape_is_refused() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"42",
        b"\"ENTER\"",
        b"\xff\xfe",
        b"{}",
        &[b'['; 100_000],
    ];
    for body in bodies {
        assert!(
            serde_json::from_slice::<Enter>(body).is_err(),
            "{:?}",
            body.get(..10)
        );
    }
    let twice = format!("{0}{0}", serde_json::to_string(&enter()).unwrap());
    assert!(serde_json::from_str::<Enter>(&twice).is_err());
}

#[test]
fn an_enter_message_with_a_wrong_or_missing_field_is_refused() {
    for field in [
        "memberId",
        "concertId",
        "timestamp",
        "messageType",
        "entryNumber",
    ] {
        let mut value = serde_json::to_value(enter()).unwrap();
        value.as_object_mut().unwrap().remove(field);
        assert!(
            serde_json::from_value::<Enter>(value).is_err(),
            "without {field}"
        );
    }
    let wrong = [
        ("memberId", json!("")),
        ("memberId", json!("a b")),
        ("memberId", json!(123)),
        ("memberId", json!("x".repeat(256))),
        ("concertId", json!("")),
        ("concertId", json!("a:b")),
        ("concertId", json!("x".repeat(65))),
        ("concertId", json!(null)),
        ("memberName", json!(null)),
        ("concertTitle", json!(7)),
        ("timestamp", json!("soon")),
        ("timestamp", json!("2024-13-01T10:00:00")),
        ("timestamp", json!(1_704_103_200)),
        ("messageType", json!("enter")),
        ("messageType", json!("LEAVE")),
        ("messageType", json!(null)),
        ("entryNumber", json!("1704103200000001")),
        ("entryNumber", json!(-1)),
        ("entryNumber", json!(1.5)),
        ("entryNumber", json!(1e30)),
        ("entryNumber", json!(null)),
    ];
    for (field, bad) in wrong {
        let mut value = serde_json::to_value(enter()).unwrap();
        value[field] = bad.clone();
        assert!(
            serde_json::from_value::<Enter>(value).is_err(),
            "{field}: {bad}"
        );
    }
}

#[test]
fn an_event_of_the_wrong_shape_is_refused() {
    for (_, event) in events() {
        let good = serde_json::to_value(&event).unwrap();
        for field in good.as_object().unwrap().keys() {
            let mut value = good.clone();
            value[field] = json!({});
            assert!(
                serde_json::from_value::<Event>(value).is_err(),
                "{field} of {good}"
            );
            let mut value = good.clone();
            value.as_object_mut().unwrap().remove(field);
            // An earlier release does not tell it.
            let may_be_missing = field == "tickets";
            assert_eq!(
                serde_json::from_value::<Event>(value).is_ok(),
                may_be_missing,
                "{good} without {field}"
            );
        }
    }
}
