//! A sale: one replica of every service, behind nginx.

use serde_json::{Value, json};
use sunbeon_system_tests::{FrontDoor, Replica, ReplicaPlan, SOON, Service, Stack};
use sunbeon_test_support::{Api, eventually};

/// Its parts stop in the order of its fields.
pub(crate) struct Sale {
    pub(crate) api: Api,
    _room: Replica,
    _control: Replica,
    pub(crate) token: Replica,
    _booking: Replica,
    _consumer: Replica,
    _door: FrontDoor,
    pub(crate) stack: Stack,
}

impl Sale {
    pub(crate) async fn open() -> Self {
        Self::open_with(|plan| plan).await
    }

    /// Opens a sale with changed settings of every service.
    pub(crate) async fn open_with(change: impl Fn(ReplicaPlan) -> ReplicaPlan) -> Self {
        let stack = Stack::start().await;
        let run = |service| change(stack.plan(service)).start();
        let (room, control, token, consumer, booking) = tokio::join!(
            run(Service::WaitingRoom),
            run(Service::ReservationOpen),
            run(Service::Token),
            run(Service::EntryConsumer),
            run(Service::Booking),
        );
        let door = FrontDoor::start(&stack, &[&room], &[&control], &[&token], &[&booking]).await;
        Self {
            api: door.operators(),
            _room: room,
            _control: control,
            token,
            _booking: booking,
            _consumer: consumer,
            _door: door,
            stack,
        }
    }

    /// Creates a concert with stock: seats `<concert>.A.1.1` to `….A.4.10`, and tickets `floor`.
    pub(crate) async fn sell(&self, concert: &str, policy: Value, tickets: u32) {
        self.api.create(concert, policy).await;
        let plan = json!({
            "perMemberLimit": 4,
            "sections": [{"section": "A", "price": 1000, "rows": 4, "seatsPerRow": 10}],
            "tickets": [{"ticketId": "floor", "name": "스탠딩", "price": 500, "quantity": tickets}],
        });
        let _ = self.api.put_stock(concert, &plan).await.of(200);
    }

    /// Lets a member into a concert with a free slot, and returns the booking token.
    pub(crate) async fn admit(&self, concert: &str, member: &str) -> String {
        let entered = self.api.enter(concert, member).await.of(201);
        assert_eq!(entered.stands(), "READY");
        self.claim(concert, member).await
    }

    /// Returns the booking token of a member whose turn it is.
    pub(crate) async fn claim(&self, concert: &str, member: &str) -> String {
        let issued = self.api.token(concert, member).await;
        issued.data(200)["token"].as_str().unwrap().to_owned()
    }

    /// Waits until the gate in front of the shop lets a member in.
    pub(crate) async fn gate_sees(&self, concert: &str, member: &str, token: &str) {
        eventually(SOON, "the gate sees", async || {
            self.api.seats(concert, member, token).await.status == 200
        })
        .await;
    }
}

/// Returns the policy of a concert that lets this many straight in.
pub(crate) fn threshold(slots: u32) -> Value {
    json!({"mode": "threshold", "maxActive": slots, "groupSize": 10, "entryIntervalSeconds": 1})
}

/// Returns the id of the booking in an answer.
pub(crate) fn booking_id(data: &Value) -> String {
    data["bookingId"].as_str().expect("a booking").to_owned()
}
