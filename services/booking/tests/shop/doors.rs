//! A booking token opens only its own concert, only to its own member, and only while it lives.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, redirect::Policy};
use serde_json::json;
use sunbeon_test_support::eventually;

use crate::world::{World, entry_of, on_both_databases, seen, send};

on_both_databases! {
    without_a_booking_token_nothing_behind_the_gate_is_served
    a_browser_without_a_booking_token_is_redirected_to_the_waiting_page_with_its_way_back
    a_token_of_one_concert_opens_no_other_whichever_part_of_the_request_names_it
    another_members_token_opens_nothing
    a_revoked_token_opens_nothing_within_five_seconds
    without_a_line_the_path_names_the_concert
    my_bookings_and_seats_need_only_the_access_token
    nobody_reads_or_cancels_anothers_booking
}

const NO_BOOKING: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Returns every gated request about concert `a`, as method, path and body.
fn gated() -> Vec<(Method, String, serde_json::Value)> {
    let seats = json!({"seatIds": ["a.R.1.1"]});
    vec![
        (Method::GET, "/v2/concerts/a".into(), json!({})),
        (Method::GET, "/v2/concerts/a/tickets".into(), json!({})),
        (Method::GET, "/v2/concerts/a/seats".into(), json!({})),
        (Method::POST, "/v2/seats/lock".into(), seats.clone()),
        (Method::DELETE, "/v2/seats/lock".into(), seats.clone()),
        (Method::POST, "/v2/bookings".into(), seats),
        (
            Method::POST,
            format!("/v2/bookings/{NO_BOOKING}/confirm"),
            json!({"paymentToken": "card"}),
        ),
    ]
}

async fn without_a_booking_token_nothing_behind_the_gate_is_served(world: World) {
    let expired = world.fan_until("a", "42", -1);
    let mut garbled = world.fan("a", "42");
    garbled.token.push('x');
    for fan in [world.outsider("42"), expired, garbled] {
        for (method, path, body) in gated() {
            let answer = fan.call(method, &path, &body).await;
            assert_eq!(answer.status, 403, "{path}");
            answer.fails("QUEUE_TOKEN_REQUIRED");
        }
    }
    let mut nobody = world.fan("a", "42");
    nobody.access = "no token".into();
    for (method, path, body) in gated() {
        nobody
            .call(method, &path, &body)
            .await
            .fails("UNAUTHENTICATED");
    }
    assert_eq!(world.remaining("a").await, 20);
}

async fn a_browser_without_a_booking_token_is_redirected_to_the_waiting_page_with_its_way_back(
    world: World,
) {
    let browser = Client::builder().redirect(Policy::none()).build();
    let browser = browser.expect("a client");
    let access = world.access("42", false);
    let visit = async |host: &str| {
        let path = format!("{}/v2/concerts/a/seats", world.url);
        let request = browser.get(path).bearer_auth(&access).header("Host", host);
        send(request.header("Accept", "text/html,*/*;q=0.8")).await
    };
    let sent = seen(async || visit("shop.example").await).await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (
            303,
            "https://queue.example/a?target=\
             http%3A%2F%2Fshop.example%2Fv2%2Fconcerts%2Fa%2Fseats"
        )
    );
    let from_elsewhere = seen(async || visit("evil.example").await).await;
    assert_eq!(
        (from_elsewhere.status, from_elsewhere.header("location")),
        (303, "https://queue.example/a")
    );
}

async fn a_token_of_one_concert_opens_no_other_whichever_part_of_the_request_names_it(
    world: World,
) {
    let (fan, in_b) = (world.fan("a", "42"), world.fan("b", "42"));
    let refused = async |method: Method, path: &str, body: serde_json::Value| {
        let answer = fan.call(method, path, &body).await;
        assert_eq!(answer.status, 403, "{path} {body} {answer:?}");
        let page = &answer.fails("QUEUE_TOKEN_REQUIRED")["waitingPage"];
        assert_eq!(page, "https://queue.example/b", "{path} {body}");
    };
    let booking = in_b.booked(&["b.R.1.1"]).await;
    for path in [
        "/v2/concerts/b",
        "/v2/concerts/b/seats",
        "/v2/concerts/b/tickets",
    ] {
        refused(Method::GET, path, json!({})).await;
        // The path names the concert; these routes accept no other name.
        for query in ["?concertId=a", "?concertId=b"] {
            let answer = fan.get(&format!("{path}{query}")).await;
            answer.fails("INVALID_QUERY");
        }
    }
    refused(Method::GET, "/v2/concerts/%62/seats", json!({})).await;
    let seats = || json!({"seatIds": ["b.R.1.2"]});
    let mixed = || json!({"seatIds": ["a.R.1.1", "b.R.1.2"]});
    for query in ["", "?concertId=a", "?concertId=b"] {
        for body in [seats(), mixed()] {
            refused(
                Method::POST,
                &format!("/v2/seats/lock{query}"),
                body.clone(),
            )
            .await;
            refused(
                Method::DELETE,
                &format!("/v2/seats/lock{query}"),
                body.clone(),
            )
            .await;
            refused(Method::POST, &format!("/v2/bookings{query}"), body).await;
        }
        let path = format!("/v2/bookings/{booking}/confirm{query}");
        refused(Method::POST, &path, json!({"paymentToken": "card"})).await;
    }
    assert_eq!(world.payments.paid(), 0);
    assert_eq!(in_b.booking(&booking).await["state"], "PENDING");
    assert_eq!(
        world.remaining("a").await,
        20,
        "the rest of the request is not carried out either"
    );
    let made = fan.get("/v2/bookings").await;
    assert_eq!(
        made.data(200)["bookings"][0]["bookingId"],
        *booking,
        "it is still mine"
    );
}

async fn another_members_token_opens_nothing(world: World) {
    let mut thief = world.fan("a", "43");
    thief.token = world.fan("a", "42").token;
    for (method, path, body) in gated() {
        let answer = thief.call(method, &path, &body).await;
        assert_eq!(answer.status, 403, "{path}");
        answer.fails("QUEUE_TOKEN_REQUIRED");
    }
    assert_eq!(world.remaining("a").await, 20);
}

async fn a_revoked_token_opens_nothing_within_five_seconds(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    fan.get("/v2/concerts/a").await.data(200);
    world.sunbeon.revoke("a", entry_of("42"));
    let ended = Instant::now();
    eventually(Duration::from_secs(30), "the gate knows", async || {
        let late = ended.elapsed();
        let status = fan.get("/v2/concerts/a").await.status;
        assert!(
            status != 200 || late <= Duration::from_secs(5),
            "let in after {late:?}"
        );
        status == 403
    })
    .await;
    let locked = seen(async || fan.lock(&["a.R.1.1"]).await).await;
    locked.fails("QUEUE_TOKEN_REQUIRED");
    let others = seen(async || other.get("/v2/concerts/a").await).await;
    others.data(200);
}

async fn without_a_line_the_path_names_the_concert(world: World) {
    world.sunbeon.put("open", json!({"mode": "off"}));
    world.on_sale("open", &crate::world::plan()).await.data(200);
    let fan = world.outsider("42");
    fan.get("/v2/concerts/open/seats").await.data(200);
    let seats = json!({"seatIds": ["open.R.1.1"]});
    let locked = fan.post("/v2/seats/lock?concertId=open", &seats).await;
    locked.data(200);
    fan.post("/v2/seats/lock", &seats)
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    let of_a = json!({"seatIds": ["a.R.1.1"]});
    fan.post("/v2/seats/lock?concertId=open", &of_a)
        .await
        .fails("QUEUE_TOKEN_REQUIRED");
    let made = fan.post("/v2/bookings?concertId=open", &seats).await;
    let id = made.data(201)["bookingId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let (path, card) = (
        format!("/v2/bookings/{id}/confirm"),
        json!({"paymentToken": "card"}),
    );
    fan.post(&path, &card).await.fails("QUEUE_TOKEN_REQUIRED");
    let confirmed = fan.post(&format!("{path}?concertId=open"), &card).await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    assert!(world.sunbeon.completes().is_empty(), "there was no session");
}

async fn my_bookings_and_seats_need_only_the_access_token(world: World) {
    let fan = world.fan("a", "42");
    let id = fan.booked(&["a.R.1.1"]).await;
    let later = world.outsider("42");
    assert_eq!(later.booking(&id).await["state"], "PENDING");
    let listed = later.get("/v2/bookings").await;
    assert_eq!(listed.data(200)["bookings"][0]["bookingId"], *id);
    let seats = later.get("/v2/concerts/a/seats/mine").await;
    assert_eq!(seats.data(200)["seats"][0]["seatId"], "a.R.1.1");
    assert_eq!(later.cancel(&id).await.data(200)["state"], "CANCELLED");
    for path in ["/v2/bookings", "/v2/concerts/a/seats/mine"] {
        world.get(path).await.fails("UNAUTHENTICATED");
    }
}

async fn nobody_reads_or_cancels_anothers_booking(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let id = fan.booked(&["a.R.1.1"]).await;
    for id in [&*id, NO_BOOKING, "no-id", "%00", "1"] {
        let path = format!("/v2/bookings/{id}");
        other.get(&path).await.fails("BOOKING_NOT_FOUND");
        other
            .call(Method::DELETE, &path, &json!({}))
            .await
            .fails("BOOKING_NOT_FOUND");
        other.confirm(id, "card").await.fails("BOOKING_NOT_FOUND");
    }
    let listed = other.get("/v2/bookings").await;
    assert_eq!(listed.data(200)["bookings"], json!([]));
    assert_eq!(fan.booking(&id).await["state"], "PENDING");
    assert_eq!(world.payments.paid(), 0);
}
