//! Every field of a concert is refused with its own code.

use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_test_support::{access::admin, documented_failures, send};

use crate::app::{App, CONCERTS};

/// Every policy field, with its code and its invalid values.
fn bad_values() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let whole = |min: i64, max: i64| {
        vec![
            json!(min - 1),
            json!(max + 1),
            json!(-1),
            json!(1.5),
            json!("5"),
            json!(true),
            json!([1]),
            json!({}),
            json!(1e30),
            json!(u64::MAX),
        ]
    };
    let optional = whole(1, 10_000_000);
    let switch = vec![json!("true"), json!(1), json!([]), json!("")];
    let text = |max: usize| {
        vec![
            json!("가".repeat(max + 1)),
            json!(7),
            json!(["x"]),
            json!({}),
        ]
    };
    let time = vec![
        json!("soon"),
        json!(""),
        json!(1_763_616_600),
        json!("2026-11-20"),
        json!([]),
    ];
    vec![
        (
            "title",
            "INVALID_TITLE",
            [text(200), vec![json!(""), json!(" \n"), json!(null)]].concat(),
        ),
        ("bookingStartAt", "INVALID_BOOKING_START_AT", time.clone()),
        ("bookingEndAt", "INVALID_BOOKING_END_AT", time),
        (
            "timeZone",
            "INVALID_TIME_ZONE",
            vec![
                json!("Mars/Olympus"),
                json!(""),
                json!(9),
                json!("../etc/passwd"),
            ],
        ),
        (
            "mode",
            "INVALID_MODE",
            vec![json!("QUEUE"), json!("fifo"), json!(0), json!([])],
        ),
        ("joinStartHours", "INVALID_JOIN_START_HOURS", whole(0, 720)),
        (
            "entryIntervalSeconds",
            "INVALID_ENTRY_INTERVAL_SECONDS",
            whole(1, 3600),
        ),
        ("groupSize", "INVALID_GROUP_SIZE", whole(1, 10_000)),
        (
            "maxWaitTimeMinutes",
            "INVALID_MAX_WAIT_TIME_MINUTES",
            whole(1, 10_080),
        ),
        ("refuseLongWait", "INVALID_REFUSE_LONG_WAIT", switch.clone()),
        (
            "holdDurationMinutes",
            "INVALID_HOLD_DURATION_MINUTES",
            whole(1, 120),
        ),
        (
            "waitingTtlSeconds",
            "INVALID_WAITING_TTL_SECONDS",
            whole(30, 3600),
        ),
        (
            "readyTtlSeconds",
            "INVALID_READY_TTL_SECONDS",
            whole(10, 3600),
        ),
        ("sessionMinutes", "INVALID_SESSION_MINUTES", whole(1, 120)),
        (
            "keepPlaceMinutes",
            "INVALID_KEEP_PLACE_MINUTES",
            whole(0, 1440),
        ),
        ("maxQueueSize", "INVALID_MAX_QUEUE_SIZE", optional.clone()),
        (
            "idleShopSeconds",
            "INVALID_IDLE_SHOP_SECONDS",
            whole(10, 3600),
        ),
        ("maxActive", "INVALID_MAX_ACTIVE", optional),
        ("autoOpen", "INVALID_AUTO_OPEN", switch.clone()),
        ("paused", "INVALID_PAUSED", switch.clone()),
        ("stopWhenSoldOut", "INVALID_STOP_WHEN_SOLD_OUT", switch),
        (
            "identity",
            "INVALID_IDENTITY",
            vec![json!("anyone"), json!("MEMBER"), json!(1)],
        ),
        ("notice", "INVALID_NOTICE", text(1000)),
    ]
}

#[tokio::test]
async fn an_invalid_field_is_refused_with_its_code_and_changes_nothing() {
    let app = App::embedded().await;
    app.create("there", json!({"title": "there"})).await;
    let before = app.get("/v2/admin/concerts/there", &admin()).await;
    for (name, code, values) in bad_values() {
        for value in values {
            let mut fields = json!({"concertId": "new", "title": "new"});
            fields[name] = value.clone();
            let created = app.post_json(CONCERTS, &admin(), &fields).await;
            assert_eq!(created.body["code"], code, "{name}: {value}");
            let changed = app.patch("there", 1, &json!({(name): value})).await;
            assert_eq!(changed.body["code"], code, "{name}: {value}");
        }
    }
    let after = app.get("/v2/admin/concerts/there", &admin()).await;
    assert_eq!(after.data(200), before.data(200));
    app.get("/v2/admin/concerts/new", &admin())
        .await
        .fails("CONCERT_NOT_FOUND");
}

#[tokio::test]
async fn every_field_accepts_its_bounds() {
    let app = App::embedded().await;
    let least = json!({"joinStartHours": 0, "entryIntervalSeconds": 1, "groupSize": 1,
        "maxWaitTimeMinutes": 1, "holdDurationMinutes": 1, "waitingTtlSeconds": 30,
        "readyTtlSeconds": 10, "sessionMinutes": 1, "keepPlaceMinutes": 0, "idleShopSeconds": 10, "maxQueueSize": 1,
        "maxActive": 1});
    let most = json!({"joinStartHours": 720, "entryIntervalSeconds": 3600, "groupSize": 10_000,
        "maxWaitTimeMinutes": 10_080, "holdDurationMinutes": 120, "waitingTtlSeconds": 3600,
        "readyTtlSeconds": 3600, "sessionMinutes": 120, "keepPlaceMinutes": 1440,
        "idleShopSeconds": 3600, "maxQueueSize": 10_000_000, "maxActive": 10_000_000, "notice": "가".repeat(1000)});
    for (id, fields) in [("least", least), ("most", most)] {
        let created = app.create(id, fields.clone()).await;
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(created[name], *value, "{name}");
        }
    }
    let long = json!({"title": "가".repeat(200)});
    app.patch("least", 1, &long).await.data(200);
}

#[tokio::test]
async fn the_document_states_the_enforced_bounds() {
    let app = App::embedded().await;
    let document = app.get("/openapi.json", "").await.body;
    let policy = &document["components"]["schemas"]["Policy"]["properties"];
    for (name, _, values) in bad_values() {
        if let (Some(below), Some(above)) = (values[0].as_i64(), values[1].as_i64()) {
            let bounds = (&policy[name]["minimum"], &policy[name]["maximum"]);
            let refused = (json!(below + 1), json!(above - 1));
            assert_eq!(bounds, (&refused.0, &refused.1), "{name}");
        }
    }
    for (path, verb, name, most) in [
        ("/v2/admin/concerts", "get", "limit", 1_000),
        (
            "/v2/reservation/open/{concertId}",
            "post",
            "batchSize",
            10_000,
        ),
    ] {
        let parameters = document["paths"][path][verb]["parameters"].as_array();
        let of_name = |one: &&Value| one["name"] == name;
        let found = parameters.and_then(|all| all.iter().find(of_name));
        let schema = &found.unwrap_or_else(|| panic!("{path} has no {name}"))["schema"];
        assert_eq!(
            (&schema["minimum"], &schema["maximum"]),
            (&json!(1), &json!(most))
        );
    }
}

#[tokio::test]
async fn fields_that_do_not_fit_each_other_are_refused() {
    let app = App::embedded().await;
    app.create("c", json!({"maxActive": 3, "mode": "threshold"}))
        .await;
    for (fields, code) in [
        (json!({"maxActive": null}), "INVALID_MAX_ACTIVE"),
        (
            json!({"bookingStartAt": "2099-01-01T00:00:00Z", "bookingEndAt": "2099-01-01T00:00:00Z"}),
            "INVALID_BOOKING_END_AT",
        ),
    ] {
        app.patch("c", 1, &fields).await.fails(code);
    }
    let mut threshold = json!({"concertId": "d", "title": "d", "mode": "threshold"});
    let refused = app.post_json(CONCERTS, &admin(), &threshold).await;
    refused.fails("INVALID_MAX_ACTIVE");
    threshold["maxActive"] = json!(1);
    app.post_json(CONCERTS, &admin(), &threshold)
        .await
        .data(201);
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let app = App::embedded().await;
    app.create("c", json!({})).await;
    for name in [
        "colour",
        "version",
        "closed",
        "Title",
        "title ",
        "",
        "concertid",
        "__proto__",
    ] {
        let fields = json!({"concertId": "new", "title": "new", (name): 1});
        let refused = app.post_json(CONCERTS, &admin(), &fields).await;
        assert_eq!(
            *refused.fails("INVALID_BODY"),
            json!({"unknownField": name})
        );
        let refused = app.patch("c", 1, &json!({(name): 1})).await;
        assert_eq!(
            *refused.fails("INVALID_BODY"),
            json!({"unknownField": name})
        );
    }
    let moved = app.patch("c", 1, &json!({"concertId": "d"})).await;
    assert_eq!(
        *moved.fails("INVALID_BODY"),
        json!({"unknownField": "concertId"})
    );
    for id in [
        json!(null),
        json!(7),
        json!(""),
        json!("a b"),
        json!(["c"]),
        json!("x".repeat(65)),
    ] {
        let fields = json!({"concertId": id, "title": "new"});
        let refused = app.post_json(CONCERTS, &admin(), &fields).await;
        refused.fails("INVALID_CONCERT_ID");
    }
    let nameless = json!({"title": "new"});
    app.post_json(CONCERTS, &admin(), &nameless)
        .await
        .fails("INVALID_CONCERT_ID");
    assert_eq!(
        app.get("/v2/admin/concerts/c", &admin()).await.data(200)["version"],
        1
    );
}

/// The codes of everything that is not a concert's field, each tested elsewhere.
const OTHERS: [&str; 21] = [
    "INVALID_AFTER",
    "INVALID_BATCH_SIZE",
    "INVALID_BODY",
    "INVALID_CONCERT_ID",
    "INVALID_CURSOR",
    "INVALID_COUNT",
    "INVALID_ENTRY_NUMBER",
    "INVALID_HELD",
    "INVALID_IDEMPOTENCY_KEY",
    "INVALID_IF_MATCH",
    "INVALID_LIKE",
    "INVALID_LIMIT",
    "INVALID_MEMBER_ID",
    "INVALID_PAYMENT_TOKEN",
    "INVALID_PER_MEMBER_LIMIT",
    "INVALID_QUERY",
    "INVALID_SEAT_IDS",
    "INVALID_SECTIONS",
    "INVALID_SINCE",
    "INVALID_TICKETS",
    "INVALID_TIERS",
];

#[tokio::test]
async fn every_invalid_code_of_the_manual_is_tested_here() {
    let app = App::embedded().await;
    let mut met: Vec<_> = bad_values().into_iter().map(|(_, code, _)| code).collect();
    met.extend(OTHERS);
    met.push("INVALID_NAME");
    let codes = documented_failures().into_iter().map(|row| row.code);
    for code in codes.filter(|code| code.starts_with("INVALID_")) {
        assert!(met.contains(&code), "no test meets {code}");
    }
    app.create("c", json!({})).await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=",
        "limit=x",
        "limit=-1",
        "limit=%2B5",
        "limit=5&limit=5",
        "limit=1.5",
    ] {
        for path in [CONCERTS, "/v2/admin/audit"] {
            let refused = app.get(&format!("{path}?{query}"), &admin()).await;
            assert_eq!(refused.body["code"], "INVALID_LIMIT", "{path}?{query}");
        }
    }
    for (path, cursors) in [
        (CONCERTS, &["", "a%20b", "%00", "x&cursor=y"][..]),
        ("/v2/admin/audit", &["", "1", "~", "%ff", "%EA%B0%80"][..]),
    ] {
        for cursor in cursors {
            let refused = app.get(&format!("{path}?cursor={cursor}"), &admin()).await;
            assert_eq!(
                refused.body["code"], "INVALID_CURSOR",
                "{path}?cursor={cursor}"
            );
        }
    }
    let misspelt = "/v2/reservation/open/c?batchsize=5";
    let refused = app.post(misspelt, &admin()).await;
    assert_eq!(
        *refused.fails("INVALID_QUERY"),
        json!({"unknownField": "batchsize"})
    );
    let odd = app.request(Method::GET, "/v2/admin/audit?concertId=a%20b", &admin());
    send(odd).await.fails("INVALID_CONCERT_ID");
}
