//! Operators' requests about a single member.

use std::time::Duration;

use serde_json::json;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_store::{Beat, Role};
use sunbeon_test_support::eventually;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::app::App;

sunbeon_test_support::on_both!(a_member_is_removed_from_the_line_and_from_inside);

async fn a_member_is_removed_from_the_line_and_from_inside(app: App) {
    app.create_by_hand("c").await;
    for who in ["in", "a", "b"] {
        app.stage.enter("c", who).await;
    }
    app.stage.call("c", "in").await;
    app.stage.claim("c", "in").await;
    let seen = app.look_up("c", "b").await;
    let told = serde_json::to_value(app.stage.standing("c", "b").await).expect("JSON");
    for field in ["concertTitle", "status", "queueNumber", "entryNumber"] {
        assert_eq!(seen.data(200)[field], told[field], "{field}");
    }
    for _ in 0..2 {
        assert_eq!(*app.remove("c", "a").await.data(200), json!({}));
    }
    app.remove("c", "in").await.data(200);
    for who in ["a", "in"] {
        assert_eq!(app.stands("c", who).await, "NOT_IN_QUEUE", "{who}");
    }
    assert_eq!(app.look_up("c", "b").await.data(200)["queueNumber"], 1);
    let totals = app.stage.snapshot("c").await.totals;
    assert_eq!((totals.removed, totals.exited, totals.completed), (1, 1, 0));
    let odd = app.look_up("c", "a%2Fb%7B%7D").await;
    assert_eq!(odd.stands(), "NOT_IN_QUEUE", "visible ASCII, all of it");
    for bad in ["a%20b", "%00", "%EA%B0%80", "%ff", &"x".repeat(256)] {
        app.look_up("c", bad).await.fails("INVALID_MEMBER_ID");
        app.remove("c", bad).await.fails("INVALID_MEMBER_ID");
    }
}

#[tokio::test]
async fn looking_a_member_up_does_not_count_as_activity() {
    let app = App::real().await;
    app.create_by_hand("c").await;
    app.stage.enter("c", "a").await;
    let redis = app.stage.redis.as_ref().expect("a real Redis");
    let deadline = async || {
        let mut connection = TcpStream::connect(("127.0.0.1", redis.port()))
            .await
            .unwrap();
        connection
            .write_all(b"ZRANGE {concert:c}:seen 0 -1 WITHSCORES\r\nQUIT\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let at_first = deadline().await;
    assert!(at_first.starts_with("*2"), "{at_first}");
    for _ in 0..3 {
        app.look_up("c", "a").await.data(200);
    }
    assert_eq!(deadline().await, at_first);
    let (concert, member) = (
        ConcertId::parse("c").unwrap(),
        MemberId::parse("a").unwrap(),
    );
    let store = &app.stage.store;
    let beat = Beat {
        role: Role::WaitingRoom,
        heard: true,
    };
    eventually(Duration::from_secs(20), "a poll counts", async || {
        store.beat(&concert, beat).await.unwrap();
        store.status(&concert, &member, true).await.unwrap();
        deadline().await != at_first
    })
    .await;
}
