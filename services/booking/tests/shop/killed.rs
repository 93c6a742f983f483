//! The binary as a separate process, on RabbitMQ, with a payment provider over HTTP.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sunbeon_chassis::{Auth, settings};
use sunbeon_database::{Database, values};
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_proto_messages::Event;
use sunbeon_test_support::{Process, TestDatabase, TestVhost, eventually, free_port};
use tempfile::TempDir;

use crate::{
    provider::Provider,
    sunbeon::{FakeSunbeon, ORIGIN_TOKEN},
    world::{Fan, SECRET, entry_of, plan, send},
};

const ADMIN_TOKEN: &str = "an admin token of the tests";
const SOON: Duration = Duration::from_secs(60);

/// A shop that can be killed and restarted.
struct Shop {
    url: String,
    sunbeon: FakeSunbeon,
    provider: Provider,
    settings: Vec<(&'static str, String)>,
    process: Option<Process>,
    vhost: TestVhost,
    database: Kept,
}

/// The shop's database, kept as long as this is not dropped.
enum Kept {
    Postgres(TestDatabase),
    Sqlite(TempDir),
}

impl Kept {
    async fn postgres() -> Self {
        Self::Postgres(TestDatabase::postgres().await)
    }

    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    fn url(&self) -> String {
        match self {
            Self::Postgres(database) => database.url().to_owned(),
            Self::Sqlite(folder) => format!("sqlite:{}/shop.sqlite", folder.path().display()),
        }
    }
}

impl Shop {
    async fn start() -> Shop {
        Self::on(Kept::postgres().await).await
    }

    /// Starts a shop with the stock of [`plan`] for the concert `a`.
    async fn on(database: Kept) -> Shop {
        let (sunbeon, provider, vhost) =
            tokio::join!(FakeSunbeon::start(), Provider::start(), TestVhost::create(),);
        let bind = format!("127.0.0.1:{}", free_port());
        let settings = vec![
            ("SUNBEON__HTTP__BIND", bind.clone()),
            ("SUNBEON__BROKER__RABBITMQ__URL", vhost.url().to_owned()),
            ("SUNBEON__AUTH__HS256_SECRET", SECRET.to_owned()),
            ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
            ("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN.to_owned()),
            ("SUNBEON__GATE__SUNBEON_URL", sunbeon.url.clone()),
            ("SUNBEON__GATE__ON_FAILURE", "closed".to_owned()),
            ("SUNBEON__BOOKING__DATABASE_URL", database.url()),
            (
                "SUNBEON__BOOKING__PAYMENTS__HTTP__URL",
                provider.url.clone(),
            ),
        ];
        let mut shop = Shop {
            url: format!("http://{bind}"),
            sunbeon,
            provider,
            settings,
            process: None,
            vhost,
            database,
        };
        shop.sunbeon.put("a", json!({}));
        shop.run().await;
        let path = format!("{}/v2/stock/a", shop.url);
        let put = Client::new().put(path).bearer_auth(ADMIN_TOKEN);
        send(put.json(&plan())).await.data(200);
        shop
    }

    /// Starts or restarts the shop.
    async fn run(&mut self) {
        let process = Process::spawn("sunbeon-booking", &[], self.settings.clone());
        eventually(SOON, "the shop is up", async || {
            assert!(process.status().is_none(), "{}", process.log());
            let health = Client::new().get(format!("{}/health", self.url)).send();
            health.await.is_ok_and(|health| health.status() == 200)
        })
        .await;
        self.process = Some(process);
    }

    /// Makes everything in the shop's database this much older.
    async fn age(&self, ms: i64) {
        const AGE: [&str; 3] = [
            "UPDATE seats SET held_until_ms = held_until_ms - $1",
            "UPDATE bookings SET due_ms = due_ms - $1, expires_at_ms = expires_at_ms - $1",
            "UPDATE payments SET due_ms = due_ms - $1",
        ];
        let database = Database::open(&self.database.url()).expect("a valid URL");
        for sql in AGE {
            let aged = database.execute(&sql.into(), values![ms]).await;
            aged.expect(sql);
        }
    }

    fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    fn fan(&self, member: &str) -> Fan {
        let token = self.sunbeon.token("a", member, entry_of(member), 600);
        Fan::new(&self.url, access(member), token)
    }

    /// Lets a fan hold, book and pay, and kills the shop after the charge but before any of it is
    /// recorded.
    async fn killed_while_paying(&mut self, fan: &Fan) -> String {
        let id = fan.booked(&["a.R.1.1"]).await;
        self.provider.silent(true);
        let path = format!("/v2/bookings/{id}/confirm");
        let request = fan
            .request(Method::POST, &path)
            .header("Idempotency-Key", "k");
        let lost = tokio::spawn(request.json(&json!({"paymentToken": "card"})).send());
        let taken = async || self.provider.charges().len() == 1;
        eventually(SOON, "the charge goes through", taken).await;
        self.kill();
        assert!(
            lost.await.expect("no panic").is_err(),
            "the fan gets no answer"
        );
        self.provider.silent(false);
        self.run().await;
        id
    }

    /// Expects one booking, one charge and one end of a session, and that later tasks are not
    /// delayed.
    async fn all_is_well(&self, id: &str) {
        let told = async || self.sunbeon.completes().len() == 1;
        eventually(SOON, "the session has ended", told).await;
        let charges = self.provider.charges();
        assert_eq!(charges.len(), 1, "{charges:?}");
        assert_eq!(charges[0]["bookingId"], *id);
        assert_eq!(
            (&charges[0]["amount"], &charges[0]["currency"]),
            (&json!(1000), &json!("KRW"))
        );
        let other = self.fan("43");
        let next = other.booked(&["a.R.1.2"]).await;
        other.confirm(&next, "card").await.data(200);
        let told = async || self.sunbeon.completes().len() >= 2;
        eventually(SOON, "the next session has ended", told).await;
        let completes = self.sunbeon.completes();
        let ended: Vec<_> = completes.iter().map(|one| &one["memberId"]).collect();
        assert_eq!(ended, [&json!("42"), &json!("43")]);
        assert_eq!(self.provider.charges().len(), 2);
        assert_eq!(self.provider.refunds(), Vec::<Value>::new());
    }
}

fn access(member: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Settings {
        auth: settings::Auth,
        limits: settings::Limits,
    }
    let secret = ("SUNBEON__AUTH__HS256_SECRET".to_owned(), SECRET.to_owned());
    let settings: Settings = settings::load_from([secret].into()).expect("valid settings");
    let auth = Auth::new(&settings.auth, &settings.limits).expect("a valid secret");
    let id = MemberId::parse(member).expect("a valid id");
    let token = auth.issue(&id, "", false, Duration::from_secs(600));
    token.expect("HS256")
}

mod postgres {
    use super::{Kept, Shop};

    #[tokio::test]
    async fn a_repeated_request_after_a_kill_between_payment_and_commit_pays_once() {
        super::the_same_request_again(Shop::on(Kept::postgres().await).await).await;
    }

    #[tokio::test]
    async fn a_payment_interrupted_by_a_kill_settles_by_itself() {
        super::settles_by_itself(Shop::on(Kept::postgres().await).await).await;
    }

    #[tokio::test]
    async fn a_booking_that_expired_while_the_provider_was_away_is_never_charged() {
        super::never_charged(Shop::on(Kept::postgres().await).await).await;
    }

    #[tokio::test]
    async fn a_payment_charged_before_the_booking_expired_is_refunded_once() {
        super::refunded_once(Shop::on(Kept::postgres().await).await).await;
    }
}

mod sqlite {
    use super::{Kept, Shop};

    #[tokio::test]
    async fn a_repeated_request_after_a_kill_between_payment_and_commit_pays_once() {
        super::the_same_request_again(Shop::on(Kept::sqlite()).await).await;
    }

    #[tokio::test]
    async fn a_payment_interrupted_by_a_kill_settles_by_itself() {
        super::settles_by_itself(Shop::on(Kept::sqlite()).await).await;
    }

    #[tokio::test]
    async fn a_booking_that_expired_while_the_provider_was_away_is_never_charged() {
        super::never_charged(Shop::on(Kept::sqlite()).await).await;
    }

    #[tokio::test]
    async fn a_payment_charged_before_the_booking_expired_is_refunded_once() {
        super::refunded_once(Shop::on(Kept::sqlite()).await).await;
    }
}

async fn the_same_request_again(mut shop: Shop) {
    let fan = shop.fan("42");
    let id = shop.killed_while_paying(&fan).await;
    let confirmed = fan.confirm_by_key(&id, "card", "k").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    shop.all_is_well(&id).await;
}

async fn settles_by_itself(mut shop: Shop) {
    let fan = shop.fan("42");
    let id = shop.killed_while_paying(&fan).await;
    let settled = async || fan.booking(&id).await["state"] == "CONFIRMED";
    eventually(SOON, "the payment is settled", settled).await;
    shop.all_is_well(&id).await;
}

/// The provider is unreachable for five minutes, and the shop is killed meanwhile.
async fn never_charged(mut shop: Shop) {
    let fan = shop.fan("42");
    let id = fan.booked(&["a.R.1.1"]).await;
    shop.provider.answers(Some(503));
    let unknown = fan.confirm_by_key(&id, "card", "k").await;
    unknown.fails("PAYMENT_DOWN");
    shop.kill();
    shop.age(300_000).await;
    shop.run().await;
    let asked = shop.provider.asked();
    let again = fan.confirm_by_key(&id, "card", "k").await;
    again.fails("BOOKING_EXPIRED");
    shop.provider.answers(None);
    let voided = async || shop.provider.voided() == 1;
    eventually(SOON, "the charge is voided", voided).await;
    assert_eq!(
        shop.provider.asked(),
        asked,
        "nobody asked for a charge again"
    );
    assert_eq!(shop.provider.charges(), Vec::<Value>::new());
    assert_eq!(fan.booking(&id).await["state"], "EXPIRED");
    // The freed seat is sold to the next fan.
    let other = shop.fan("43");
    let next = other.booked(&["a.R.1.1"]).await;
    other.confirm(&next, "card").await.data(200);
    assert_eq!(shop.provider.refunds(), Vec::<Value>::new());
}

async fn refunded_once(mut shop: Shop) {
    let fan = shop.fan("42");
    let id = fan.booked(&["a.R.1.1"]).await;
    shop.provider.silent(true);
    let path = format!("/v2/bookings/{id}/confirm");
    let request = fan.request(Method::POST, &path);
    let lost = tokio::spawn(request.json(&json!({"paymentToken": "card"})).send());
    let taken = async || shop.provider.charges().len() == 1;
    eventually(SOON, "the charge goes through", taken).await;
    shop.kill();
    lost.await
        .expect("no panic")
        .expect_err("the fan gets no answer");
    shop.provider.silent(false);
    shop.age(300_000).await;
    shop.run().await;
    let refunded = async || shop.provider.refunds().len() == 1;
    eventually(SOON, "the charge is refunded", refunded).await;
    assert_eq!(shop.provider.charges().len(), 1);
    assert_eq!(fan.booking(&id).await["state"], "CANCELLED");
    shop.fan("43").booked(&["a.R.1.1"]).await;
}

#[tokio::test]
async fn the_providers_answers_are_interpreted_by_the_protocol() {
    let shop = Shop::start().await;
    let fan = shop.fan("42");
    let id = fan.booked(&["a.R.1.1"]).await;
    shop.provider.answers(Some(402));
    fan.confirm_by_key(&id, "card", "k1")
        .await
        .fails("PAYMENT_DECLINED");
    for status in [200, 204, 302, 400, 401, 404, 409, 500, 503] {
        shop.provider.answers(Some(status));
        let unknown = fan.confirm_by_key(&id, "card", "k2").await;
        assert_eq!(unknown.body["code"], "PAYMENT_DOWN", "{status}");
    }
    assert!(shop.provider.asked() >= 10);
    shop.provider.answers(None);
    let confirmed = fan.confirm_by_key(&id, "card", "k2").await;
    assert_eq!(confirmed.data(200)["state"], "CONFIRMED");
    assert_eq!(shop.provider.charges().len(), 1);
    fan.cancel(&id).await.data(200);
    let refunded = async || shop.provider.refunds().len() == 1;
    eventually(SOON, "the charge is refunded", refunded).await;
    let refund = &shop.provider.refunds()[0];
    assert_eq!(refund["amount"], 1000);
    let payment = refund["paymentId"].as_str().expect("an id");
    assert!(payment.starts_with("payment-"), "{payment}");
}

#[tokio::test]
async fn a_change_announced_on_rabbitmq_purges_the_list() {
    let shop = Shop::start().await;
    let list = async || {
        let request = Client::new().get(format!("{}/v2/concerts", shop.url));
        send(request).await.data(200)["concerts"].clone()
    };
    eventually(SOON, "the list is cached", async || {
        let before = shop.sunbeon.lists();
        list().await;
        before > 0 && shop.sunbeon.lists() == before
    })
    .await;
    shop.sunbeon.put("new", json!({}));
    let settings = json!({"rabbitmq": {"url": shop.vhost.url(), "prefetch": 10}});
    let settings: sunbeon_broker::Settings = serde_json::from_value(settings).expect("settings");
    let broker = sunbeon_broker::open(&settings, "another service").expect("a valid URL");
    let can = async || broker.can_publish();
    eventually(SOON, "the broker is up", can).await;
    broker.publish_event(Event::ConcertChanged {
        concert_id: ConcertId::parse("new").expect("a valid id"),
        version: 1,
    });
    let seen = async || list().await.as_array().map(Vec::len) == Some(2);
    eventually(SOON, "the change is seen", seen).await;
    broker.close().await;
}

#[tokio::test]
async fn it_does_not_start_without_its_required_settings() {
    let shop = Shop::start().await;
    for missing in [
        "SUNBEON__BROKER__RABBITMQ__URL",
        "SUNBEON__AUTH__ORIGIN_TOKEN",
        "SUNBEON__GATE__ON_FAILURE",
        "SUNBEON__BOOKING__DATABASE_URL",
    ] {
        let settings = shop.settings.iter().filter(|(name, _)| *name != missing);
        let settings = settings.filter(|(name, _)| *name != "SUNBEON__HTTP__BIND");
        let bind = format!("127.0.0.1:{}", free_port());
        let settings = settings.cloned().chain([("SUNBEON__HTTP__BIND", bind)]);
        let process = Process::spawn("sunbeon-booking", &[], settings);
        let ended = process.wait(SOON).await;
        assert!(!ended.success(), "{missing}");
    }
}
