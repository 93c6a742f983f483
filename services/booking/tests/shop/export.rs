//! Operators can export their data: pages and files of a concert's bookings.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, on_both_databases};

on_both_databases! {
    bookings_are_paged_and_exported_completely
    only_operators_can_export_bookings
}

const HEADER: &str = "bookingId,concertId,memberId,entryNumber,state,amount,seats,tickets,\
    paymentId,paymentState,createdAt,expiresAt,confirmedAt,cancelledAt";

async fn file(world: &World, path: &str) -> (String, String) {
    let request = world.request(Method::GET, path);
    let request = request.bearer_auth(world.access("operator", true));
    let answer = request.send().await.expect("the shop answers");
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"]
        .to_str()
        .expect("a text")
        .to_owned();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    (kind, answer.text().await.expect("a whole file"))
}

async fn bookings_are_paged_and_exported_completely(world: World) {
    let fan = world.fan("a", "42");
    let first = fan.booked(&["a.R.1.1", "a.R.1.2"]).await;
    fan.confirm(&first, "card").await.data(200);
    let mut made = vec![first.clone()];
    for n in 0..4 {
        made.push(world.fan("a", &format!("m{n}")).booked_tickets(2).await);
    }
    world.fan("b", "42").booked_tickets(1).await;
    let (mut listed, mut path) = (Vec::new(), "/v2/stock/a/bookings?limit=2".to_owned());
    loop {
        let page = world.by_admin(Method::GET, &path, &json!({})).await;
        let page = page.data(200);
        listed.extend(page["bookings"].as_array().expect("bookings").clone());
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/v2/stock/a/bookings?limit=2&cursor={next}");
    }
    let ids: Vec<_> = listed
        .iter()
        .map(|one| one["bookingId"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, made, "oldest first");
    assert_eq!(listed[0]["memberId"], "42");
    assert_eq!(listed[0]["entryNumber"], 7);
    let payment = json!({"paymentId": format!("fake-{first}-1"), "state": "PAID"});
    assert_eq!(listed[0]["payment"], payment);
    assert!(listed[1].get("payment").is_none(), "{}", listed[1]);

    let (kind, lines) = file(&world, "/v2/stock/a/bookings.jsonl").await;
    assert_eq!(kind, "application/jsonl");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines, listed);

    let (kind, csv) = file(&world, "/v2/stock/a/bookings.csv").await;
    assert_eq!(kind, "text/csv; charset=utf-8; header=present");
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!((rows.len(), rows[0]), (6, HEADER));
    let begins = format!("{first},a,42,7,CONFIRMED,2000,a.R.1.1 a.R.1.2,,fake-{first}-1,PAID,");
    assert!(rows[1].starts_with(&begins), "{}", rows[1]);
    assert!(
        rows[2].contains(",PENDING,1000,,standing=2,,,"),
        "{}",
        rows[2]
    );

    let none = file(&world, "/v2/stock/nowhere/bookings.csv").await.1;
    assert_eq!(none.trim_end(), HEADER);
}

async fn only_operators_can_export_bookings(world: World) {
    let fan = world.fan("a", "42");
    fan.booked_tickets(1).await;
    for path in [
        "/v2/stock/a/bookings",
        "/v2/stock/a/bookings.csv",
        "/v2/stock/a/bookings.jsonl",
    ] {
        world.get(path).await.fails("UNAUTHENTICATED");
        fan.get(path).await.fails("FORBIDDEN");
        for query in ["?limit=0", "?cursor=x"] {
            if path.ends_with("bookings") {
                let path = format!("{path}{query}");
                let answer = world.by_admin(Method::GET, &path, &json!({})).await;
                assert_eq!(answer.status, 400, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_export_of_many_pages_is_complete() {
    const MANY: &str = "WITH RECURSIVE n(i) AS \
        (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 1201) \
        INSERT INTO bookings (booking_id, concert_id, member_id, state, amount, due_ms, \
            expires_at_ms, request, created_at_ms) \
        SELECT '01890a5d-ac96-774b-bcce-' || (100000000000 + i), 'a', \
            CASE WHEN i = 1 THEN '=1+1' WHEN i = 2 THEN '@sum' ELSE 'm' || i END, \
            'PENDING', 0, 0, 0, '', 0 FROM n";
    let world = World::postgres().await;
    let made = world
        .beside()
        .execute(&MANY.into(), sunbeon_database::values![])
        .await;
    assert_eq!(made.expect("PostgreSQL"), 1_201);
    let csv = file(&world, "/v2/stock/a/bookings.csv").await.1;
    let rows: Vec<_> = csv.lines().collect();
    assert_eq!(rows.len(), 1_202);
    assert!(
        rows[1].contains(",'=1+1,") && rows[2].contains(",'@sum,"),
        "no formula"
    );
    let lines = file(&world, "/v2/stock/a/bookings.jsonl").await.1;
    assert_eq!(lines.lines().count(), 1_201);
    assert!(lines.contains("\"memberId\":\"=1+1\""));
}
