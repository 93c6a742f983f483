//! `sunbeon rehearse` through both doors of a deployment.

use serde_json::{Value, json};
use sunbeon_system_tests::{FrontDoor, SOON, Service, Stack};
use sunbeon_test_support::{
    Process,
    access::{ADMIN_TOKEN, HS256_SECRET, admin},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_without_its_realtime_is_a_no_go_for_that_reason_alone() {
    let stack = Stack::start().await;
    let (room, control, token, consumer, booking) = tokio::join!(
        stack.run(Service::WaitingRoom),
        stack.run(Service::ReservationOpen),
        stack.run(Service::Token),
        stack.run(Service::EntryConsumer),
        stack.run(Service::Booking),
    );
    // It knows no replica of realtime.
    let door = FrontDoor::start(&stack, &[&room], &[&control], &[&token], &[&booking]).await;
    let (public, operators) = (door.public(), door.operators());
    operators.create("mine", json!({})).await;
    let words = ["rehearse", "--json", "--members", "6"];
    let settings = [
        ("SUNBEON_URL", public.url()),
        ("SUNBEON_OPERATORS_URL", operators.url()),
        ("SUNBEON_ADMIN_TOKEN", ADMIN_TOKEN),
        ("SUNBEON_HS256_SECRET", HS256_SECRET),
    ];
    let rehearsal = Process::spawn("sunbeon", &words, settings);
    let ended = rehearsal.wait(3 * SOON).await;
    let outcome: Value = serde_json::from_str(&rehearsal.log())
        .unwrap_or_else(|error| panic!("{error}: {}", rehearsal.log()));
    let failed = outcome["checks"].as_array().unwrap().iter();
    let failed: Vec<_> = failed.filter(|check| check["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{outcome:#}");
    assert_eq!(failed[0]["name"], "WebSockets pass the door");
    assert_eq!((ended.code(), &outcome["go"]), (Some(1), &json!(false)));
    let left = operators.get("/v2/admin/concerts", &admin()).await;
    let left = left.data(200)["concerts"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    stack.ends_well(&operators, &["mine"], &[&consumer]).await;
}
