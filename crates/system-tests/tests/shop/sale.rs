//! From the line to a booking, and letting the next member in.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use sunbeon_domain::UnixMs;
use sunbeon_system_tests::SOON;
use sunbeon_test_support::eventually;

use crate::world::{Sale, booking_id, threshold};

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_without_a_login_goes_from_the_line_to_a_booking() {
    let sale = Sale::open().await;
    let mut policy = threshold(1);
    policy["identity"] = "guest".into();
    sale.sell("train", policy, 5).await;
    sale.sell("members", threshold(1), 5).await;
    let refused = sale.api.guest("members").await;
    refused.fails("GUESTS_NOT_ALLOWED");
    let guest = sale.api.guest("train").await;
    let guest = guest.data(201)["memberId"].as_str().unwrap().to_owned();
    let refused = sale.api.enter("members", &guest).await;
    refused.fails("GUESTS_NOT_ALLOWED");

    let token = sale.admit("train", &guest).await;
    sale.gate_sees("train", &guest, &token).await;
    let what = json!({"tickets": [{"ticketId": "floor", "quantity": 2}]});
    let booked = sale.api.book(&guest, &token, &what).await;
    let booking = booking_id(booked.data(201));
    let paid = sale.api.confirm(&guest, &token, &booking).await;
    assert_eq!(paid.data(200)["state"], "CONFIRMED");
    // Paying ends the session: the token opens nothing, and the next member is let in.
    let next = sale.api.enter("train", "next").await.of(201);
    assert_eq!(next.stands(), "WAITING");
    eventually(SOON, "the next is let in", async || {
        sale.api.status("train", "next").await.of(200).stands() == "READY"
    })
    .await;
    let seats = sale.api.seats("train", &guest, &token).await;
    seats.fails("QUEUE_TOKEN_REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_is_completed_once_the_token_service_is_back() {
    // However late the payment comes, the gate follows the token.
    let sale = Sale::open_with(|plan| plan.with("SUNBEON__GATE__ON_FAILURE", "open")).await;
    sale.sell("rock", threshold(1), 5).await;
    let token = sale.admit("rock", "me").await;
    eventually(SOON, "the gate sees", async || {
        sale.api.seats("rock", "me", "").await.status == 403
    })
    .await;
    let what = json!({"tickets": [{"ticketId": "floor", "quantity": 1}]});
    let booked = sale.api.book("me", &token, &what).await;
    // The shop cannot report the end of the session.
    sale.token.kill();
    let booking = booking_id(booked.data(201));
    let _ = sale.api.confirm("me", &token, &booking).await.of(200);
    assert_eq!(sale.api.line("rock").await.count("inside"), 1);
    let mut token = sale.token;
    token.start_again().await;
    eventually(SOON, "the session is completed", async || {
        let line = sale.api.line("rock").await;
        line.total("completed") == 1 && line.count("slots") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hold_extends_the_session_as_far_as_it_needs() {
    let sale = Sale::open().await;
    let mut policy = threshold(1);
    policy["sessionMinutes"] = 1.into();
    policy["holdDurationMinutes"] = 2.into();
    sale.sell("rock", policy, 5).await;
    let first = sale.admit("rock", "me").await;
    sale.gate_sees("rock", "me", &first).await;
    // The hold succeeds even if Sunbeon is too slow, and the next request extends the session.
    let mut held = Value::Null;
    eventually(SOON, "the session is extended", async || {
        let locked = sale.api.lock("me", &first, &["rock.A.1.1"]).await;
        held = locked.data(200).clone();
        held["queueToken"].is_string()
    })
    .await;
    let longer = held["queueToken"].as_str().unwrap();
    let (before, after) = (payload(&first), payload(longer));
    assert_eq!(after["jti"], before["jti"]);
    let (old, new) = (
        before["exp"].as_i64().unwrap(),
        after["exp"].as_i64().unwrap(),
    );
    assert!(new > old, "{after}");
    let ends: UnixMs = serde_json::from_value(held["queueTokenExpiresAt"].clone()).unwrap();
    assert_eq!(ends.0, new * 1_000);
    sale.gate_sees("rock", "me", longer).await;
    let _ = sale.api.verify("rock", "me", longer).await.of(204);

    let latest_end = before["iat"].as_i64().unwrap() + 3 * 60;
    let mut latest = String::new();
    eventually(SOON, "a later hold extends the session again", async || {
        let locked = sale.api.lock("me", longer, &["rock.A.1.2"]).await;
        let held = locked.data(200).clone();
        let _ = sale.api.unlock("me", longer, &["rock.A.1.2"]).await.of(200);
        let until: UnixMs = serde_json::from_value(held["holdEndsAt"].clone()).unwrap();
        let Some(token) = held["queueToken"].as_str() else {
            assert!(
                until <= ends,
                "a hold outlasts the token that pays for it: {held}"
            );
            return false;
        };
        let claims = payload(token);
        let exp = claims["exp"].as_i64().unwrap();
        assert_eq!(claims["jti"], before["jti"]);
        assert!(until.0 <= exp * 1_000 && exp <= latest_end, "{held}");
        latest = token.to_owned();
        exp > new
    })
    .await;
    assert_eq!(sale.claim("rock", "me").await, latest);
}

/// Returns the claims of a token.
fn payload(token: &str) -> Value {
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token);
    claims.expect("a token").claims
}

/// Some members inside and the rest in line.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_lets_the_next_member_in() {
    let sale = Sale::open().await;
    sale.sell("train", threshold(3), 3).await;
    let mut tokens = Vec::new();
    for who in ["a", "b", "c"] {
        tokens.push(sale.admit("train", who).await);
    }
    sale.gate_sees("train", "a", &tokens[0]).await;
    let entered = sale.api.enter("train", "d").await.of(201);
    assert_eq!(entered.stands(), "WAITING");
    let one = json!({"tickets": [{"ticketId": "floor", "quantity": 1}]});
    let mut bookings = Vec::new();
    for (who, token) in ["a", "b", "c"].into_iter().zip(&tokens) {
        let booked = sale.api.book(who, token, &one).await;
        bookings.push(booking_id(booked.data(201)));
    }
    let sold_out = sale.api.book("a", &tokens[0], &one).await;
    sold_out.fails("SOLD_OUT");
    let still = sale.api.status("train", "d").await.of(200);
    assert_eq!(still.stands(), "WAITING");

    let _ = sale.api.cancel("b", &bookings[1]).await.of(200);
    eventually(SOON, "the next is let in", async || {
        sale.api.status("train", "d").await.of(200).stands() == "READY"
    })
    .await;
    let token = sale.claim("train", "d").await;
    let _ = sale.api.book("d", &token, &one).await.of(201);
    // While the line is paused, only an operator's opening lets members in.
    let _ = sale.api.act("train", "pause").await.of(200);
    let _ = sale.api.cancel("c", &bookings[2]).await.of(200);
    for who in ["e", "f"] {
        let entered = sale.api.enter("train", who).await.of(201);
        assert_eq!(entered.stands(), "WAITING");
    }
    eventually(SOON, "a slot is free", async || {
        sale.api.line("train").await.count("slots") == 2
    })
    .await;
    let _ = sale.api.open("train", 1).await.of(200);
    eventually(SOON, "the next is let in", async || {
        sale.api.status("train", "e").await.of(200).stands() == "READY"
    })
    .await;
    // Resetting empties the line and frees everything.
    let last = sale.api.status("train", "f").await.of(200);
    assert_eq!(last.stands(), "WAITING");
    assert_eq!(sale.api.line("train").await.count("waiting"), 1);
    let _ = sale.api.act("train", "clear").await.of(200);
    let _ = sale.api.reset_stock("train").await.of(200);
    assert_eq!(sale.api.line("train").await.count("waiting"), 0);
    let stock = sale.api.stock("train").await;
    assert_eq!(stock.data(200)["remaining"], 43);
}

/// Lets somebody who was admitted leave the shop, in one of several ways.
async fn abandons(sale: &Sale, i: usize, who: &str) {
    // Some of the very first.
    let vanishes = i < 20 && i.is_multiple_of(6);
    if i.is_multiple_of(5) && !vanishes {
        // Is called and never comes.
        return;
    }
    let token = sale.claim("rock", who).await;
    if i.is_multiple_of(3) && i < 10 && !vanishes {
        // Looks around and closes the page without telling anybody.
        let _ = sale.api.seats("rock", who, &token).await;
        return;
    }
    let seat = format!("rock.A.{}.{}", 1 + i / 10, 1 + i % 10);
    let held = sale.api.lock(who, &token, &[&seat]).await;
    if vanishes {
        // The hold has extended the session, and then the member vanishes.
        let longer = held.data(200)["queueToken"].clone();
        let what = json!({"seatIds": [seat]});
        let _ = sale
            .api
            .book(who, longer.as_str().unwrap_or(&token), &what)
            .await
            .of(201);
        return;
    }
    if held.status != 200 || i % 4 == 1 {
        let _ = sale.api.exit("rock", who).await.of(200);
        return;
    }
    let what = json!({"seatIds": [seat]});
    let booked = sale.api.book(who, &token, &what).await;
    let booking = booking_id(booked.data(201));
    if i % 4 == 2 {
        let _ = sale.api.cancel(who, &booking).await.of(200);
    } else {
        let _ = sale.api.confirm(who, &token, &booking).await.of(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_full_of_people_who_abandon_the_shop_never_stalls() {
    let sale = Sale::open().await;
    let mut policy = threshold(10);
    policy["readyTtlSeconds"] = 10.into();
    policy["sessionMinutes"] = 1.into();
    policy["holdDurationMinutes"] = 1.into();
    sale.sell("rock", policy, 5).await;
    sale.sell("jazz", threshold(1), 5).await;
    let early = sale.admit("jazz", "early").await;
    sale.gate_sees("jazz", "early", &early).await;
    let mut lives = Vec::new();
    for i in 0..40 {
        let who = format!("fan-{i}");
        let entered = sale.api.enter("rock", &who).await.of(201);
        let stands = if i < 10 { "READY" } else { "WAITING" };
        assert_eq!(entered.stands(), stands);
        lives.push(life(&sale, i, who));
    }
    join_all(lives).await;
    eventually(Duration::from_secs(90), "every slot is free", async || {
        sale.api.line("rock").await.count("slots") == 0
    })
    .await;
    let line = sale.api.line("rock").await;
    assert_eq!((line.total("admitted"), line.count("waiting")), (40, 0));
    for (ending, at_least) in [
        ("unclaimed", 7),
        ("expired", 6),
        ("completed", 3),
        ("exited", 3),
    ] {
        assert!(line.total(ending) >= at_least, "{ending}: {line:?}");
    }
}

/// Waits for a turn, then abandons the shop.
async fn life(sale: &Sale, i: usize, who: String) {
    eventually(
        Duration::from_secs(150),
        "everybody's turn comes",
        async || {
            let line = sale.api.line("rock").await;
            assert!(line.count("slots") <= 10, "{line:?}");
            sale.api.status("rock", &who).await.of(200).stands() == "READY"
        },
    )
    .await;
    abandons(sale, i, &who).await;
}
