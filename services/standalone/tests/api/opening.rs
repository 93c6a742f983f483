//! Batches opened simultaneously.

use futures::future::join_all;
use sunbeon_test_support::{Method, access::admin, send};

use crate::app::App;

on_both!(batches_opened_simultaneously_admit_everyone_once);

async fn batches_opened_simultaneously_admit_everyone_once(app: App) {
    app.create_by_hand("c").await;
    for n in 0..60 {
        app.enter("c", &format!("fan-{n:02}")).await.data(201);
    }
    let opened = join_all((0..5).map(|_| app.open("c", 10))).await;
    let admitted: u64 = opened
        .iter()
        .filter_map(|answer| answer.data(200)["admitted"].as_u64())
        .sum();
    assert_eq!(admitted, 50);
    app.is_ready("c", "fan-49").await;
    let line = app.line("c").await;
    assert_eq!(line["counts"]["waiting"], 10);
    let first = &line["members"][0];
    assert_eq!(
        first["memberId"], "fan-50",
        "first come, first served: {first}"
    );
    assert_eq!(app.standing("c", "fan-50").await["queueNumber"], 1);
    // The same key opens one batch, however often and however concurrently it is used.
    let keyed = || {
        let path = "/v2/reservation/open/c?batchSize=3";
        let request = app.request(Method::POST, path, &admin());
        send(request.header("Idempotency-Key", "one-batch"))
    };
    let told = join_all((0..6).map(|_| keyed())).await;
    for answer in &told {
        assert_eq!(answer.data(200)["admitted"], 3);
    }
    let replayed = told
        .iter()
        .filter(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replayed.count(), 5);
    assert_eq!(app.line("c").await["counts"]["waiting"], 7);
    let path = "/v2/reservation/open/c?batchSize=4";
    let other = app.request(Method::POST, path, &admin());
    let other = send(other.header("Idempotency-Key", "one-batch")).await;
    other.fails("IDEMPOTENCY_KEY_REUSED");
}
