//! A backup of a live line by the manual's own commands, restored on new servers.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use sunbeon_system_tests::{FrontDoor, Replica, SOON, Service, Stack, joined};
use sunbeon_test_support::{Api, access::admin, eventually};

const MANUAL: &str = include_str!("../../../../docs/operations.md");

/// Returns the commands of a section of the manual.
fn commands(section: &str) -> &'static str {
    let (_, section) = MANUAL
        .split_once(&format!("### {section}\n"))
        .expect(section);
    let (_, block) = section.split_once("```sh\n").expect("a block of commands");
    block.split("```").next().expect("the block's end")
}

/// Runs a section's commands on a stack's servers.
fn run(section: &str, stack: &Stack, backup: &Path) {
    let [registry, bookings] = stack.databases();
    let done = Command::new("sh")
        .args(["-euc", commands(section)])
        .env("BACKUP", backup)
        .env("REDIS_URL", stack.redis.url())
        .env("REDIS_DATA", stack.redis.folder())
        .env("POSTGRES_URL", registry)
        .env("BOOKING_POSTGRES_URL", bookings)
        .output()
        .expect("sh");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{section}: {said}");
}

struct Services {
    room: Replica,
    control: Replica,
    token: Replica,
    booking: Replica,
    consumer: Replica,
    /// The way from the shop to the others.
    _door: FrontDoor,
}

impl Services {
    async fn on(stack: &Stack) -> Self {
        let (room, control, token, booking, consumer) = tokio::join!(
            stack.run(Service::WaitingRoom),
            stack.run(Service::ReservationOpen),
            stack.run(Service::Token),
            stack.run(Service::Booking),
            stack.run(Service::EntryConsumer),
        );
        let door = FrontDoor::start(stack, &[&room], &[&control], &[&token], &[&booking]).await;
        Self {
            _door: door,
            room,
            control,
            token,
            booking,
            consumer,
        }
    }

    async fn open_for(&self, member: &str) {
        let _ = self.control.api().open("sale", 1).await.of(200);
        self.room.api().is_ready("sale", member).await;
    }

    async fn booking_token(&self, member: &str) -> String {
        let issued = self.token.api().token("sale", member).await;
        issued.data(200)["token"].as_str().unwrap().to_owned()
    }
}

/// Members line up one after another until told to stop; their numbers.
async fn crowd(room: Api, stop: Arc<AtomicBool>) -> HashMap<String, u64> {
    let mut numbers = HashMap::new();
    while !stop.load(Ordering::Relaxed) {
        let member = format!("fan-{}", numbers.len());
        let entered = room.enter("sale", &member).await.of(201);
        numbers.insert(member, entered.number());
    }
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_line_is_restored_on_new_servers_with_every_place_and_session() {
    let backup = tempfile::tempdir().unwrap();
    let lost = Stack::start().await;
    let services = Services::on(&lost).await;
    let policy = json!({ "autoOpen": false });
    services.control.api().create("sale", policy).await;
    let plan = json!({"perMemberLimit": 4,
        "tickets": [{"ticketId": "floor", "name": "스탠딩", "price": 500, "quantity": 7}]});
    let shop = services.booking.api();
    let _ = shop.put_stock("sale", &plan).await.of(200);
    let stocked = shop.stock("sale").await.data(200).clone();
    let room = services.room.api();
    let mut before = HashMap::new();
    for member in ["inside", "called", "first", "second"] {
        let entered = room.enter("sale", member).await.of(201);
        before.insert(member, entered.number());
    }
    services.open_for("inside").await;
    let token = services.booking_token("inside").await;
    services.open_for("called").await;

    let stop = Arc::<AtomicBool>::default();
    let fans = tokio::spawn(crowd(room.clone(), stop.clone()));
    run("Backing up a live line", &lost, backup.path());
    stop.store(true, Ordering::Relaxed);
    let fans = joined(fans).await;
    let late = room.enter("sale", "late").await.of(201).number();
    drop(services);
    lost.redis.kill();

    let stack = Stack::with_secrets_of(&lost).await;
    stack.redis.stop().await;
    fs::remove_dir_all(stack.redis.folder().join("appendonlydir")).unwrap();
    run("Restoring it on new servers", &stack, backup.path());
    stack.redis.start_again().await;
    let services = Services::on(&stack).await;
    let (room, control) = (services.room.api(), services.control.api());
    eventually(SOON, "the line is in force", async || {
        room.ask_line("sale").await.status == 200
    })
    .await;
    for (member, number) in before {
        assert_eq!(room.status("sale", member).await.of(200).number(), number);
    }
    // Of those who lined up meanwhile, a first part is there.
    let line = room.members("sale").await;
    let line: HashMap<_, _> = line.into_iter().map(|it| (it.member, it.number)).collect();
    let kept = fans
        .iter()
        .filter(|(fan, number)| line.get(*fan) == Some(number));
    assert_eq!(
        kept.count() + 2,
        line.len(),
        "first, second, and fans as they were"
    );
    // Whoever lined up later does so again, with a number of their own.
    let standing = room.status("sale", "late").await.of(200);
    assert_eq!(standing.stands(), "NOT_IN_QUEUE");
    assert!(room.enter("sale", "late").await.of(201).number() > late);
    // Sessions go on: the same token, and the one who was called is still called.
    assert_eq!(services.booking_token("inside").await, token);
    let api = services.token.api();
    let _ = api.complete("sale", "inside", &token).await.of(200);
    services.booking_token("called").await;
    services.open_for("first").await;
    assert_eq!(
        *services.booking.api().stock("sale").await.data(200),
        stocked
    );
    let audit = control
        .get("/v2/admin/audit?concertId=sale", &admin())
        .await;
    assert_eq!(audit.data(200)["acts"].as_array().map(Vec::len), Some(4));
    stack
        .ends_well(&room, &["sale"], &[&services.consumer])
        .await;
}
