//! What operators see of a line, and do with its members.

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    answer::send,
    app::{App, admin, member},
};

on_both!(
    the_line_is_shown_page_by_page,
    a_member_is_removed_from_the_line_and_from_inside,
    the_public_snapshot_names_nobody,
    all_lines_are_shown_and_swept,
);

async fn the_line_is_shown_page_by_page(app: App) {
    app.create_by_hand("c").await;
    for n in 0..25 {
        app.enter("c", &format!("fan-{n:02}")).await.data(201);
    }
    let (mut seen, mut path) = (Vec::new(), "/v2/waiting-room/admin/c?limit=10".to_owned());
    for page in 0..3 {
        let line = app.get(&path, &admin()).await;
        let line = line.data(200);
        assert_eq!(line["counts"]["waiting"], 25);
        let members = line["members"].as_array().unwrap();
        assert_eq!(members.len(), if page < 2 { 10 } else { 5 });
        seen.extend(
            members
                .iter()
                .map(|member| member["memberId"].as_str().unwrap().to_owned()),
        );
        match line["nextCursor"].as_u64() {
            Some(next) => path = format!("/v2/waiting-room/admin/c?limit=10&cursor={next}"),
            None => assert_eq!(page, 2),
        }
    }
    let expected: Vec<_> = (0..25).map(|n| format!("fan-{n:02}")).collect();
    assert_eq!(seen, expected);
    let line = app.line("c").await;
    let first = &line["members"][0];
    assert_eq!(
        *first,
        json!({"memberId": "fan-00", "memberName": "이름", "entryNumber": line["head"],
            "away": false})
    );
    assert_eq!(line["last"], line["members"][24]["entryNumber"]);
    let beyond = format!("/v2/waiting-room/admin/c?cursor={}", (1_u64 << 53) - 1);
    assert_eq!(
        app.get(&beyond, &admin()).await.data(200)["members"],
        json!([])
    );
}

async fn a_member_is_removed_from_the_line_and_from_inside(app: App) {
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.enter("c", who).await.data(201);
    }
    let token = app.admit("c", "in").await;
    let of = |who: &str| format!("/v2/admin/concerts/c/members/{who}");
    let seen = app.get(&of("b"), &admin()).await;
    let (seen, told) = (seen.data(200), app.status("c", "b").await);
    for field in ["concertTitle", "status", "queueNumber", "entryNumber"] {
        assert_eq!(seen[field], told[field], "{field}");
    }
    for _ in 0..2 {
        assert_eq!(*app.delete(&of("a"), &admin()).await.data(200), json!({}));
    }
    app.delete(&of("in"), &admin()).await.data(200);
    assert_eq!(
        app.get(&of("a"), &admin()).await.data(200)["status"],
        "NOT_IN_QUEUE"
    );
    assert_eq!(app.status("c", "in").await["status"], "NOT_IN_QUEUE");
    assert_eq!(app.status("c", "b").await["queueNumber"], 1);
    let line = app.line("c").await;
    assert_eq!(
        (&line["totals"]["removed"], &line["totals"]["exited"]),
        (&json!(1), &json!(1))
    );
    let complete = app.request(Method::POST, "/v2/reservation/complete/c", &member("in"));
    send(complete.header("X-Queue-Token", token))
        .await
        .data(200);
    assert_eq!(app.line("c").await["totals"]["completed"], 0);
    let odd = app.get(&of("a%2Fb%7B%7D"), &admin()).await;
    assert_eq!(
        odd.data(200)["status"],
        "NOT_IN_QUEUE",
        "visible ASCII, all of it"
    );
    for bad in ["a%20b", "%00", "%EA%B0%80", "%ff", &"x".repeat(256)] {
        app.get(&of(bad), &admin()).await.fails("INVALID_MEMBER_ID");
        app.delete(&of(bad), &admin())
            .await
            .fails("INVALID_MEMBER_ID");
    }
}

async fn the_public_snapshot_names_nobody(app: App) {
    app.create(
        "c",
        json!({"autoOpen": false, "notice": "잠시 뒤에 엽니다"}),
    )
    .await;
    app.enter("c", "somebody-known").await.data(201);
    let path = "/v2/waiting-room/snapshot/c";
    sunbeon_test_support::eventually(
        std::time::Duration::from_secs(60),
        "the snapshot counts the member",
        async || app.get(path, "").await.data(200)["totalWaitingCount"] == 1,
    )
    .await;
    let shown = app.get(path, "").await;
    let fields: Vec<_> = shown
        .data(200)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let expected = [
        "at",
        "concertId",
        "concertTitle",
        "head",
        "identity",
        "mode",
        "notice",
        "pace",
        "state",
        "totalWaitingCount",
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

async fn all_lines_are_shown_and_swept(app: App) {
    for id in ["c1", "c2"] {
        app.create_by_hand(id).await;
        app.enter(id, "a").await.data(201);
    }
    let lines = app.get("/v2/waiting-room/admin", &admin()).await;
    let lines = lines.data(200)["lines"].as_array().unwrap().clone();
    for id in ["c1", "c2"] {
        let line = lines.iter().find(|line| line["concertId"] == id).unwrap();
        assert_eq!(
            (&line["counts"]["waiting"], &line["addsUp"]),
            (&json!(1), &json!(true))
        );
        assert!(line.get("members").is_none());
    }
    let swept = app.post("/v2/waiting-room/cleanup", &admin()).await;
    let nothing = json!({"away": 0, "lapsed": 0, "unclaimed": 0, "expired": 0, "more": false});
    assert_eq!(*swept.data(200), nothing);
    assert_eq!(
        app.line("c1").await["counts"]["waiting"],
        1,
        "nobody who is seen is swept"
    );
}

#[tokio::test]
async fn looking_a_member_up_is_no_sign_of_life() {
    let app = App::real().await;
    app.create_by_hand("c").await;
    app.enter("c", "a").await.data(201);
    let redis = &app.servers.as_ref().unwrap().0;
    let deadline = async || {
        let mut connection = TcpStream::connect(("127.0.0.1", redis.port()))
            .await
            .unwrap();
        connection
            .write_all(b"ZSCORE {concert:c}:deadlines a\r\nQUIT\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let at_first = deadline().await;
    assert!(
        at_first.starts_with('$') && !at_first.starts_with("$-1"),
        "{at_first}"
    );
    for _ in 0..3 {
        app.get("/v2/admin/concerts/c/members/a", &admin())
            .await
            .data(200);
    }
    assert_eq!(deadline().await, at_first);
    app.status("c", "a").await;
    assert_ne!(deadline().await, at_first);
}
