//! Sockets on an embedded store and broker, packet by packet. What a shop's own client hears is tested in
//! `crates/system-tests/web/sockets`.

mod app;
mod page;
mod shop;

use std::time::Duration;

use serde_json::json;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, Status};
use sunbeon_proto_messages::{Admitted, Event};
use sunbeon_test_support::{access, eventually};

use crate::{app::App, page::Page};

/// The longest that any test waits.
const SOON: Duration = Duration::from_secs(60);

fn c() -> ConcertId {
    ConcertId::parse("c").expect("a valid id")
}

/// A line that only an operator opens, with these members.
async fn line(members: &[&str]) -> App {
    let app = App::start().await;
    app.stage.create_by_hand("c").await;
    for member in members {
        app.stage.enter("c", member).await;
    }
    app
}

#[tokio::test]
async fn a_place_is_told_when_those_ahead_are_taken_and_only_then() {
    let app = line(&["a", "b", "x"]).await;
    let mut page = app.page("x").await;
    page.ask("join:queue", &json!("c")).await;
    assert_eq!(page.hears("queue:position").await["position"], 3);
    app.stage.take("c", 1).await;
    assert_eq!(page.hears("queue:position").await["position"], 2);
    app.stage.take("c", 1).await;
    assert_eq!(page.hears("queue:position").await["position"], 1);
}

#[tokio::test]
async fn a_turn_is_told_at_once_to_all_sockets_of_the_member_and_to_no_other() {
    let app = line(&["a", "b"]).await;
    let mut pages = Vec::new();
    for member in ["a", "a", "b"] {
        let mut page = app.page(member).await;
        page.ask("join:queue", &json!("c")).await;
        pages.push(page);
    }
    app.stage.call("c", "a").await;
    app.tell(Event::QueueAdmitted {
        concert_id: c(),
        admitted: vec![Admitted {
            member_id: MemberId::parse("a").expect("a valid id"),
            entry_number: EntryNumber(1),
        }],
    });
    for page in &mut pages[..2] {
        let called = page.hears("queue:admitted").await;
        assert_eq!(called["standing"]["status"], "READY");
    }
    let told = pages[2].told_within(Duration::from_secs(2)).await;
    assert!(
        told.iter().all(|(event, _)| event != "queue:admitted"),
        "{told:?}"
    );
    assert!(!format!("{told:?}").contains("\"a\""), "{told:?}");
}

#[tokio::test]
async fn a_turn_whose_event_was_lost_is_told_all_the_same() {
    let app = line(&["a"]).await;
    let mut page = app.page("a").await;
    page.ask("join:queue", &json!("c")).await;
    app.stage.call("c", "a").await;
    let called = page.hears("queue:admitted").await;
    assert_eq!(called["standing"]["canEnter"], true);
}

#[tokio::test]
async fn a_page_that_connects_again_is_in_its_line_without_asking() {
    let app = line(&["a", "b"]).await;
    let mut page = app.page("b").await;
    let restored = page.hears("session:restored").await;
    assert_eq!(restored["concerts"][0]["concertId"], "c");
    assert_eq!(restored["concerts"][0]["standing"]["queueNumber"], 2);
    app.stage.take("c", 1).await;
    assert_eq!(page.hears("queue:position").await["position"], 1);
}

#[tokio::test]
async fn whoever_is_inside_connects_again_and_has_what_they_hold() {
    let shop = shop::start().await;
    let app = App::beside(&shop).await;
    for concert in ["c", "silent"] {
        app.stage.create_by_hand(concert).await;
        app.stage.enter(concert, "a").await;
        app.stage.call(concert, "a").await;
        app.stage.claim(concert, "a").await;
    }
    let restored = app.page("a").await.hears("session:restored").await;
    let of = |id: &str| {
        let mut all = restored["concerts"].as_array().into_iter().flatten();
        all.find(|one| one["concertId"] == id).cloned()
    };
    let (known, unknown) = (of("c").unwrap(), of("silent").unwrap());
    assert_eq!(known["seatIds"], json!(["c.R.1.1"]), "{restored}");
    assert_eq!(unknown["standing"]["status"], "ENTERED");
    assert!(unknown.get("seatIds").is_none(), "{restored}");
}

#[tokio::test]
async fn a_page_that_asks_for_a_room_is_in_that_one_only() {
    let app = line(&["a"]).await;
    app.stage.create_by_hand("d").await;
    let mut page = app.page("a").await;
    page.hears("session:restored").await;
    page.ask("join:event", &json!({"eventId": "d"})).await;
    app.stage.change("c", json!({"notice": "of c"})).await;
    app.stage.change("d", json!({"notice": "of d"})).await;
    loop {
        let line = page.hears("queue:line").await;
        assert!(line["notice"] != "of c", "{line}");
        if line["notice"] == "of d" {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_at_once_is_answered_in_order() {
    let app = line(&["a"]).await;
    let concerts: Vec<_> = (0..16).map(|n| format!("c{n}")).collect();
    for concert in &concerts {
        app.stage.create_by_hand(concert).await;
    }
    let mut page = app.page("a").await;
    let mut asked = Vec::new();
    for concert in &concerts {
        asked.push(page.asks("join:queue", &json!(concert)).await);
    }
    for (id, concert) in asked.into_iter().zip(&concerts) {
        let answer = page.answer_to(id).await;
        assert_eq!(answer["standing"]["concertId"], concert.as_str());
    }
}

#[tokio::test]
async fn a_socket_stays_no_longer_than_its_token() {
    let app = line(&["a"]).await;
    // Five seconds of grace are for clocks that differ.
    let exp = access::in_seconds(-2);
    let token = access::signed(&json!({"sub": "a", "exp": exp}));
    let mut page = Page::open_by(&app.address, &token).await.unwrap();
    page.ask("join:queue", &json!("c")).await;
    page.hears("newListener").await;
    app.stage.call("c", "a").await;
    let told = page.until_disconnected().await;
    let called = told.iter().find(|(event, _)| event == "queue:admitted");
    assert_eq!(called, None);
}

#[tokio::test]
async fn a_closed_socket_counts_no_longer() {
    let app = line(&[]).await;
    // A member may have 16 at a time.
    for reload in 0..40 {
        let page = Page::open(&app.address, "a").await;
        assert!(page.is_ok(), "reload {reload}");
        drop(page);
    }
}

#[tokio::test]
async fn whoever_closed_the_page_of_the_shop_makes_room_for_the_next() {
    let app = App::start().await;
    let fields = json!({"mode": "threshold", "maxActive": 2, "idleShopSeconds": 10});
    app.stage.create("c", fields).await;
    for member in ["gone", "stays"] {
        app.stage.enter("c", member).await;
        app.stage.claim("c", member).await;
    }
    app.stage.enter("c", "waits").await;
    let (mut gone, mut stays) = (app.page("gone").await, app.page("stays").await);
    for page in [&mut gone, &mut stays] {
        page.ask("join:event", &json!("c")).await;
    }
    gone.told_within(Duration::from_secs(2)).await;
    drop(gone);
    let standing = async |who: &str| app.stage.standing("c", who).await.status;
    eventually(SOON, "the session ends", async || {
        standing("gone").await == Status::NotInQueue
    })
    .await;
    assert_eq!(standing("stays").await, Status::Entered);
    // The last page is closed, and nobody on this instance watches the line.
    drop(stays);
    eventually(SOON, "the other session ends", async || {
        standing("stays").await == Status::NotInQueue
    })
    .await;
}

#[tokio::test]
async fn after_events_were_missed_everybody_is_told_to_look_again() {
    let app = line(&["a"]).await;
    let mut page = app.page("a").await;
    page.ask("join:event", &json!("c")).await;
    page.told_within(Duration::from_secs(2)).await;
    // More than the broker keeps for a listener that is not there.
    for n in 0..3_000 {
        app.tell(seat(&format!("c.R.1.{n}")));
    }
    let restored = page.hears("session:restored").await;
    assert_eq!(restored["concerts"][0]["concertId"], "c");
}

#[tokio::test]
async fn a_page_that_does_not_read_holds_nobody_up() {
    let app = line(&[]).await;
    let (mut slow, mut other) = (app.page("slow").await, app.page("other").await);
    for page in [&mut slow, &mut other] {
        page.ask("join:event", &json!("c")).await;
    }
    let mut told = 0_u32;
    // What fills the buffers on the way, and the one in front of them; the other page reads meanwhile.
    for n in 0..1_000 {
        let section = "S".repeat(2_000);
        let seats = (0..8).map(|seat| format!("c.{section}.{n}.{seat}"));
        app.tell(Event::SeatSelected {
            concert_id: c(),
            seat_ids: seats.collect(),
        });
        loop {
            let seats = other.hears("seat:selected").await;
            told += 1;
            let last = format!(".{n}.7\"");
            if seats.to_string().contains(&last) {
                break;
            }
        }
    }
    assert!(told >= 1_000);
    slow.catches_up_or_is_closed().await;
}

#[tokio::test]
async fn an_instance_that_stops_closes_its_sockets_and_lets_no_new_one_in() {
    let app = line(&["a"]).await;
    let page = app.page("a").await;
    app.stop();
    page.until_closed().await;
    eventually(SOON, "new sockets are sent elsewhere", async || {
        Page::open(&app.address, "a").await.is_err()
    })
    .await;
}

fn seat(id: &str) -> Event {
    Event::SeatSelected {
        concert_id: c(),
        seat_ids: vec![id.to_owned()],
    }
}
