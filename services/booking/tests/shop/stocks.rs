//! Operators' requests: putting stock on sale, reading it, resetting it, taking it off.

use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_database::values;
use sunbeon_test_support::eventually;

use crate::world::{World, on_both_databases, plan, send};

on_both_databases! {
    an_operator_can_put_stock_on_sale_and_take_it_off
    stock_that_members_hold_cannot_be_removed
    capacity_can_be_raised_during_the_sale
    a_reset_frees_everything
    a_plan_out_of_bounds_is_refused_with_the_field_named
}

async fn an_operator_can_put_stock_on_sale_and_take_it_off(world: World) {
    let empty = json!({});
    let read = world.by_admin(Method::GET, "/v2/stock/a", &empty).await;
    let mut expected = plan();
    expected["concertId"] = "a".into();
    expected["remaining"] = 20.into();
    assert_eq!(*read.data(200), expected);
    world
        .on_sale("nowhere", &plan())
        .await
        .fails("CONCERT_NOT_FOUND");
    world.sunbeon.down(true);
    world.on_sale("a", &plan()).await.fails("DATABASE_DOWN");
    world.sunbeon.down(false);
    world
        .by_admin(Method::DELETE, "/v2/stock/a", &empty)
        .await
        .data(200);
    for (method, path) in [
        (Method::GET, "/v2/stock/a"),
        (Method::DELETE, "/v2/stock/a"),
        (Method::POST, "/v2/stock/a/reset"),
    ] {
        let gone = world.by_admin(method, path, &empty).await;
        assert_eq!(gone.status, 404);
        gone.fails("STOCK_NOT_FOUND");
    }
    // Only for admins.
    for path in ["/v2/stock/b", "/v2/stock/b/reset"] {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
            let fan = world.fan("b", "42");
            let answer = fan.call(method, path, &plan()).await;
            assert!(matches!(answer.status, 403 | 405), "{answer:?}");
        }
    }
    assert_eq!(world.remaining("b").await, 20);
}

async fn capacity_can_be_raised_during_the_sale(world: World) {
    for (n, quantity) in [4, 4, 2].into_iter().enumerate() {
        world
            .fan("a", &format!("m{n}"))
            .booked_tickets(quantity)
            .await;
    }
    let mut more = plan();
    more["tickets"][0]["quantity"] = 11.into();
    world.on_sale("a", &more).await.data(200);
    world.fan("a", "42").booked_tickets(1).await;
    let mut fewer = plan();
    fewer["tickets"][0]["quantity"] = 10.into();
    let in_use = world.on_sale("a", &fewer).await;
    assert_eq!(
        in_use.fails("STOCK_IN_USE")["ticketIds"],
        json!(["standing"])
    );
}

async fn stock_that_members_hold_cannot_be_removed(world: World) {
    let fan = world.fan("a", "42");
    fan.booked(&["a.R.1.1"]).await;
    let mut other = plan();
    other["sections"][0]["rows"] = 1.into();
    other["sections"][0]["section"] = "S".into();
    let in_use = world.on_sale("a", &other).await;
    let in_the_way = json!({"sections": ["R"], "ticketIds": []});
    assert_eq!(*in_use.fails("STOCK_IN_USE"), in_the_way);
    let removed = world
        .by_admin(Method::DELETE, "/v2/stock/a", &json!({}))
        .await;
    removed.fails("STOCK_IN_USE");
    assert_eq!(world.remaining("a").await, 19);
}

async fn a_reset_frees_everything(world: World) {
    let (fan, other) = (world.fan("a", "42"), world.fan("a", "43"));
    let id = fan.booked(&["a.R.1.1", "a.R.1.2"]).await;
    fan.confirm(&id, "card").await.data(200);
    other.lock(&["a.R.2.1"]).await.data(200);
    let reset = world
        .by_admin(Method::POST, "/v2/stock/a/reset", &json!({}))
        .await;
    assert_eq!(*reset.data(200), json!({"cancelled": 1, "freed": 3}));
    assert_eq!(world.remaining("a").await, 20);
    assert_eq!(fan.booking(&id).await["state"], "CANCELLED");
    let refunded = async || world.payments.refunds() == 2000;
    let limit = std::time::Duration::from_secs(10);
    eventually(limit, "the charge is refunded", refunded).await;
    other
        .book(&json!({"seatIds": ["a.R.2.1"]}))
        .await
        .fails("SEAT_NOT_HELD");
    let mut smaller = plan();
    smaller["sections"][0]["rows"] = 1.into();
    world.on_sale("a", &smaller).await.data(200);
    assert_eq!(world.remaining("a").await, 15);
}

#[tokio::test]
async fn a_very_large_sale_is_reset_by_repeating_the_request() {
    const MANY: &str = "INSERT INTO bookings (booking_id, concert_id, member_id, state, amount, \
            due_ms, expires_at_ms, request, created_at_ms) \
        SELECT '01890a5d-ac96-774b-bcce-' || (100000000000 + i), 'a', 'many', 'PENDING', 0, {now} + 600000, {now} + 600000, '', {now} \
        FROM generate_series(1, 5001) AS i";
    let world = World::postgres().await;
    let made = world.beside().execute(&MANY.into(), values![]).await;
    assert_eq!(made.expect("PostgreSQL"), 5_001);
    let fan = world.fan("a", "42");
    fan.lock(&["a.R.1.1"]).await.data(200);
    let (path, empty) = ("/v2/stock/a/reset", json!({}));
    let reset = || world.by_admin(Method::POST, path, &empty);
    let part = json!({"cancelled": 5_000, "freed": 0, "more": true});
    assert_eq!(*reset().await.data(200), part);
    assert_eq!(world.remaining("a").await, 19);
    let rest = json!({"cancelled": 1, "freed": 1});
    assert_eq!(*reset().await.data(200), rest);
    assert_eq!(world.remaining("a").await, 20);
}

async fn a_plan_out_of_bounds_is_refused_with_the_field_named(world: World) {
    let section = |change: Value| {
        let mut section = plan()["sections"][0].clone();
        let change = change.as_object().expect("an object").clone();
        section.as_object_mut().expect("an object").extend(change);
        json!([section])
    };
    let ticket = |change: Value| {
        let mut ticket = plan()["tickets"][0].clone();
        let change = change.as_object().expect("an object").clone();
        ticket.as_object_mut().expect("an object").extend(change);
        json!([ticket])
    };
    let twice = |name: &str| json!([plan()[name][0], plan()[name][0]]);
    let cases = [
        ("perMemberLimit", json!(0), "INVALID_PER_MEMBER_LIMIT"),
        ("perMemberLimit", json!(101), "INVALID_PER_MEMBER_LIMIT"),
        ("perMemberLimit", json!(-1), "INVALID_PER_MEMBER_LIMIT"),
        ("perMemberLimit", json!(1.5), "INVALID_PER_MEMBER_LIMIT"),
        ("perMemberLimit", json!("4"), "INVALID_PER_MEMBER_LIMIT"),
        ("perMemberLimit", json!(null), "INVALID_PER_MEMBER_LIMIT"),
        (
            "perMemberLimit",
            json!(4_294_967_300_u64),
            "INVALID_PER_MEMBER_LIMIT",
        ),
        ("sections", json!({}), "INVALID_SECTIONS"),
        ("sections", json!(null), "INVALID_SECTIONS"),
        ("sections", json!([["R", 1000, 2, 5]]), "INVALID_SECTIONS"),
        ("sections", twice("sections"), "INVALID_SECTIONS"),
        (
            "sections",
            section(json!({"section": "a b"})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"section": "a.b"})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"section": ""})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"price": -1})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"price": 1_000_000_001})),
            "INVALID_SECTIONS",
        ),
        ("sections", section(json!({"rows": 0})), "INVALID_SECTIONS"),
        (
            "sections",
            section(json!({"rows": 201})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"seatsPerRow": "5"})),
            "INVALID_SECTIONS",
        ),
        (
            "sections",
            section(json!({"color": "red"})),
            "INVALID_SECTIONS",
        ),
        ("tickets", json!("standing"), "INVALID_TICKETS"),
        (
            "tickets",
            json!([["standing", "Standing", 500, 10]]),
            "INVALID_TICKETS",
        ),
        ("tickets", twice("tickets"), "INVALID_TICKETS"),
        (
            "tickets",
            ticket(json!({"ticketId": "a.b"})),
            "INVALID_TICKETS",
        ),
        ("tickets", ticket(json!({"name": ""})), "INVALID_TICKETS"),
        (
            "tickets",
            ticket(json!({"name": "a\0b"})),
            "INVALID_TICKETS",
        ),
        (
            "tickets",
            ticket(json!({"quantity": -1})),
            "INVALID_TICKETS",
        ),
        (
            "tickets",
            ticket(json!({"quantity": 10_000_001})),
            "INVALID_TICKETS",
        ),
        ("color", json!("red"), "INVALID_BODY"),
    ];
    for (field, value, code) in cases {
        let mut broken = plan();
        broken[field] = value;
        let refused = world.on_sale("a", &broken).await;
        assert_eq!(refused.status, 400, "{broken}");
        refused.fails(code);
    }
    let nothing = json!({"perMemberLimit": 4});
    world.on_sale("a", &nothing).await.fails("INVALID_SECTIONS");
    world
        .on_sale("a", &json!({}))
        .await
        .fails("INVALID_PER_MEMBER_LIMIT");
    let request = world.request(Method::PUT, "/v2/stock/a%20b").json(&plan());
    let request = request.bearer_auth(world.access("operator", true));
    send(request).await.fails("INVALID_CONCERT_ID");
    assert_eq!(world.remaining("a").await, 20);
}
