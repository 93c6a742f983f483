//! Dead letters, by API.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use sunbeon_broker::{Delivered, EnterHandler, Settle};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_proto_messages::Enter;
use sunbeon_test_support::{
    TcpProxy, TestDatabase,
    access::{ADMIN_TOKEN, admin},
    eventually, send,
};
use tokio_util::sync::CancellationToken;

use crate::app::App;

sunbeon_test_support::on_both!(
    dead_letters_are_read_sent_again_and_removed,
    every_act_on_dead_letters_is_in_the_audit,
);

const SOON: Duration = Duration::from_secs(30);
const PATH: &str = "/v2/admin/dead-letters";
const REPEAT: &str = "/v2/admin/dead-letters/repeat";

fn enter(number: u64) -> Enter {
    let concert = ConcertId::parse("c").expect("an id");
    let member = MemberId::parse(format!("fan-{number}")).expect("an id");
    let (title, name) = ("콘서트".to_owned(), "팬".to_owned());
    Enter::new(concert, title, member, name, EntryNumber(number), UnixMs(0))
}

/// Settles every message in the same way.
struct All(Settle);

#[async_trait]
impl EnterHandler for All {
    async fn handle(&self, messages: &[Delivered]) -> Vec<Settle> {
        vec![self.0; messages.len()]
    }
}

/// Makes dead letters, and takes everything off the queue.
async fn bury(app: &App, numbers: impl IntoIterator<Item = u64>) {
    let messages: Vec<_> = numbers.into_iter().map(enter).collect();
    let before = app.broker.count_dead_letters().await.expect("a count");
    let confirmed = app.broker.publish_enters(&messages).await;
    assert_eq!(confirmed, vec![true; messages.len()]);
    consume_until(app, Settle::Reject, before + messages.len() as u32).await;
}

async fn consume_until(app: &App, settle: Settle, dead: u32) {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let broker = app.broker.clone();
    tokio::spawn(async move { broker.consume_enters(Arc::new(All(settle)), stop).await });
    eventually(SOON, "they are dead letters", async || {
        app.broker.count_dead_letters().await.expect("a count") == dead
    })
    .await;
}

async fn letters(app: &App, query: &str) -> (u64, Vec<Value>) {
    let page = app.get(&format!("{PATH}{query}"), &admin()).await;
    let data = page.data(200);
    let letters = data["deadLetters"].as_array().expect("a list");
    (data["total"].as_u64().expect("a number"), letters.clone())
}

async fn acts(app: &App) -> Vec<Value> {
    let page = app.get("/v2/admin/audit", &admin()).await;
    page.data(200)["acts"].as_array().expect("a list").clone()
}

async fn dead_letters_are_read_sent_again_and_removed(app: App) {
    assert_eq!(letters(&app, "").await, (0, vec![]));
    bury(&app, 1..=3).await;
    for _ in 0..2 {
        let (total, oldest) = letters(&app, "?limit=2").await;
        assert_eq!((total, oldest.len()), (3, 2));
        let first = &oldest[0];
        assert_eq!(
            [
                &first["concertId"],
                &first["memberId"],
                &first["entryNumber"],
                &first["reason"]
            ],
            [&json!("c"), &json!("fan-1"), &json!(1), &json!("rejected")]
        );
        let died: UnixMs = serde_json::from_value(first["diedAt"].clone()).expect("a time");
        assert!(died.0 > 0);
        let body = first["body"].as_str().expect("a text");
        assert_eq!(first["bodyBytes"], body.len());
        assert_eq!(
            serde_json::from_str::<Enter>(body).expect("a message"),
            enter(1)
        );
    }
    let again = app.post(&format!("{REPEAT}?limit=2"), &admin()).await;
    let expected = json!({"repeated": 2, "unrepeatable": 0, "unconfirmed": 0, "left": 1});
    assert_eq!(*again.data(200), expected);
    assert_eq!(letters(&app, "").await.1[0]["memberId"], "fan-3");
    // They are on the queue: rejected again, they are dead again, behind the third.
    consume_until(&app, Settle::Reject, 3).await;
    let members: Vec<_> = letters(&app, "").await.1;
    let members: Vec<_> = members.iter().map(|it| it["memberId"].clone()).collect();
    assert_eq!(members, ["fan-3", "fan-1", "fan-2"]);
    let removed = app.delete(&format!("{PATH}?limit=1"), &admin()).await;
    assert_eq!(*removed.data(200), json!({"removed": 1, "left": 2}));
    let removed = app.delete(PATH, &admin()).await;
    assert_eq!(*removed.data(200), json!({"removed": 2, "left": 0}));
    assert_eq!(letters(&app, "").await, (0, vec![]));
}

async fn every_act_on_dead_letters_is_in_the_audit(app: App) {
    bury(&app, 1..=3).await;
    letters(&app, "").await;
    assert_eq!(acts(&app).await, Vec::<Value>::new(), "reading is no act");
    app.post(&format!("{REPEAT}?limit=1"), &admin())
        .await
        .data(200);
    app.delete(PATH, ADMIN_TOKEN).await.data(200);
    let written = acts(&app).await;
    let of = |row: &Value| {
        let row = row.clone();
        let fields = ["actor", "act", "detail", "concertId"];
        fields.map(|field| row[field].clone())
    };
    let (none, two, one) = (
        Value::Null,
        json!({"deadLetters": 2}),
        json!({"deadLetters": 1}),
    );
    let (removed, repeated) = (json!("removeDeadLetters"), json!("repeatDeadLetters"));
    assert_eq!(
        of(&written[0]),
        [json!("admin token"), removed, two, none.clone()]
    );
    assert_eq!(of(&written[1]), [json!("operator"), repeated, one, none]);
    let file = app.get("/v2/admin/audit.csv", &admin()).await.text;
    assert!(file.contains(",repeatDeadLetters,,"), "{file}");
}

#[tokio::test]
async fn what_is_no_enter_message_is_shown_and_stays_until_it_is_removed() {
    let (app, memory) = App::with_memory_broker().await;
    memory.push_raw(b"\x1b[2J {not JSON}".to_vec());
    memory.push_raw(vec![0xff, 0xfe]);
    consume_until(&app, Settle::Done, 2).await;
    let (_, all) = letters(&app, "").await;
    let fields = |letter: &Value| {
        letter
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&all[0]), ["body", "bodyBytes", "diedAt", "reason"]);
    assert_eq!(all[0]["body"], "\\u{1b}[2J {not JSON}");
    assert_eq!(fields(&all[1]), ["bodyBytes", "diedAt", "reason"]);
    let again = app.post(REPEAT, &admin()).await;
    let expected = json!({"repeated": 0, "unrepeatable": 2, "unconfirmed": 0, "left": 2});
    assert_eq!(*again.data(200), expected);
    assert_eq!(letters(&app, "").await.1, all);
    app.delete(PATH, &admin()).await.data(200);
    assert_eq!(letters(&app, "").await.0, 0);
}

#[tokio::test]
async fn the_console_learns_how_many_there_are_and_at_once_after_an_act() {
    let (app, memory) = App::with_memory_broker().await;
    let told = async || app.get("/admin/health", &admin()).await.body["deadLetters"].clone();
    assert_eq!(told().await, 0);
    bury(&app, 1..=2).await;
    eventually(SOON, "the console learns it", async || told().await == 2).await;
    app.delete(&format!("{PATH}?limit=1"), &admin())
        .await
        .data(200);
    assert_eq!(told().await, 1);
    app.post(REPEAT, &admin()).await.data(200);
    assert_eq!(told().await, 0);
    memory.set_away(true);
    eventually(SOON, "it is unknown", async || told().await.is_null()).await;
}

#[tokio::test]
async fn without_the_broker_dead_letters_are_refused_and_no_act_is_recorded() {
    let (app, memory) = App::with_memory_broker().await;
    bury(&app, 1..=1).await;
    memory.set_away(true);
    app.get(PATH, &admin()).await.fails("BROKER_DOWN");
    app.post(REPEAT, &admin()).await.fails("BROKER_DOWN");
    let refused = app.delete(PATH, &admin()).await;
    refused.fails("BROKER_DOWN");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(acts(&app).await, Vec::<Value>::new());
    memory.set_away(false);
    assert_eq!(letters(&app, "").await.0, 1);
}

#[tokio::test]
async fn an_act_on_dead_letters_that_cannot_be_recorded_is_not_carried_out() {
    let database = TestDatabase::postgres().await;
    let (proxy, url) = TcpProxy::before(database.url()).await;
    let app = App::on(&url).await;
    bury(&app, 1..=2).await;
    proxy.refuse(true);
    proxy.cut();
    app.post(REPEAT, &admin()).await.fails("DATABASE_DOWN");
    app.delete(PATH, &admin()).await.fails("DATABASE_DOWN");
    assert_eq!(letters(&app, "").await.0, 2);
}

#[tokio::test]
async fn a_limit_is_a_whole_number_from_1_to_1000() {
    let app = App::embedded().await;
    for (method, path) in [
        (Method::GET, PATH),
        (Method::POST, REPEAT),
        (Method::DELETE, PATH),
    ] {
        for limit in ["", "0", "1001", "-1", "1.5", "ten", "1&limit=1"] {
            let path = format!("{path}?limit={limit}");
            let refused = send(app.request(method.clone(), &path, &admin())).await;
            refused.fails("INVALID_LIMIT");
        }
    }
}
