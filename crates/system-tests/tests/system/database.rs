//! Outages of PostgreSQL, and of everything.

use serde_json::json;
use sunbeon_system_tests::{SOON, Service, Stack};
use sunbeon_test_support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_the_sale_goes_on_and_admin_acts_are_refused() {
    let stack = Stack::start().await;
    let proxy = stack.database_proxy().await;
    let (room, open, consumer, _token) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack
            .plan(Service::ReservationOpen)
            .database_by(&proxy)
            .start(),
        stack.run(Service::EntryConsumer),
        stack.run(Service::Token),
    );
    let (api, control) = (room.api(), open.api());
    let policy = json!({ "groupSize": 5, "entryIntervalSeconds": 1 });
    control.create("sale", policy).await;
    control
        .create("by-hand", json!({ "autoOpen": false }))
        .await;
    let _ = api.enter("by-hand", "fan").await.of(201);

    for silent in [false, true] {
        match silent {
            true => proxy.stall(),
            false => {
                proxy.refuse(true);
                proxy.cut();
            }
        }
        let before = api.line("sale").await.total("admitted");
        for i in 0..20 {
            let _ = api
                .enter("sale", &format!("fan-{silent}-{i}"))
                .await
                .of(201);
        }
        let (created, paused, cleared, opened) = tokio::join!(
            control.try_create("new", json!({})),
            control.act("sale", "pause"),
            control.act("sale", "clear"),
            control.open("by-hand", 1),
        );
        for answer in [created, paused, cleared, opened] {
            answer.says_down("DATABASE_DOWN");
        }
        assert!(control.is_good("/live").await && control.is_good("/ready").await);
        let health = control.get("/health", "").await.of(503).body;
        let expected = json!({ "store": "up", "broker": "up", "database": "down" });
        assert_eq!(health["dependencies"], expected);
        eventually(SOON, "the schedule continues", async || {
            // A crowd that is never heard would not be called.
            let _ = api.status("sale", &format!("fan-{silent}-0")).await.of(200);
            api.line("sale").await.total("admitted") == before + 20
        })
        .await;
        proxy.refuse(false);
        proxy.resume();
        proxy.cut();
        open.is_healthy().await;
        open.lives();
    }
    // The refused acts were not carried out.
    let line = api.line("by-hand").await;
    assert_eq!((line.count("waiting"), line.taken()), (1, 0));
    assert_eq!(api.line("sale").await.total("cleared"), 0);
    assert_eq!(control.open("by-hand", 1).await.data(200)["admitted"], 1);
    control.create("new", json!({ "autoOpen": false })).await;
    let _ = api.enter("new", "fan").await.of(201);
    stack
        .ends_well(&api, &["sale", "by-hand", "new"], &[&consumer])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_with_everything_down_stay_up_and_recover() {
    let stack = Stack::start().await;
    let (redis, rabbitmq, database) = tokio::join!(
        stack.redis_proxy(),
        stack.rabbitmq_proxy(),
        stack.database_proxy()
    );
    for proxy in [&redis, &rabbitmq, &database] {
        proxy.refuse(true);
    }
    let plan = |service| {
        let plan = stack.plan(service).redis_by(&redis);
        plan.rabbitmq_by(&rabbitmq)
            .database_by(&database)
            .start_alone()
    };
    let (room, open, consumer, token) = tokio::join!(
        plan(Service::WaitingRoom),
        plan(Service::ReservationOpen),
        plan(Service::EntryConsumer),
        plan(Service::Token),
    );
    let (api, control) = (room.api(), open.api());
    let tokens = token.api();
    let (entered, status, issued, opened, created) = tokio::join!(
        api.enter("sale", "fan"),
        api.status("sale", "fan"),
        tokens.token("sale", "fan"),
        control.open("sale", 1),
        control.try_create("sale", json!({})),
    );
    for answer in [entered, status, issued, opened, created] {
        answer.says_down("STORE_DOWN");
    }
    let all = [&room, &open, &consumer, &token];
    for replica in all {
        let health = replica.api().get("/health", "").await.of(503).body;
        let dependencies = health["dependencies"].as_object().unwrap();
        assert!(dependencies.values().all(|word| word == "down"), "{health}");
        assert!(replica.api().is_good("/live").await && replica.api().is_good("/ready").await);
        replica.lives();
    }
    // One after another, the registry's database last.
    for proxy in [&rabbitmq, &redis, &database] {
        proxy.refuse(false);
    }
    for replica in all {
        replica.is_healthy().await;
        replica.lives();
    }
    control.create("sale", json!({ "autoOpen": false })).await;
    let _ = api.enter("sale", "fan").await.of(201);
    assert_eq!(control.open("sale", 1).await.data(200)["admitted"], 1);
    eventually(SOON, "the fan is READY", async || {
        api.status("sale", "fan").await.of(200).stands() == "READY"
    })
    .await;
    let _ = token.api().token("sale", "fan").await.of(200);
    stack.ends_well(&api, &["sale"], &[&consumer]).await;
}
