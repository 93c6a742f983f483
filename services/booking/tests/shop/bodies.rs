//! Hostile bodies are refused with an exact code and change nothing.

use reqwest::Method;
use serde_json::json;

use crate::world::{World, send};

const LOCK: &str = "/v2/seats/lock";
const BOOK: &str = "/v2/bookings";
const CONFIRM: &str = "/v2/bookings/01890a5d-ac96-774b-bcce-b302099a8057/confirm";

#[tokio::test]
async fn a_body_that_is_not_an_object_is_refused_on_every_route() {
    let world = World::sqlite().await;
    let fan = world.fan("a", "42");
    let routes = [
        (Method::POST, LOCK),
        (Method::DELETE, LOCK),
        (Method::POST, BOOK),
        (Method::POST, CONFIRM),
    ];
    let deep = format!(
        "{{\"seatIds\":{}1{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let bodies: Vec<&[u8]> = vec![
        b"",
        b"{",
        b"null",
        b"[]",
        b"[[\"a.R.1.1\"]]",
        b"\"a.R.1.1\"",
        b"7",
        b"{\"seatIds\":[\"a.R.1.1\"],}",
        b"{\"seatIds\":[\"a.R.1.1\"]} {}",
        b"{\"seatIds\":[\"a.R.1.1\xFF\"]}",
        b"\xEF\xBB\xBF{}",
        b"seatIds=a.R.1.1",
        b"{\"memberId\":\"43\"}",
        b"{\"seatIds\":[\"a.R.1.1\"],\"concertId\":\"a\"}",
        b"{\"paymentToken\":\"card\",\"amount\":0}",
        deep.as_bytes(),
    ];
    for (method, path) in routes {
        for body in &bodies {
            let request = fan.request(method.clone(), path).body(body.to_vec());
            let answer = send(request.header("Content-Type", "application/json")).await;
            let shown = String::from_utf8_lossy(body)
                .chars()
                .take(60)
                .collect::<String>();
            assert_eq!(
                answer.body["code"], "INVALID_BODY",
                "{method} {path} {shown}"
            );
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let request = fan.request(method.clone(), path).body("{}");
            let answer = send(request.header("Content-Type", kind)).await;
            answer.fails("UNSUPPORTED_MEDIA_TYPE");
        }
        let huge = format!("{{\"seatIds\":[\"{}\"]}}", "x".repeat(65 * 1024));
        let request = fan.request(method.clone(), path).body(huge);
        let answer = send(request.header("Content-Type", "application/json")).await;
        answer.fails("BODY_TOO_LARGE");
    }
    let named = fan.post(LOCK, &json!({"seatids": ["a.R.1.1"]})).await;
    assert_eq!(named.fails("INVALID_BODY")["unknownField"], "seatids");
    assert_eq!(world.remaining("a").await, 20);
}

#[tokio::test]
async fn a_field_that_is_malformed_is_named() {
    let world = World::sqlite().await;
    let fan = world.fan("a", "42");
    let many: Vec<_> = (0..101).map(|n| format!("a.R.1.{n}")).collect();
    let seats = [
        json!(null),
        json!([]),
        json!("a.R.1.1"),
        json!({"0": "a.R.1.1"}),
        json!([1]),
        json!([null]),
        json!([["a.R.1.1"]]),
        json!(["a.R.1.1", "a.R.1.1"]),
        json!([""]),
        json!(["a R 1 1"]),
        json!(["좌석"]),
        json!(["a.R.1.1\0"]),
        json!(["'; DROP TABLE seats; --"]),
        json!(["x".repeat(101)]),
        json!(many),
    ];
    for seats in seats {
        for (method, path) in [
            (Method::POST, LOCK),
            (Method::DELETE, LOCK),
            (Method::POST, BOOK),
        ] {
            let refused = fan.call(method, path, &json!({ "seatIds": seats })).await;
            assert_eq!(refused.status, 400, "{seats}");
            refused.fails("INVALID_SEAT_IDS");
        }
    }
    for (method, path) in [
        (Method::POST, LOCK),
        (Method::DELETE, LOCK),
        (Method::POST, BOOK),
    ] {
        fan.call(method, path, &json!({}))
            .await
            .fails("INVALID_SEAT_IDS");
    }
    let standing = json!({"ticketId": "standing", "quantity": 1});
    let tickets = [
        json!(null),
        json!([]),
        json!(standing),
        json!(["standing"]),
        json!([["standing", 1]]),
        json!([{"ticketId": "standing"}]),
        json!([{"quantity": 1}]),
        json!([{"ticketId": "standing", "quantity": 0}]),
        json!([{"ticketId": "standing", "quantity": -1}]),
        json!([{"ticketId": "standing", "quantity": 1.5}]),
        json!([{"ticketId": "standing", "quantity": "1"}]),
        json!([{"ticketId": "standing", "quantity": 4_294_967_296_u64}]),
        json!([{"ticketId": "a b", "quantity": 1}]),
        json!([{"ticketId": "standing", "quantity": 1, "price": 0}]),
        json!([standing, standing]),
    ];
    for tickets in tickets {
        let refused = fan.book(&json!({ "tickets": tickets })).await;
        assert_eq!(refused.status, 400, "{tickets}");
        refused.fails("INVALID_TICKETS");
    }
    let id = fan.booked(&["a.R.1.1"]).await;
    let path = format!("/v2/bookings/{id}/confirm");
    let tokens = [
        json!({}),
        json!({"paymentToken": null}),
        json!({"paymentToken": ""}),
        json!({"paymentToken": 7}),
        json!({"paymentToken": ["card"]}),
        json!({"paymentToken": "a b"}),
        json!({"paymentToken": "카드"}),
        json!({"paymentToken": "x".repeat(256)}),
    ];
    for token in tokens {
        fan.post(&path, &token).await.fails("INVALID_PAYMENT_TOKEN");
    }
    for query in [
        "concertId=",
        "concertId=a%20b",
        "concertId=a&concertId=a",
        "concertId=%FF",
    ] {
        let seats = json!({"seatIds": ["a.R.1.2"]});
        let refused = fan.post(&format!("{LOCK}?{query}"), &seats).await;
        refused.fails("INVALID_CONCERT_ID");
    }
    fan.get("/v2/concerts/a%20b")
        .await
        .fails("INVALID_CONCERT_ID");
    assert_eq!((world.payments.paid(), world.remaining("a").await), (0, 19));
}
