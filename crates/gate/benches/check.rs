//! The cost of a check, for a booking token that the gate sees for the first time and for one that
//! it has seen before. Measured through the layer, with a service behind it that does nothing.
//!
//! Run `cargo bench -p sunbeon-gate`.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get};
use http::{Request, Response};
use serde_json::json;
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_gate::{Gate, OnFailure, Settings, SunbeonUrl, Visit};
use sunbeon_tokens::{AUDIENCE, Claims, SigningKeys};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service, service_fn};

const ROUNDS: usize = 9;
/// Each has its own token.
const REQUESTS: usize = 20_000;

#[tokio::main]
async fn main() {
    let keys = SigningKeys::generate().expect("randomness");
    let gate = watching(&keys).await;
    let concert = ConcertId::parse("demo").expect("an id");
    let member = MemberId::parse("42").expect("an id");
    let visit = move |_: &http::request::Parts| Visit {
        member: Some(member.clone()),
        concert: Some(concert.clone()),
    };
    let origin =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
    let mut gated = gate.layer(visit).layer(origin);
    wait_until_it_sees(&mut gated, &keys).await;

    let (mut new, mut seen) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let tokens: Vec<_> = (0..REQUESTS).map(|n| token(&keys, round, n)).collect();
        new.push(micros(&mut gated, &tokens).await);
        seen.push(micros(&mut gated, &tokens).await);
    }
    report(new, seen);
}

/// Returns a gate whose Sunbeon publishes these keys and has revoked nothing.
async fn watching(keys: &SigningKeys) -> Gate {
    let jwks = serde_json::to_string(&keys.jwks()).expect("keys are JSON");
    let app = Router::new()
        .route("/.well-known/jwks.json", get(async move || jwks.clone()))
        .route(
            "/v2/reservation/revoked/{concert}",
            get(async || Json(json!({"data": {"revoked": [], "more": false}}))),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let settings = Settings {
        sunbeon_url: SunbeonUrl::of(address),
        issuer: "sunbeon".to_owned(),
        on_failure: Some(OnFailure::Closed),
        waiting_page: "/waiting-room/{concertId}".to_owned(),
        landing_page: "/".to_owned(),
        login_page: String::new(),
        own_hosts: Vec::new(),
    };
    let gate = Gate::new(&settings, "never looked at");
    let gate = gate.expect("valid settings");
    tokio::spawn(gate.clone().watch(CancellationToken::new()));
    gate
}

fn token(keys: &SigningKeys, round: usize, number: usize) -> String {
    let claims = Claims {
        iss: "sunbeon".to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: MemberId::parse("42").expect("an id"),
        cid: ConcertId::parse("demo").expect("an id"),
        ent: EntryNumber(1_763_640_000_123_456),
        jti: format!("{round:08}-0000-4000-8000-{number:012}"),
        iat: 1_763_640_000,
        exp: 9_999_999_999,
    };
    keys.sign(keys.active_kid(), &claims)
        .expect("one of our keys")
}

fn request(token: &str) -> Request<()> {
    let request = Request::get("/concerts/demo/seats").header("x-queue-token", token);
    request.body(()).expect("a request")
}

async fn wait_until_it_sees<S>(gated: &mut S, keys: &SigningKeys)
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let token = token(keys, 0, 0);
    let give_up = Instant::now() + Duration::from_secs(10);
    while gated
        .call(request(&token))
        .await
        .is_ok_and(|answer| answer.status() != 200)
    {
        assert!(Instant::now() < give_up, "the gate stays blind");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns the microseconds per request; every request is let in.
async fn micros<S>(gated: &mut S, tokens: &[String]) -> f64
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible>,
{
    let requests: Vec<_> = tokens.iter().map(|token| request(token)).collect();
    let (began, mut passed) = (Instant::now(), 0);
    for request in requests {
        let answer = gated.call(request).await;
        passed += usize::from(answer.is_ok_and(|answer| answer.status() == 200));
    }
    let took = began.elapsed();
    assert_eq!(passed, tokens.len(), "everybody passes");
    took.as_secs_f64() * 1e6 / tokens.len() as f64
}

fn report(mut new: Vec<f64>, mut seen: Vec<f64>) {
    new.sort_by(f64::total_cmp);
    seen.sort_by(f64::total_cmp);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    let model = line
        .and_then(|line| line.split_once(": "))
        .map_or("unknown", |it| it.1);
    println!("{cores} cores, {model}; {ROUNDS} rounds of {REQUESTS} requests, one at a time");
    println!("µs per check          best  median");
    for (name, micros) in [("a new token", &new), ("a token seen before", &seen)] {
        println!("{name:<20} {:>5.2}  {:>6.2}", micros[0], micros[ROUNDS / 2]);
    }
    println!(
        "a new one costs {:.0} times as much (medians)",
        new[ROUNDS / 2] / seen[ROUNDS / 2]
    );
}
