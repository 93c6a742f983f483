//! Operators' requests about a single member.

use serde_json::json;
use sunbeon_test_support::access::admin;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::App;

on_both!(a_member_is_removed_from_the_line_and_from_inside);

async fn a_member_is_removed_from_the_line_and_from_inside(app: App) {
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.enter("c", who).await.data(201);
    }
    let token = app.admit("c", "in").await;
    let of = |who: &str| format!("/v2/admin/concerts/c/members/{who}");
    let seen = app.get(&of("b"), &admin()).await;
    let (seen, told) = (seen.data(200), app.standing("c", "b").await);
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
    assert_eq!(app.standing("c", "in").await["status"], "NOT_IN_QUEUE");
    assert_eq!(app.standing("c", "b").await["queueNumber"], 1);
    let line = app.line("c").await;
    assert_eq!(
        (&line["totals"]["removed"], &line["totals"]["exited"]),
        (&json!(1), &json!(1))
    );
    app.complete("c", "in", &token).await.data(200);
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

#[tokio::test]
async fn looking_a_member_up_does_not_count_as_activity() {
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
    app.standing("c", "a").await;
    assert_ne!(deadline().await, at_first);
}
