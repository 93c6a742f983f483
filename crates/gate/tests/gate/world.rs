//! An origin behind the gate, over real HTTP.

mod sunbeon;

use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use axum::{Json, Router, extract::OriginalUri, routing::any};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_gate::{Admitted, Gate, OnFailure, Settings, SunbeonUrl, Visit};
pub(crate) use sunbeon_test_support::eventually;
use sunbeon_tokens::{AUDIENCE, Claims, SigningKeys};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use self::sunbeon::{Fault, ORIGIN_TOKEN, Sunbeon};

pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// How long an answer is trusted, counted from its request.
const BELIEVED: Duration = Duration::from_secs(5);
pub(crate) const NUMBER: u64 = 1_763_640_000_123_456;

/// A gate, the origin behind it, and the Sunbeon that it asks.
pub(crate) struct World {
    pub(crate) sunbeon: Sunbeon,
    pub(crate) keys: SigningKeys,
    pub(crate) gate: Gate,
    shop: Shop,
}

/// An origin behind a gate.
pub(crate) struct Shop {
    address: SocketAddr,
    client: Client,
}

impl Shop {
    /// Serves one behind a gate that watches from now on.
    pub(crate) async fn behind(gate: &Gate) -> Self {
        tokio::spawn(gate.clone().watch(CancellationToken::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(any(shop)).layer(gate.layer(visit));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = Client::builder().redirect(Policy::none());
        Self {
            address,
            client: client.build().unwrap(),
        }
    }

    /// A member's request without a token.
    pub(crate) fn get(&self, member: &str, path: &str) -> RequestBuilder {
        self.request("GET", path).header("member", member)
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        self.client
            .request(method, format!("http://{}{path}", self.address))
    }
}

pub(crate) fn settings(url: &str, on_failure: OnFailure) -> Settings {
    Settings {
        sunbeon_url: SunbeonUrl::parse(url).unwrap(),
        issuer: "sunbeon".to_owned(),
        on_failure: Some(on_failure),
        waiting_page: "https://queue.example/waiting-room/{concertId}".to_owned(),
        landing_page: "/".to_owned(),
        login_page: String::new(),
        own_hosts: vec!["shop.example".to_owned(), "127.0.0.1:8080".to_owned()],
    }
}

/// Takes the member from the header `member` and the concert from the path `/concerts/<id>/…`.
pub(crate) fn visit(parts: &axum::http::request::Parts) -> Visit {
    let member = parts.headers.get("member");
    let mut path = parts.uri.path().split('/').skip(1);
    let concert = path.next().filter(|first| *first == "concerts");
    Visit {
        member: member.and_then(|id| MemberId::parse(id.to_str().unwrap()).ok()),
        concert: concert
            .and(path.next())
            .and_then(|id| ConcertId::parse(id).ok()),
    }
}

async fn shop(admitted: Admitted, OriginalUri(uri): OriginalUri) -> Json<Value> {
    Json(json!({
        "concert": admitted.concert,
        "member": admitted.member,
        "number": admitted.entry_number,
        "until": admitted.until,
        "path": uri.path(),
    }))
}

impl World {
    /// Starts a gate that sees and fails closed.
    pub(crate) async fn closed() -> Self {
        Self::start(OnFailure::Closed).await.seeing().await
    }

    /// Starts a gate that sees and fails open.
    pub(crate) async fn open() -> Self {
        Self::start(OnFailure::Open).await.seeing().await
    }

    /// Starts a gate that has not seen anything yet.
    pub(crate) async fn start(on_failure: OnFailure) -> Self {
        Self::start_with(Sunbeon::start().await, on_failure).await
    }

    pub(crate) async fn start_with(sunbeon: Sunbeon, on_failure: OnFailure) -> Self {
        let keys = SigningKeys::generate().unwrap();
        sunbeon.publish(&[&keys]);
        sunbeon.mode("demo", "queue");
        let gate = Gate::new(&settings(&sunbeon.url(), on_failure), ORIGIN_TOKEN).unwrap();
        let shop = Shop::behind(&gate).await;
        Self {
            sunbeon,
            keys,
            gate,
            shop,
        }
    }

    async fn seeing(self) -> Self {
        let token = self.token("demo", "42");
        eventually(LIMIT, "the gate sees", async || {
            number(self.visit("42", "/concerts/demo", &token).await).await == Some(NUMBER)
                && self.without_token("/concerts/demo").await == "QUEUE_TOKEN_REQUIRED"
        })
        .await;
        self
    }

    /// Returns a valid token for ten minutes.
    pub(crate) fn token(&self, concert: &str, member: &str) -> String {
        self.signed(&claims(concert, member))
    }

    pub(crate) fn signed(&self, claims: &Claims) -> String {
        self.keys.sign(self.keys.active_kid(), claims).unwrap()
    }

    /// Builds a member's request without a token.
    pub(crate) fn get(&self, member: &str, path: &str) -> RequestBuilder {
        self.shop.get(member, path)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.shop.request(method, path)
    }

    /// Sends a member's request with a token in the header.
    pub(crate) async fn visit(&self, member: &str, path: &str, token: &str) -> Response {
        let request = self.get(member, path).header("x-queue-token", token);
        request.send().await.unwrap()
    }

    /// Returns the code that a member without a token gets, or `200`.
    pub(crate) async fn without_token(&self, path: &str) -> String {
        code(self.get("42", path).send().await.unwrap()).await
    }
}

/// The entry of a member, `NUMBER` for `42`.
pub(crate) fn entry(member: &str) -> u64 {
    NUMBER - 42 + member.parse().unwrap_or(42)
}

pub(crate) fn claims(concert: &str, member: &str) -> Claims {
    Claims {
        iss: "sunbeon".to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: MemberId::parse(member).unwrap(),
        cid: ConcertId::parse(concert).unwrap(),
        ent: EntryNumber(entry(member)),
        jti: format!("{concert}:{}", entry(member)),
        iat: now(),
        exp: now() + 600,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the gate reads this machine's clock"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs().try_into().unwrap()
}

/// Asks until the answer changes from `old` to `new`. `old` is the answer while the state before
/// this call is still trusted, so an answer to a request sent more than five seconds from now must
/// not be `old`, however slow this machine is.
pub(crate) async fn turns(what: &str, old: &str, new: &str, ask: impl AsyncFn() -> String) {
    let since = Instant::now();
    eventually(LIMIT, what, async || {
        let asked = since.elapsed();
        let answer = ask().await;
        assert!(
            answer != old || asked <= BELIEVED,
            "{what}: after {asked:?}"
        );
        answer == new
    })
    .await;
}

/// Returns `200`, or the code of a failure.
pub(crate) async fn code(response: Response) -> String {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    if status == 200 {
        return "200".to_owned();
    }
    assert_eq!(body["status"], status.as_u16());
    body["code"].as_str().unwrap().to_owned()
}

/// Returns the entry number with which a visitor was let in.
pub(crate) async fn number(response: Response) -> Option<u64> {
    if response.status() != 200 {
        return None;
    }
    response.json::<Value>().await.unwrap()["number"].as_u64()
}
