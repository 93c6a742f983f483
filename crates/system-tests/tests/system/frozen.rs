//! A replica behind the front door that neither answers nor ends.

use std::time::Duration;

use serde_json::json;
use sunbeon_system_tests::{FrontDoor, Service, Stack, at_once};

/// Longer than the front door waits for one replica, and shorter than for two.
const SLOW: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_replica_fails_no_request_and_is_soon_left_out() {
    let stack = Stack::start().await;
    let (frozen, room, control, tokens) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        async { tokio::join!(stack.run(Service::Token), stack.run(Service::Token)) },
    );
    let rooms = [&frozen, &room];
    let both = [&tokens.0, &tokens.1];
    let door = FrontDoor::start(&stack, &rooms, &[&control], &both, &[]).await;
    let operator = door.operators();
    let policy = json!({ "mode": "threshold", "maxActive": 1000 });
    operator.create("sale", policy).await;

    frozen.freeze();
    tokens.0.freeze();
    // Each of these is a POST or changes something, and must succeed on the other replica.
    let mut slow = 0;
    for name in 0..40 {
        let (api, member) = (door.public(), format!("fan-{name}"));
        let answers = [
            api.enter("sale", &member).await.of(201),
            api.status("sale", &member).await.of(200),
            api.token("sale", &member).await.of(200),
        ];
        slow += answers.iter().filter(|seen| seen.took >= SLOW).count();
    }
    // Two per service until the replica is left out, and one now and then that tries it again.
    assert!(
        slow <= 12,
        "{slow} of 120 requests waited for a frozen replica"
    );

    // A crowd at once, mostly while the frozen replicas are left out.
    let crowd = (40..100).map(|name| {
        let api = door.public();
        async move { api.enter("sale", &format!("fan-{name}")).await.status }
    });
    assert_eq!(at_once(20, crowd).await, [201; 60]);

    // The requests sent to the frozen replicas have no effect when they resume.
    frozen.thaw();
    tokens.0.thaw();
    frozen.is_healthy().await;
    tokens.0.is_healthy().await;
    let line = operator.line("sale").await;
    assert_eq!(line.total("joined"), 100);
    stack.ends_well(&operator, &["sale"], &[]).await;
}
