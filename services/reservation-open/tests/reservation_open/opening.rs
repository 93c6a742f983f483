//! Batches that operators open.

use futures::future::join_all;
use reqwest::header::HeaderValue;
use sunbeon_test_support::{Method, access::admin, send};

use crate::app::App;

sunbeon_test_support::on_both!(
    batches_opened_simultaneously_admit_everyone_once,
    the_same_key_opens_one_batch,
);

async fn with_a_line(app: &App, length: u32) {
    app.create_by_hand("c").await;
    for n in 0..length {
        app.stage.enter("c", &format!("fan-{n:02}")).await;
    }
}

async fn batches_opened_simultaneously_admit_everyone_once(app: App) {
    with_a_line(&app, 60).await;
    let opened = join_all((0..5).map(|_| app.open("c", 10))).await;
    let admitted: u64 = opened
        .iter()
        .filter_map(|answer| answer.data(200)["admitted"].as_u64())
        .sum();
    assert_eq!(admitted, 50);
    let line = app.stage.snapshot("c").await;
    assert_eq!((line.counts.waiting, line.counts.admitting), (10, 50));
    let next = app.stage.standing("c", "fan-50").await;
    assert_eq!(line.head, next.entry_number, "first come, first served");
}

async fn the_same_key_opens_one_batch(app: App) {
    with_a_line(&app, 10).await;
    // However often and however concurrently it is used.
    let told = join_all((0..6).map(|_| app.open_once("c", 3, "one-batch"))).await;
    for answer in &told {
        assert_eq!(answer.data(200)["admitted"], 3);
    }
    let replayed = told
        .iter()
        .filter(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replayed.count(), 5);
    assert_eq!(app.stage.snapshot("c").await.counts.waiting, 7);
    let other = app.open_once("c", 4, "one-batch").await;
    other.fails("IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_batch_size_is_a_whole_number_within_bounds() {
    let app = App::embedded().await;
    with_a_line(&app, 1).await;
    let huge = format!("batchSize={}", "9".repeat(400));
    for query in [
        "batchSize=",
        "batchSize",
        "batchSize=0",
        "batchSize=00",
        "batchSize=-1",
        "batchSize=%2B5",
        "batchSize=+5",
        "batchSize=1.5",
        "batchSize=1e3",
        "batchSize=10001",
        "batchSize=4294967297",
        "batchSize=18446744073709551617",
        "batchSize=abc",
        "batchSize=%EF%BC%91%EF%BC%90",
        "batchSize=%D9%A1%D9%A0",
        "batchSize=%205",
        "batchSize=5%20",
        "batchSize=%095",
        "batchSize=5%00",
        "batchSize=%FF",
        "batchSize=0x10",
        "batchSize=1_0",
        "batchSize=1,000",
        "batchSize=null",
        "batchSize=NaN",
        "batchSize=5&batchSize=5",
        "batchSize=5&batchSize=",
        "batch%53ize=0",
        huge.as_str(),
    ] {
        let path = format!("/v2/reservation/open/c?{query}");
        let refused = app.post(&path, &admin()).await;
        assert_eq!(refused.body["code"], "INVALID_BATCH_SIZE", "{query}");
    }
    assert_eq!(
        app.stage.snapshot("c").await.counts.waiting,
        1,
        "nobody was admitted"
    );
    let audit = app.get("/v2/admin/audit?concertId=c", &admin()).await;
    assert_eq!(
        audit.data(200)["acts"].as_array().map(Vec::len),
        Some(1),
        "only created"
    );
    for (query, requested) in [("", 10), ("?batchSize=1", 1), ("?batchSize=10000", 10_000)] {
        let opened = app
            .post(&format!("/v2/reservation/open/c{query}"), &admin())
            .await;
        assert_eq!(opened.data(200)["requested"], requested);
    }
}

#[tokio::test]
async fn an_idempotency_key_is_visible_ascii_and_sent_once() {
    let app = App::embedded().await;
    with_a_line(&app, 1).await;
    let open = |keys: &[&[u8]]| {
        let request = app.request(Method::POST, "/v2/reservation/open/c", &admin());
        let request = keys.iter().fold(request, |request, key| {
            let value = HeaderValue::from_bytes(key).expect("a header's value");
            request.header("Idempotency-Key", value)
        });
        send(request)
    };
    let (long, longest) = (vec![b'k'; 129], vec![b'k'; 128]);
    let bad: [&[&[u8]]; 8] = [
        &[b""],
        &[&long],
        &[b"a b"],
        &[b"a\tb"],
        &["키".as_bytes()],
        &[b"\xff"],
        &[b"one", b"two"],
        &[b"one", b"one"],
    ];
    for keys in bad {
        let refused = open(keys).await;
        assert_eq!(refused.body["code"], "INVALID_IDEMPOTENCY_KEY", "{keys:?}");
    }
    assert_eq!(
        app.stage.snapshot("c").await.counts.waiting,
        1,
        "nobody was admitted"
    );
    assert_eq!(open(&[&longest]).await.data(200)["admitted"], 1);
}
