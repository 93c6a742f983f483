//! The public list of concerts: cached, purged when a concert changes, and stale rather than
//! missing.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_broker::Broker;
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::Event;
use sunbeon_test_support::eventually;

use crate::world::{Answer, World, send};

const SOON: Duration = Duration::from_secs(20);

fn ids(answer: &Answer) -> Vec<String> {
    let concerts = answer.data(200)["concerts"].as_array().expect("concerts");
    let id = |concert: &Value| concert["concertId"].as_str().expect("an id").to_owned();
    concerts.iter().map(id).collect()
}

/// Reads the list until it comes from the cache.
async fn is_kept(world: &World) -> usize {
    eventually(SOON, "the list is cached", async || {
        let before = world.sunbeon.lists();
        world.get("/v2/concerts").await.data(200);
        before > 0 && world.sunbeon.lists() == before
    })
    .await;
    world.sunbeon.lists()
}

fn changed(world: &World, id: &str) {
    world.broker.publish_event(Event::ConcertChanged {
        concert_id: ConcertId::parse(id).expect("a valid id"),
        version: 2,
    });
}

#[tokio::test]
async fn anybody_can_page_through_the_concerts_on_sale() {
    let world = World::sqlite().await;
    let times = json!({
        "bookingStartAt": "2026-12-01T11:00:00.000Z", "bookingEndAt": "2026-12-02T11:00:00.000Z",
        "mode": "threshold", "maxActive": 5, "notice": "hidden", "identity": "guest",
    });
    world.sunbeon.put("C", times);
    world.sunbeon.put("d", json!({"closed": true}));
    let listed = world.get("/v2/concerts").await;
    assert_eq!(ids(&listed), ["C", "a", "b", "d"], "in the order of ids");
    let first = &listed.data(200)["concerts"][0];
    let expected = json!({
        "concertId": "C", "title": "Title of C", "timeZone": "Asia/Seoul", "mode": "threshold",
        "bookingStartAt": "2026-12-01T11:00:00.000Z", "bookingEndAt": "2026-12-02T11:00:00.000Z",
        "closed": false, "identity": "guest",
    });
    assert_eq!(*first, expected);
    assert_eq!(listed.data(200)["concerts"][3]["closed"], true);
    let page = world.get("/v2/concerts?limit=2").await;
    assert_eq!(
        (ids(&page), &page.data(200)["nextCursor"]),
        (vec!["C".into(), "a".into()], &json!("a"))
    );
    let page = world.get("/v2/concerts?limit=2&cursor=a").await;
    assert_eq!(ids(&page), ["b", "d"]);
    assert!(page.data(200).get("nextCursor").is_none(), "{page:?}");
    for (query, code) in [
        ("limit=0", "INVALID_LIMIT"),
        ("limit=x", "INVALID_LIMIT"),
        ("cursor=a%20b", "INVALID_CURSOR"),
        ("cursor=a&cursor=b", "INVALID_CURSOR"),
    ] {
        world
            .get(&format!("/v2/concerts?{query}"))
            .await
            .fails(code);
    }
}

#[tokio::test]
async fn an_unchanged_answer_is_not_sent_again() {
    let world = World::sqlite().await;
    let listed = world.get("/v2/concerts").await;
    let etag = listed.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(listed.header("cache-control"), "public, no-cache");
    assert_eq!(
        listed.header("vary").to_ascii_lowercase(),
        "accept-language"
    );
    assert_eq!(listed.header("content-type"), "application/json");
    let ask = async |known: &str, language: &str| {
        let request = world.request(Method::GET, "/v2/concerts");
        let request = request.header("If-None-Match", known);
        send(request.header("Accept-Language", language)).await
    };
    for known in [&*etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
        let again = ask(known, "ko").await;
        assert_eq!((again.status, &again.body), (304, &Value::Null), "{known}");
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.header("vary").to_ascii_lowercase(), "accept-language");
    }
    assert_eq!(ask("\"x\"", "ko").await.status, 200);
    // The message is in another language, so the bytes and the tag differ.
    let english = ask(&etag, "en").await;
    assert_eq!(english.status, 200);
    assert_ne!(english.header("etag"), etag);
    world.sunbeon.put("new", json!({}));
    changed(&world, "new");
    let other = async || ask(&etag, "ko").await.status == 200;
    eventually(SOON, "a changed list has another tag", other).await;
}

#[tokio::test]
async fn the_list_is_kept_until_a_concert_changes() {
    let world = World::sqlite().await;
    let fetched = is_kept(&world).await;
    world.sunbeon.put("new", json!({}));
    for _ in 0..10 {
        assert_eq!(ids(&world.get("/v2/concerts").await), ["a", "b"]);
    }
    assert_eq!(world.sunbeon.lists(), fetched);
    changed(&world, "new");
    let seen = async || ids(&world.get("/v2/concerts").await) == ["a", "b", "new"];
    eventually(SOON, "the change is seen", seen).await;
    assert_eq!(world.sunbeon.lists(), fetched + 1);
}

#[tokio::test]
async fn simultaneous_readers_share_one_fetch() {
    let world = World::sqlite().await;
    let fetched = is_kept(&world).await;
    world.sunbeon.slow(Duration::from_millis(300));
    world.sunbeon.put("new", json!({}));
    changed(&world, "new");
    eventually(SOON, "the change is seen", async || {
        let lists = join_all((0..20).map(|_| world.get("/v2/concerts"))).await;
        lists.iter().all(|list| ids(list) == ["a", "b", "new"])
    })
    .await;
    assert_eq!(world.sunbeon.lists(), fetched + 1);
}

#[tokio::test]
async fn while_sunbeon_is_down_the_previous_list_is_served() {
    let world = World::sqlite().await;
    is_kept(&world).await;
    world.sunbeon.put("new", json!({}));
    world.sunbeon.down(true);
    changed(&world, "new");
    let (began, before) = (Instant::now(), world.sunbeon.refused());
    eventually(SOON, "Sunbeon is asked", async || {
        assert_eq!(ids(&world.get("/v2/concerts").await), ["a", "b"]);
        world.sunbeon.refused() > before
    })
    .await;
    for _ in 0..30 {
        assert_eq!(ids(&world.get("/v2/concerts").await), ["a", "b"]);
    }
    let most = before + 2 + usize::try_from(began.elapsed().as_secs()).expect("a small number");
    assert!(
        world.sunbeon.refused() <= most,
        "Sunbeon is asked at most once a second"
    );
    world.sunbeon.down(false);
    let seen = async || ids(&world.get("/v2/concerts").await) == ["a", "b", "new"];
    eventually(SOON, "the change is seen", seen).await;
}

#[tokio::test]
async fn a_list_that_was_never_fetched_names_the_missing_dependency() {
    let world = World::sqlite().await;
    world.sunbeon.down(true);
    for _ in 0..3 {
        // Sunbeon answers, but its database is unavailable.
        world.get("/v2/concerts").await.fails("DATABASE_DOWN");
    }
    world
        .fan("a", "42")
        .lock(&["a.R.1.1"])
        .await
        .fails("DATABASE_DOWN");
    world.sunbeon.down(false);
    let back = async || world.get("/v2/concerts").await.status == 200;
    eventually(SOON, "it is back", back).await;
}

#[tokio::test]
async fn a_concert_missing_from_the_list_is_looked_up_individually() {
    let world = World::sqlite().await;
    is_kept(&world).await;
    world.sunbeon.put("new", json!({}));
    world.on_sale("new", &crate::world::plan()).await.data(200);
    let asked = |id: &str| {
        let calls = world.sunbeon.calls(&format!("GET /v2/admin/concerts/{id}"));
        calls.len()
    };
    let before = asked("new");
    let fan = world.fan("new", "42");
    fan.lock(&["new.R.1.1"]).await.data(200);
    fan.lock(&["new.R.1.2"]).await.data(200);
    assert_eq!(asked("new"), before + 1);
    let lost = world.fan("nowhere", "42");
    let lock = async || lost.lock(&["nowhere.R.1.1"]).await;
    let began = Instant::now();
    for _ in 0..5 {
        lock().await.fails("CONCERT_NOT_FOUND");
    }
    let most = 1 + usize::try_from(began.elapsed().as_secs() / 2).expect("a small number");
    assert!(asked("nowhere") <= most, "{} times", asked("nowhere"));
    world.sunbeon.put("nowhere", json!({}));
    let found = async || lock().await.body["code"] == "STOCK_NOT_FOUND";
    eventually(SOON, "it is not forgotten for long", found).await;
}

#[tokio::test]
async fn a_hanging_sunbeon_delays_nobody() {
    let world = World::sqlite().await;
    is_kept(&world).await;
    let fan = world.fan("a", "42");
    fan.get("/v2/concerts/a").await.data(200);
    let before = world.sunbeon.awaited();
    world.sunbeon.slow(Duration::from_secs(600));
    changed(&world, "a");
    // Less than the time limit of a hanging page.
    let limit = Duration::from_millis(1_500);
    let list = async || {
        let listed = tokio::time::timeout(limit, world.get("/v2/concerts")).await;
        assert_eq!(ids(&listed.expect("an answer in time")), ["a", "b"]);
    };
    eventually(SOON, "Sunbeon is asked", async || {
        list().await;
        world.sunbeon.awaited() > before
    })
    .await;
    let seats = json!({"seatIds": ["a.R.1.1"]});
    for (path, status) in [("/v2/seats/lock", 200), ("/v2/bookings", 201)] {
        let answer = tokio::time::timeout(limit, fan.post(path, &seats)).await;
        answer.expect("an answer in time").data(status);
    }
    // Callers do not wait either once the fetch was abandoned and started again.
    let again = async || {
        list().await;
        world.sunbeon.awaited() > before + 1
    };
    eventually(SOON * 2, "Sunbeon is asked again", again).await;
    world.sunbeon.slow(Duration::ZERO);
}
