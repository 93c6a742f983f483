//! The seat map: built once a second, however many members ask, and the same for everybody.

use std::{io::Read, time::Duration};

use flate2::read::GzDecoder;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::eventually;

use crate::world::{Fan, World, on_both_databases, send};

on_both_databases! {
    the_map_is_the_same_for_everybody_and_lists_my_seats_separately
    an_unchanged_answer_is_not_sent_again
    only_changes_are_sent_on_request
    a_thousand_cancelled_requests_leave_the_shop_intact
}

const SEATS: &str = "/v2/concerts/a/seats";
const SOON: Duration = Duration::from_secs(10);

async fn the_map_is_the_same_for_everybody_and_lists_my_seats_separately(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    fan.lock(&["a.R.1.1"]).await.data(200);
    other.sees("a.R.1.1", "HELD", false).await;
    fan.sees("a.R.1.1", "HELD", true).await;
    let (one, two) = (fan.get(SEATS).await, other.get(SEATS).await);
    assert_eq!(one.data(200)["seats"], two.data(200)["seats"]);
    let seat = &one.data(200)["seats"][0];
    let expected = json!({"seatId": "a.R.1.1", "section": "R", "row": 1, "number": 1,
        "price": 1000, "state": "HELD"});
    assert_eq!(*seat, expected);
    let mine = fan.get("/v2/concerts/a/seats/mine").await;
    let mine = &mine.data(200)["seats"][0];
    assert_eq!(
        (&mine["seatId"], &mine["state"]),
        (&json!("a.R.1.1"), &json!("HELD"))
    );
    assert!(mine["holdEndsAt"].is_string(), "{mine}");
    let none = other.get("/v2/concerts/a/seats/mine").await;
    assert_eq!(none.data(200)["seats"], json!([]));
}

async fn ask(fan: &Fan, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = fan.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("the shop answers")
}

async fn an_unchanged_answer_is_not_sent_again(world: World) {
    let fan = world.fan("a", "42");
    let plain = fan.get(SEATS).await;
    let etag = plain.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(plain.header("cache-control"), "private, no-cache");
    // A gateway may weaken the tag.
    for known in [&*etag, &format!("W/{etag}")] {
        let again = send(
            fan.request(Method::GET, SEATS)
                .header("If-None-Match", known),
        )
        .await;
        assert_eq!((again.status, again.header("etag")), (304, &*etag));
    }
    let packed = ask(&fan, SEATS, &[("Accept-Encoding", "br, gzip")]).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["etag"], *etag);
    let packed = packed.bytes().await.expect("a whole answer");
    let mut text = String::new();
    GzDecoder::new(&packed[..])
        .read_to_string(&mut text)
        .expect("gzip");
    let unpacked: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(unpacked, plain.body);
    let refused = ask(&fan, SEATS, &[("Accept-Encoding", "gzip;q=0")]).await;
    assert!(!refused.headers().contains_key("content-encoding"));
    fan.lock(&["a.R.1.1"]).await.data(200);
    let changed = async || {
        let known = fan
            .request(Method::GET, SEATS)
            .header("If-None-Match", &etag);
        send(known).await.status == 200
    };
    eventually(SOON, "a changed map has another tag", changed).await;
}

async fn only_changes_are_sent_on_request(world: World) {
    let fan = world.fan("a", "42");
    let first = fan.get(SEATS).await;
    let first = first.data(200)["at"].as_str().expect("a time").to_owned();
    // In the first seconds it is unknown what another replica has not seen yet.
    let early = fan.get(&format!("{SEATS}?since={first}")).await;
    assert!(early.data(200)["seats"].is_array(), "{early:?}");
    fan.lock(&["a.R.2.5"]).await.data(200);
    fan.sees("a.R.2.5", "HELD", true).await;
    let expected = json!([{"seatId": "a.R.2.5", "state": "HELD"}]);
    // Pretend that enough time has passed since the first map.
    let mut since = first;
    eventually(SOON, "only the change is sent", async || {
        let answer = fan.get(&format!("{SEATS}?since={since}")).await;
        let changed = answer.data(200).get("changed");
        if let Some(changed) = changed {
            assert_eq!(*changed, expected);
        }
        since = later(&since);
        changed.is_some()
    })
    .await;
    let nonsense = fan.get(&format!("{SEATS}?since=yesterday")).await;
    nonsense.fails("INVALID_SINCE");
}

/// Returns a time one second later, as a client would have read it last.
fn later(time: &str) -> String {
    let time = sunbeon_domain::UnixMs::parse(time).expect("a time");
    (time + 1_000).to_string()
}

/// A database in memory was lost with its only connection, which a cancelled caller could close.
async fn a_thousand_cancelled_requests_leave_the_shop_intact(world: World) {
    let fan = world.fan("a", "42");
    for wave in 0..50_u64 {
        let asked = (0..20_u64).map(|n| {
            let path = ["/v2/concerts/a/seats/mine", "/v2/bookings"][usize::from(n % 2 == 0)];
            let limit = Duration::from_micros(200 * (wave % 10) + 50 * n);
            let request = fan.request(Method::GET, path);
            async move { drop(tokio::time::timeout(limit, request.send()).await) }
        });
        join_all(asked).await;
    }
    let well = async || fan.get(SEATS).await.status == 200;
    eventually(SOON, "the shop answers", well).await;
    assert_eq!(world.remaining("a").await, 20);
}
