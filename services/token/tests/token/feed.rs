//! The feed of ended sessions, and gates that follow it.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, request::Parts},
    routing::any,
};
use serde_json::json;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_gate::{Gate, OnFailure, Settings, SunbeonUrl, Visit};
use sunbeon_store::Leaving;
use sunbeon_test_support::{
    RedisServer,
    access::{ORIGIN_TOKEN, claims, in_seconds, member},
    eventually,
};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;

use crate::app::App;

sunbeon_test_support::on_both!(
    ended_sessions_are_told_in_order_and_since_a_cursor,
    ended_sessions_outlive_their_concert,
    what_is_no_cursor_is_refused,
    two_thousand_sessions_that_one_account_ended_blind_no_gate,
    a_member_who_completes_again_and_again_is_slowed,
);

const SOON: Duration = Duration::from_secs(60);
/// A gate that starts is blind for no longer, however many sessions have ended.
const COLD: Duration = Duration::from_secs(10);
/// The entry numbers of sessions that never were.
const MADE_UP: u64 = 1_763_614_800_000_000;

/// A session that ended by the member's choice: its booking token.
async fn ended(app: &App, concert: &str, who: &str) -> String {
    let token = app.inside(concert, who).await;
    app.stage.leave(concert, who, Leaving::ByChoice).await;
    token
}

fn entry(token: &str) -> u64 {
    claims(token)["ent"].as_u64().expect("an entry number")
}

/// The entries on a page, and the cursor behind it.
async fn page(app: &App, concert: &str, after: &str) -> (Vec<u64>, String) {
    let answer = app.api.revoked(concert, after).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let data = answer.data(200);
    assert_eq!(data["more"], false);
    let all = data["revoked"].as_array().expect("a list");
    let entries = all.iter().map(|it| it[0].as_u64().expect("a number"));
    let cursor = data["cursor"].as_str().unwrap_or_default();
    (entries.collect(), cursor.to_owned())
}

async fn ended_sessions_are_told_in_order_and_since_a_cursor(app: App) {
    for id in ["c", "d"] {
        app.stage.create_by_hand(id).await;
    }
    assert_eq!(page(&app, "c", "").await, (Vec::new(), String::new()));
    let first = ended(&app, "c", "b").await;
    let second = ended(&app, "c", "a").await;
    ended(&app, "d", "a").await;
    let (entries, cursor) = page(&app, "c", "").await;
    assert_eq!(entries, [entry(&first), entry(&second)]);
    assert_eq!(page(&app, "c", &cursor).await, (Vec::new(), cursor.clone()));
    let third = ended(&app, "c", "c").await;
    let (new, next) = page(&app, "c", &cursor).await;
    assert_eq!(new, [entry(&third)]);
    assert_ne!(next, cursor);
    let all = page(&app, "c", "").await;
    assert_eq!(all.0.len(), 3);
    let elsewhere = page(&app, "c", "1763614923456789-1763614800000000").await;
    assert_eq!(elsewhere, all, "what the feed does not hold begins again");
    let told = app.api.revoked("c", &cursor).await.data(200)["revoked"].clone();
    let until = told[0][1].as_i64().expect("Unix seconds");
    let last = claims(&third)["iat"].as_i64().expect("iat") + 20 * 60;
    assert_eq!(until, last, "the longest session and hold");
}

async fn ended_sessions_outlive_their_concert(app: App) {
    app.stage.create_by_hand("c").await;
    let token = ended(&app, "c", "a").await;
    let told = page(&app, "c", "").await;
    assert_eq!(told.0, [entry(&token)]);
    app.stage.close("c").await;
    app.stage.drop_concert("c").await;
    assert_eq!(page(&app, "c", "").await, told);
    app.stage.create_by_hand("c").await;
    assert_eq!(page(&app, "c", "").await, told);
    let again = ended(&app, "c", "a").await;
    assert_eq!(page(&app, "c", &told.1).await.0, [entry(&again)]);
    assert_eq!(page(&app, "never-was", "").await.0, [0; 0]);
}

async fn what_is_no_cursor_is_refused(app: App) {
    app.stage.create_by_hand("c").await;
    for cursor in [
        "1",
        "-",
        "1-",
        "-1",
        "1-2-3",
        "x-1",
        "1-x",
        "%2B1-2",
        "1.0-2",
        "1-9007199254740992",
    ] {
        app.api.revoked("c", cursor).await.fails("INVALID_AFTER");
    }
    let path = "/v2/reservation/revoked/c?";
    for (query, code) in [
        ("after=", "INVALID_AFTER"),
        ("after=1-1&after=1-1", "INVALID_AFTER"),
        ("since=1-1", "INVALID_QUERY"),
    ] {
        let answer = app.api.get(&format!("{path}{query}"), ORIGIN_TOKEN).await;
        answer.fails(code);
    }
    app.api
        .revoked("a%20b", "")
        .await
        .fails("INVALID_CONCERT_ID");
}

/// An origin behind a gate of this service.
struct Shop {
    gate: Gate,
    routes: Router,
    _watching: DropGuard,
}

/// Who visits what, as the headers say.
fn visit(parts: &Parts) -> Visit {
    let header = |name| parts.headers[name].to_str().expect("a text");
    Visit {
        member: MemberId::parse(header("member")).ok(),
        concert: ConcertId::parse(header("concert")).ok(),
    }
}

impl Shop {
    fn open(app: &App) -> Self {
        let settings = Settings {
            sunbeon_url: SunbeonUrl::parse(app.api.url()).expect("an address"),
            issuer: "sunbeon".to_owned(),
            on_failure: Some(OnFailure::Closed),
            waiting_page: "/waiting-room/{concertId}".to_owned(),
            landing_page: "/".to_owned(),
            login_page: String::new(),
            own_hosts: Vec::new(),
        };
        let gate = Gate::new(&settings, ORIGIN_TOKEN).expect("good settings");
        let stop = CancellationToken::new();
        tokio::spawn(gate.clone().watch(stop.clone()));
        let routes = Router::new().fallback(any(async || "in"));
        Self {
            routes: routes.layer(gate.layer(visit)),
            gate,
            _watching: stop.drop_guard(),
        }
    }

    async fn visited(&self, concert: &str, who: &str, token: &str) -> StatusCode {
        let request = Request::get("/")
            .header("member", who)
            .header("concert", concert)
            .header("x-queue-token", token);
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.routes.clone().oneshot(request).await;
        answer.expect("an answer").status()
    }

    async fn lets_in(&self, concert: &str, who: &str, token: &str) -> bool {
        self.visited(concert, who, token).await == StatusCode::OK
    }

    fn has_ended(&self, concert: &str, number: u64) -> bool {
        let concert = ConcertId::parse(concert).expect("an id");
        self.gate.has_ended(&concert, EntryNumber(number))
    }
}

async fn two_thousand_sessions_that_one_account_ended_blind_no_gate(app: App) {
    let off = json!({"mode": "off"});
    for id in ["c", "d"] {
        app.stage.create(id, off.clone()).await;
    }
    let shop = Shop::open(&app);
    let mut inside = Vec::new();
    for id in ["c", "d"] {
        app.stage.enter(id, "fan").await;
        let issued = app.api.token(id, "fan").await;
        let token = issued.data(200)["token"]
            .as_str()
            .expect("a token")
            .to_owned();
        eventually(SOON, "the gate sees", async || {
            shop.lets_in(id, "fan", &token).await
        })
        .await;
        inside.push((id, token));
    }
    let mut numbers = BTreeSet::new();
    for _ in 0..2_000 {
        numbers.insert(app.stage.enter("c", "account").await.0);
        app.stage.claim("c", "account").await;
        app.stage.leave("c", "account", Leaving::ByChoice).await;
    }
    let last = *numbers.last().expect("it ended some");
    eventually(SOON, "the gate knows of the last", async || {
        for (id, token) in &inside {
            assert_eq!(shop.visited(id, "fan", token).await, StatusCode::OK, "{id}");
        }
        shop.has_ended("c", last)
    })
    .await;
    assert!(
        numbers
            .into_iter()
            .all(|number| shop.has_ended("c", number))
    );
}

async fn a_member_who_completes_again_and_again_is_slowed(app: App) {
    let app = app
        .with(&[
            ("SUNBEON__LIMITS__LOOPBACK", "true"),
            ("SUNBEON__LIMITS__MEMBER_PER_SECOND", "0"),
            ("SUNBEON__LIMITS__ENDINGS_PER_HOUR", "3"),
        ])
        .await;
    app.stage.create_by_hand("c").await;
    for _ in 0..3 {
        let token = app.inside("c", "a").await;
        app.api.complete("c", "a", &token).await.data(200);
    }
    let token = app.inside("c", "a").await;
    let refused = app.api.complete("c", "a", &token).await;
    assert!(
        refused
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|wait| wait > 60)
    );
    refused.fails("TOO_MANY_REQUESTS");
    assert_eq!(page(&app, "c", "").await.0.len(), 3);
    let other = app.inside("c", "b").await;
    app.api.complete("c", "b", &other).await.data(200);
    let by_the_shop = app.api.complete_session("c", "a", entry(&token)).await;
    by_the_shop.data(200);
}

/// Writes so many ended sessions into a concert's feed.
async fn fill(redis: &RedisServer, concert: &str, many: u64) {
    let until = in_seconds(3_600);
    // Nothing of this has to outlive the test, and rewriting it would take as long as reading it.
    redis.send("CONFIG SET appendonly no").await;
    let script = "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do \
        redis.call('ZADD', KEYS[1], i, struct.pack('>I8I4', i, ARGV[3])) end";
    for from in (0..many).step_by(50_000) {
        let (first, last) = (MADE_UP + from, MADE_UP + (from + 50_000).min(many) - 1);
        let key = format!("{{concert:{concert}}}:revoked");
        let call = format!("EVAL \"{script}\" 1 {key} {first} {last} {until}");
        let answer = redis.send(&call).await;
        assert!(answer.starts_with("$-1"), "{answer}");
    }
}

/// Asserts that a gate that starts before a feed of so many sees it in time, and that one of another
/// concert notices nothing.
async fn starts_cold(many: u64) {
    let app = App::real().await;
    for id in ["c", "d"] {
        app.stage.create_by_hand(id).await;
    }
    let (mine, other) = (app.inside("c", "a").await, app.inside("d", "a").await);
    fill(app.stage.redis.as_ref().expect("a real server"), "c", many).await;
    let elsewhere = Shop::open(&app);
    let sees = async || elsewhere.lets_in("d", "a", &other).await;
    eventually(SOON, "the other gate sees", sees).await;

    let shop = Shop::open(&app);
    let began = Instant::now();
    eventually(COLD, "the gate sees", async || {
        assert!(sees().await, "another concert's gate is blind");
        let is_in = shop.lets_in("c", "a", &mine).await;
        assert!(sees().await, "another concert's gate is blind");
        is_in
    })
    .await;
    println!("{many} ended sessions were read in {:?}", began.elapsed());
    for number in [0, many / 2, many - 1] {
        assert!(shop.has_ended("c", MADE_UP + number));
    }
    assert!(!shop.has_ended("c", MADE_UP + many));
    app.stage.leave("c", "a", Leaving::ByChoice).await;
    eventually(SOON, "it goes on from there", async || {
        shop.has_ended("c", entry(&mine))
    })
    .await;
    assert!(!shop.lets_in("c", "a", &mine).await);
}

/// In one answer they would have more than 16 MiB.
#[tokio::test]
async fn four_hundred_and_fifty_thousand_ended_sessions_blind_no_gate() {
    starts_cold(450_000).await;
}

#[tokio::test]
async fn a_gate_that_starts_before_a_million_ended_sessions_sees_within_ten_seconds() {
    starts_cold(1_000_000).await;
}

#[tokio::test]
async fn a_flood_from_a_gates_own_address_does_not_blind_it() {
    let app = App::embedded().await;
    let app = app.with(&[("SUNBEON__LIMITS__LOOPBACK", "true")]).await;
    app.stage.create_by_hand("c").await;
    let mut inside = Vec::new();
    for who in ["a", "b", "stays"] {
        inside.push((who, app.inside("c", who).await));
    }
    let shop = Shop::open(&app);
    let stays = inside.pop().expect("one stays").1;
    let lives = async || shop.lets_in("c", "stays", &stays).await;
    eventually(SOON, "the gate sees", lives).await;

    let refused = AtomicU32::new(0);
    let flood = async {
        // 400 requests a second, by nobody, by a member, and by who guesses.
        let mut tick = interval(Duration::from_millis(10));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let tokens = [
            String::new(),
            member("a"),
            "guessed".to_owned(),
            "x".to_owned(),
        ];
        loop {
            tick.tick().await;
            let asked = tokens
                .iter()
                .map(|token| app.api.get("/v2/reservation/revoked/c", token));
            for answer in futures::future::join_all(asked).await {
                refused.fetch_add(u32::from(answer.status == 429), Relaxed);
            }
        }
    };
    let seeing = async {
        for (who, token) in inside {
            let before = refused.load(Relaxed);
            eventually(SOON, "the address is refused", async || {
                refused.load(Relaxed) >= before + 200
            })
            .await;
            app.stage.leave("c", who, Leaving::ByChoice).await;
            let since = Instant::now();
            eventually(SOON, "the gate hears of it", async || {
                assert!(lives().await, "the gate is blind");
                let asked = since.elapsed();
                let is_in = shop.lets_in("c", who, &token).await;
                assert!(!is_in || asked <= Duration::from_secs(5), "after {asked:?}");
                !is_in
            })
            .await;
        }
    };
    tokio::select! {
        () = flood => {}
        () = seeing => {}
    }
}
