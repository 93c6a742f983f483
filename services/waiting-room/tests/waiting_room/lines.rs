//! The line as operators and strangers see it.

use std::time::Duration;

use serde_json::json;
use sunbeon_test_support::{access::admin, eventually};

use crate::app::App;

sunbeon_test_support::on_both!(
    the_line_is_shown_page_by_page,
    a_limit_or_an_invented_cursor_is_refused,
    the_public_snapshot_names_nobody,
    all_lines_are_shown_and_cleaned_up,
);

async fn the_line_is_shown_page_by_page(app: App) {
    app.stage.create_by_hand("c").await;
    for n in 0..25 {
        app.api.enter("c", &format!("fan-{n:02}")).await.data(201);
    }
    let (mut seen, mut path) = (Vec::new(), "/v2/waiting-room/admin/c?limit=10".to_owned());
    for page in 0..3 {
        let line = app.api.get(&path, &admin()).await;
        let line = line.data(200);
        assert_eq!(line["counts"]["waiting"], 25);
        let members = line["members"].as_array().unwrap();
        assert_eq!(members.len(), if page < 2 { 10 } else { 5 });
        seen.extend(
            members
                .iter()
                .map(|member| member["memberId"].as_str().unwrap().to_owned()),
        );
        match line["nextCursor"].as_str() {
            Some(next) => path = format!("/v2/waiting-room/admin/c?limit=10&cursor={next}"),
            None => assert_eq!(page, 2),
        }
    }
    let expected: Vec<_> = (0..25).map(|n| format!("fan-{n:02}")).collect();
    assert_eq!(seen, expected);
    let line = app.api.line("c").await;
    let first = &line["members"][0];
    assert_eq!(
        *first,
        json!({"memberId": "fan-00", "memberName": "이름", "entryNumber": line["head"],
            "away": false})
    );
    assert_eq!(line["last"], line["members"][24]["entryNumber"]);
    let beyond = format!("/v2/waiting-room/admin/c?cursor={}", (1_u64 << 53) - 1);
    assert_eq!(
        app.api.get(&beyond, &admin()).await.data(200)["members"],
        json!([])
    );
}

async fn a_limit_or_an_invented_cursor_is_refused(app: App) {
    app.stage.create_by_hand("c").await;
    let refused = async |query: &str, code: &str| {
        let path = format!("/v2/waiting-room/admin/c?{query}");
        let answer = app.api.get(&path, &admin()).await;
        assert_eq!(answer.code(), code, "{query}");
    };
    for limit in ["0", "1001", "", "x", "-1", "%2B5", "5&limit=5", "1.5"] {
        refused(&format!("limit={limit}"), "INVALID_LIMIT").await;
    }
    for cursor in [
        "",
        "x",
        "-1",
        "%2B5",
        "1.5",
        "99999999999999999999",
        "18446744073709551615",
        "9007199254740992",
    ] {
        refused(&format!("cursor={cursor}"), "INVALID_CURSOR").await;
    }
}

async fn the_public_snapshot_names_nobody(app: App) {
    app.stage
        .create(
            "c",
            json!({"autoOpen": false, "notice": "잠시 뒤에 엽니다", "maxActive": 500,
                "bookingStartAt": "2020-01-01T00:00:00Z", "bookingEndAt": "2120-01-01T00:00:00Z"}),
        )
        .await;
    app.api.enter("c", "somebody-known").await.data(201);
    let path = "/v2/waiting-room/snapshot/c";
    eventually(
        Duration::from_secs(60),
        "the snapshot counts the member",
        async || app.api.get(path, "").await.data(200)["totalWaitingCount"] == 1,
    )
    .await;
    let shown = app.api.get(path, "").await;
    let fields: Vec<_> = shown
        .data(200)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let expected = [
        "at",
        "autoOpen",
        "bookingEndAt",
        "bookingStartAt",
        "concertId",
        "concertTitle",
        "entryIntervalSeconds",
        "front",
        "full",
        "groupSize",
        "head",
        "identity",
        "maxActive",
        "mode",
        "notice",
        "opensAt",
        "pace",
        "soldOut",
        "state",
        "taken",
        "timeZone",
        "totalWaitingCount",
        "waitingTtlSeconds",
    ];
    assert_eq!(fields, expected);
    assert!(!shown.text.contains("somebody"), "{}", shown.text);
    assert_eq!(shown.header("cache-control"), "public, max-age=1");
    assert_eq!(
        (&shown.data(200)["state"], &shown.data(200)["mode"]),
        (&json!("open"), &json!("queue"))
    );
    assert_eq!(shown.data(200)["identity"], "member");
}

async fn all_lines_are_shown_and_cleaned_up(app: App) {
    for id in ["c1", "c2"] {
        app.stage.create_by_hand(id).await;
        app.api.enter(id, "a").await.data(201);
    }
    let lines = app.api.get("/v2/waiting-room/admin", &admin()).await;
    let lines = lines.data(200)["lines"].as_array().unwrap().clone();
    for id in ["c1", "c2"] {
        let line = lines.iter().find(|line| line["concertId"] == id).unwrap();
        assert_eq!(
            (&line["counts"]["waiting"], &line["addsUp"]),
            (&json!(1), &json!(true))
        );
        assert!(line.get("members").is_none());
    }
    let swept = app.api.post("/v2/waiting-room/cleanup", &admin()).await;
    let nothing = json!({"away": 0, "lapsed": 0, "unclaimed": 0, "expired": 0, "more": false});
    assert_eq!(*swept.data(200), nothing);
    assert_eq!(
        app.api.line("c1").await["counts"]["waiting"],
        1,
        "nobody who was just seen is removed"
    );
}
