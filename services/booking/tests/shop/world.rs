//! A shop over real HTTP on the test's own Sunbeon, and fans to talk to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::Router;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sunbeon_booking::{
    Parts, Payments, Settings, Shop,
    payments::{Charged, FakePayments, NotRefunded, PaymentPort, Refund},
    stock::Charge,
};
use sunbeon_broker::{Broker, Heard, MemoryBroker};
use sunbeon_chassis::{
    Auth,
    http::{self, Readiness, Service},
    settings,
};
use sunbeon_database::Database;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_proto_messages::{Event, TicketLeft};
pub(crate) use sunbeon_test_support::{Answer, send};
use sunbeon_test_support::{TestDatabase, eventually};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::sunbeon::{FakeSunbeon, ORIGIN_TOKEN};

/// The secret that signs access tokens here.
pub(crate) const SECRET: &str = "a secret of the tests, long enough for HS256";
/// The secret that signs guests' tokens here.
const GUEST_SECRET: &str = "another secret of the tests, for guests alone";
/// How long the shop waits for its provider here.
const PAYMENT_LIMIT: Duration = Duration::from_millis(500);

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) broker: MemoryBroker,
    pub(crate) payments: FakePayments,
    pub(crate) sunbeon: FakeSunbeon,
    client: Client,
    auth: Auth,
    _running: DropGuard,
    /// Whether refunds hang, and how many were requested.
    pub(crate) refunds: Refunds,
    pub(crate) database: Option<TestDatabase>,
}

#[derive(serde::Deserialize)]
struct All {
    http: settings::Http,
    auth: settings::Auth,
    limits: settings::Limits,
    gate: sunbeon_gate::Settings,
    booking: Settings,
}

impl World {
    pub(crate) async fn sqlite() -> World {
        Self::on("sqlite::memory:", None, PAYMENT_LIMIT, false).await
    }

    /// A shop that signs anybody in.
    pub(crate) async fn demo() -> World {
        Self::on("sqlite::memory:", None, PAYMENT_LIMIT, true).await
    }

    /// A shop that waits for its provider longer than any client would.
    pub(crate) async fn of_great_patience() -> World {
        Self::on("sqlite::memory:", None, Duration::from_secs(600), false).await
    }

    pub(crate) async fn postgres() -> World {
        let database = TestDatabase::postgres().await;
        let url = database.url().to_owned();
        Self::on(&url, Some(database), PAYMENT_LIMIT, false).await
    }

    /// Opens a shop with a concert `a` whose seats are `a.R.1.1` to `a.R.2.5` at 1,000 and which
    /// has 10 tickets `standing` at 500, four per member, and a similar concert `b`.
    async fn on(
        url: &str,
        database: Option<TestDatabase>,
        patience: Duration,
        demo: bool,
    ) -> World {
        let sunbeon = FakeSunbeon::start().await;
        let settings = [
            ("SUNBEON__AUTH__HS256_SECRET", SECRET),
            ("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN),
            ("SUNBEON__AUTH__GUEST_SECRET", GUEST_SECRET),
            ("SUNBEON__GATE__SUNBEON_URL", &sunbeon.url),
            ("SUNBEON__GATE__ON_FAILURE", "closed"),
            ("SUNBEON__GATE__OWN_HOSTS", "shop.example"),
            (
                "SUNBEON__GATE__WAITING_PAGE",
                "https://queue.example/{concertId}",
            ),
            ("SUNBEON__BOOKING__DATABASE_URL", url),
            ("SUNBEON__HTTP__DRAIN_DELAY_MS", "0"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let all: All = settings::load_from(settings.into()).expect("valid settings");
        let (broker, payments) = (MemoryBroker::new(), FakePayments::default());
        let token = SecretString::from(ORIGIN_TOKEN);
        let parts = Parts::open(&all.booking, &all.gate, token, Arc::new(broker.clone()));
        let mut parts = parts.expect("valid settings");
        let refunds = Refunds::default();
        let provider = Slow(payments.clone(), refunds.clone());
        parts.payments = Payments::new(Arc::new(provider), patience);
        let shop = Shop::new(parts).in_demo(demo);
        let auth = Auth::new(&all.auth, &all.limits).expect("a valid secret");
        let (url, running) = run(shop, &auth, all.http, all.limits).await;
        let world = World {
            url,
            broker,
            payments,
            sunbeon,
            client: Client::new(),
            auth,
            _running: running,
            refunds,
            database,
        };
        eventually(Duration::from_secs(20), "the shop is up", async || {
            let health = world.request(Method::GET, "/health").send().await;
            health.is_ok_and(|health| health.status() == 200)
        })
        .await;
        for concert in ["a", "b"] {
            world.sunbeon.put(concert, json!({}));
            world.on_sale(concert, &plan()).await.data(200);
        }
        world
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Returns the access token of a member or an admin.
    pub(crate) fn access(&self, member: &str, admin: bool) -> String {
        let id = MemberId::parse(member).expect("a valid id");
        let token = self.auth.issue(&id, "", admin, Duration::from_secs(600));
        token.expect("HS256")
    }

    /// Returns a new guest's id and token.
    pub(crate) fn guest(&self) -> (String, String) {
        let guest = self.auth.issue_guest().expect("a secret for guests");
        (guest.id.to_string(), guest.token)
    }

    pub(crate) async fn by_admin(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path);
        send(
            request
                .bearer_auth(self.access("operator", true))
                .json(body),
        )
        .await
    }

    pub(crate) async fn on_sale(&self, concert: &str, plan: &Value) -> Answer {
        let path = format!("/v2/stock/{concert}");
        self.by_admin(Method::PUT, &path, plan).await
    }

    /// Puts a concert on sale whose holds have already expired when they are taken.
    pub(crate) async fn with_short_holds(&self, concert: &str) {
        self.sunbeon.put(concert, json!({"holdDurationMinutes": 0}));
        self.on_sale(concert, &plan()).await.data(200);
    }

    /// Subscribes to all events from now on.
    pub(crate) fn events(&self) -> mpsc::Receiver<Heard> {
        self.broker.subscribe_events("#")
    }

    /// Returns a member who was admitted for ten minutes.
    pub(crate) fn fan(&self, concert: &str, member: &str) -> Fan {
        self.fan_until(concert, member, 600)
    }

    /// Returns a member who was admitted for this many seconds with the entry of [`entry_of`].
    pub(crate) fn fan_until(&self, concert: &str, member: &str, seconds: i64) -> Fan {
        let token = self
            .sunbeon
            .token(concert, member, entry_of(member), seconds);
        Fan::new(&self.url, self.access(member, false), token)
    }

    /// Returns a member without a booking token.
    pub(crate) fn outsider(&self, member: &str) -> Fan {
        Fan::new(&self.url, self.access(member, false), String::new())
    }

    /// Waits until this many ends of sessions were reported.
    pub(crate) async fn sessions_over(&self, count: usize) {
        let over = async || self.sunbeon.completes().len() == count;
        eventually(Duration::from_secs(10), "sessions have ended", over).await;
    }

    /// Opens the shop's PostgreSQL with separate connections.
    pub(crate) fn beside(&self) -> Database {
        let database = self.database.as_ref().expect("PostgreSQL");
        Database::open(database.url()).expect("a valid URL")
    }

    /// Returns how many seats and tickets of a concert are free.
    pub(crate) async fn remaining(&self, concert: &str) -> u64 {
        let path = format!("/v2/stock/{concert}");
        let read = self.by_admin(Method::GET, &path, &json!({})).await;
        read.data(200)["remaining"].as_u64().expect("a number")
    }
}

/// A provider that is slow when the payment token is `slow`.
struct Slow(FakePayments, Refunds);

/// A switch that makes refunds hang. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Refunds(Arc<(AtomicBool, AtomicUsize)>);

impl Refunds {
    pub(crate) fn hang(&self) {
        self.0.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PaymentPort for Slow {
    async fn charge(&self, charge: &Charge) -> Charged {
        let charged = self.0.charge(charge).await;
        if charge.payment_token.expose_secret() == "slow" {
            tokio::time::sleep(PAYMENT_LIMIT * 9 / 10).await;
        }
        charged
    }

    async fn void(&self, key: &str) -> Charged {
        self.0.void(key).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), NotRefunded> {
        self.1.0.1.fetch_add(1, Ordering::SeqCst);
        if self.1.0.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.0.refund(refund).await
    }
}

/// Returns the entry with which a member is admitted here; each has another, and member 42 has 7.
pub(crate) fn entry_of(member: &str) -> u64 {
    let digits = member.trim_start_matches(|sign: char| !sign.is_ascii_digit());
    let number: u64 = digits.parse().expect("a member with a number");
    match member.starts_with('m') {
        true => 10_000 + number,
        false => number - 35,
    }
}

/// The stock of [`World`]: 10 seats and 10 tickets.
pub(crate) fn plan() -> Value {
    json!({
        "perMemberLimit": 4,
        "sections": [{"section": "R", "price": 1000, "rows": 2, "seatsPerRow": 5}],
        "tickets": [{"ticketId": "standing", "name": "Standing", "price": 500, "quantity": 10}],
    })
}

async fn run(
    shop: Shop,
    auth: &Auth,
    http: settings::Http,
    limits: settings::Limits,
) -> (String, DropGuard) {
    let shutdown = CancellationToken::new();
    let readiness = Readiness::new();
    let router = http::finish(Service {
        name: "booking",
        api: shop.router(auth).merge(shop.pages(auth).into()),
        health: shop.health(),
        readiness: readiness.clone(),
        metrics: None,
        settings: http.clone(),
        limits,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = router.expect("valid settings");
    let serving = http::serve(listener, router, http, shutdown.clone(), readiness);
    tokio::spawn(serving);
    tokio::spawn(shop.run(shutdown.clone()));
    (format!("http://{address}"), shutdown.drop_guard())
}

/// A member with an access token and, if it is not empty, a booking token.
pub(crate) struct Fan {
    client: Client,
    url: String,
    pub(crate) access: String,
    pub(crate) token: String,
}

impl Fan {
    pub(crate) fn new(url: &str, access: String, token: String) -> Self {
        Self {
            client: Client::new(),
            url: url.to_owned(),
            access,
            token,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.access);
        if self.token.is_empty() {
            request
        } else {
            request.header("X-Queue-Token", &self.token)
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        send(self.request(method, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn lock(&self, seats: &[&str]) -> Answer {
        self.post("/v2/seats/lock", &json!({ "seatIds": seats }))
            .await
    }

    pub(crate) async fn lock_like(&self, seat: &str, count: u32) -> Answer {
        let body = json!({ "like": seat, "count": count });
        self.post("/v2/seats/lock", &body).await
    }

    pub(crate) async fn unlock(&self, seats: &[&str]) -> Answer {
        let body = json!({ "seatIds": seats });
        self.call(Method::DELETE, "/v2/seats/lock", &body).await
    }

    pub(crate) async fn book(&self, body: &Value) -> Answer {
        self.post("/v2/bookings", body).await
    }

    /// Holds and books seats, and returns the booking's id.
    pub(crate) async fn booked(&self, seats: &[&str]) -> String {
        self.lock(seats).await.data(200);
        let made = self.book(&json!({ "seatIds": seats })).await;
        made.data(201)["bookingId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Books tickets, and returns the booking's id.
    pub(crate) async fn booked_tickets(&self, quantity: u32) -> String {
        let body = json!({ "tickets": [{"ticketId": "standing", "quantity": quantity}] });
        let made = self.book(&body).await;
        made.data(201)["bookingId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    pub(crate) async fn confirm(&self, booking: &str, payment_token: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}/confirm");
        self.post(&path, &json!({ "paymentToken": payment_token }))
            .await
    }

    pub(crate) async fn confirm_by_key(&self, booking: &str, token: &str, key: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}/confirm");
        let request = self.request(Method::POST, &path);
        let body = json!({ "paymentToken": token });
        send(request.header("Idempotency-Key", key).json(&body)).await
    }

    pub(crate) async fn cancel(&self, booking: &str) -> Answer {
        let path = format!("/v2/bookings/{booking}");
        send(self.request(Method::DELETE, &path)).await
    }

    /// Returns the member's own booking as it is now.
    pub(crate) async fn booking(&self, booking: &str) -> Value {
        let answer = self.get(&format!("/v2/bookings/{booking}")).await;
        answer.data(200).clone()
    }

    /// Returns a seat's state on the map, which may be a second old, and whether the member has it
    /// now.
    pub(crate) async fn seat(&self, seat: &str) -> (String, bool) {
        let concert = seat.split('.').next().expect("a concert");
        let path = format!("/v2/concerts/{concert}/seats");
        let map = self.get(&path).await;
        let state = find(&map, seat).expect("a seat")["state"].clone();
        let mine = self.get(&format!("{path}/mine")).await;
        let state = state.as_str().expect("a state").to_owned();
        (state, find(&mine, seat).is_some())
    }

    /// Waits until the member sees a seat in this state.
    pub(crate) async fn sees(&self, seat: &str, state: &str, mine: bool) {
        let expected = (state.to_owned(), mine);
        let seen = async || self.seat(seat).await == expected;
        let what = format!("{seat} is {expected:?}");
        eventually(Duration::from_secs(10), &what, seen).await;
    }
}

fn find(seats: &Answer, seat: &str) -> Option<Value> {
    let seats = seats.data(200)["seats"].as_array().expect("seats");
    seats.iter().find(|one| one["seatId"] == seat).cloned()
}

/// Returns the answer of a gate that sees: on a busy machine it may be blind for a moment, and says
/// so.
pub(crate) async fn seen(ask: impl AsyncFn() -> Answer) -> Answer {
    let mut answer = ask().await;
    eventually(Duration::from_secs(30), "the gate sees", async || {
        let is_blind = answer.body["code"] == "WAITING_ROOM_DOWN";
        if is_blind {
            answer = ask().await;
        }
        !is_blind
    })
    .await;
    answer
}

/// Serves a router as another server until the task is aborted; returns its address and the task.
pub(crate) async fn serve(router: Router) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    (url, serving)
}

/// Waits for an event, skipping any that come before.
pub(crate) async fn hear(events: &mut mpsc::Receiver<Heard>, expected: &Event) {
    let heard = async {
        loop {
            let heard = events.recv().await.expect("events continue");
            if heard == Heard::Event(expected.clone()) {
                return;
            }
        }
    };
    let limit = Duration::from_secs(10);
    let heard = tokio::time::timeout(limit, heard).await;
    heard.unwrap_or_else(|_| panic!("not heard: {expected:?}"));
}

/// What is told when so many seats and tickets of the concert `a` are left, and so many tickets to stand.
pub(crate) fn tickets_left(remaining: u64, standing: u64) -> Event {
    Event::TicketUpdated {
        concert_id: ConcertId::parse("a").expect("a valid id"),
        remaining,
        tickets: vec![TicketLeft {
            ticket_id: "standing".to_owned(),
            remaining: standing,
        }],
    }
}

/// Runs each test on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident)*) => {
        sunbeon_test_support::on_each! {
            ($($name),*)
            sqlite: crate::world::World::sqlite(),
            postgres: crate::world::World::postgres(),
        }
    };
}
pub(crate) use on_both_databases;
