//! A Sunbeon with the gates' routes, and faults.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use sunbeon_tokens::SigningKeys;
use tokio::net::TcpListener;

/// What the gate shows.
pub(crate) const ORIGIN_TOKEN: &str = "the origin token of the tests";

/// How Sunbeon fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never answers.
    Hangs,
    /// 500.
    Fails,
    /// 429.
    Refuses,
    /// 200 with a page.
    Page,
    /// 200 with JSON of another shape.
    OtherJson,
    /// 200 with an enormous body.
    Huge,
}

impl Fault {
    async fn answer(self) -> Response {
        match self {
            Self::Hangs => std::future::pending().await,
            Self::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Self::Refuses => StatusCode::TOO_MANY_REQUESTS.into_response(),
            Self::Page => Html("<h1>Welcome</h1>").into_response(),
            Self::OtherJson => {
                Json(json!({"data": {"revoked": "all", "mode": "ajar"}})).into_response()
            }
            Self::Huge => {
                format!(r#"{{"data":{}{{}}}}"#, " ".repeat(17 * 1024 * 1024)).into_response()
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct Facts {
    jwks: String,
    /// The entries of each concert's ended sessions, in the order in which they ended.
    revoked: HashMap<String, Vec<u64>>,
    /// How many of them an answer has.
    pub(crate) page: Option<usize>,
    /// The contents of the snapshots.
    concerts: HashMap<String, Value>,
    pub(crate) keys_fault: Option<Fault>,
    pub(crate) revoked_fault: Option<Fault>,
    pub(crate) snapshot_fault: Option<Fault>,
    /// How long a snapshot takes.
    pub(crate) delay: Duration,
    /// How long a page of ended sessions takes.
    pub(crate) revoked_delay: Duration,
    /// The concert whose ended sessions are never told.
    pub(crate) slow: Option<String>,
    pub(crate) jwks_fetches: usize,
    pub(crate) revoked_fetches: usize,
    /// Of them, those that brought nothing new.
    pub(crate) unchanged: usize,
    /// How often each concert's ended sessions were asked for.
    pub(crate) feeds: HashMap<String, usize>,
    /// How often each concert's snapshot was fetched.
    pub(crate) snapshots: HashMap<String, usize>,
    at_once: usize,
    pub(crate) most_at_once: usize,
}

#[derive(Clone)]
pub(crate) struct Sunbeon {
    address: SocketAddr,
    facts: Arc<Mutex<Facts>>,
}

impl Sunbeon {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sunbeon = Self {
            address: listener.local_addr().unwrap(),
            facts: Arc::default(),
        };
        let app = Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v2/reservation/revoked/{id}", get(revoked))
            .route("/v2/waiting-room/snapshot/{id}", get(snapshot))
            .with_state(sunbeon.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        sunbeon
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    pub(crate) fn publish(&self, keys: &[&SigningKeys]) {
        let all = keys.iter().flat_map(|keys| keys.jwks().keys);
        let set = json!({ "keys": all.collect::<Vec<_>>() });
        self.facts().jwks = set.to_string();
    }

    /// Shows an open concert, as older servers did without an identity.
    pub(crate) fn mode(&self, concert: &str, mode: &'static str) {
        self.show(concert, json!({"mode": mode, "state": "open"}));
    }

    /// Sets the contents of a concert's snapshot.
    pub(crate) fn show(&self, concert: &str, mut told: Value) {
        told["concertId"] = concert.into();
        self.facts().concerts.insert(concert.to_owned(), told);
    }

    /// The session of an entry ends early.
    pub(crate) fn revoke(&self, concert: &str, entry: u64) {
        let mut facts = self.facts();
        let ended = facts.revoked.entry(concert.to_owned()).or_default();
        ended.push(entry);
    }

    /// A failover loses the session that ended last.
    pub(crate) fn lose_last(&self, concert: &str) {
        self.facts().revoked.get_mut(concert).and_then(Vec::pop);
    }

    /// Makes all routes fail, or answer again.
    pub(crate) fn fault(&self, fault: Option<Fault>) {
        let mut facts = self.facts();
        (facts.keys_fault, facts.revoked_fault, facts.snapshot_fault) = (fault, fault, fault);
    }
}

async fn jwks(State(sunbeon): State<Sunbeon>) -> Response {
    let (fault, jwks) = {
        let mut facts = sunbeon.facts();
        facts.jwks_fetches += 1;
        (facts.keys_fault, facts.jwks.clone())
    };
    match fault {
        Some(fault) => fault.answer().await,
        None => jwks.into_response(),
    }
}

async fn revoked(
    State(sunbeon): State<Sunbeon>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let (fault, ended, delay, page) = {
        let mut facts = sunbeon.facts();
        facts.revoked_fetches += 1;
        *facts.feeds.entry(id.clone()).or_default() += 1;
        (
            facts.revoked_fault,
            facts.revoked.get(&id).cloned().unwrap_or_default(),
            facts.revoked_delay,
            facts.page.unwrap_or(usize::MAX),
        )
    };
    tokio::time::sleep(delay).await;
    let slow = sunbeon.facts().slow.as_ref() == Some(&id);
    if let Some(fault) = fault.or(slow.then_some(Fault::Hangs)) {
        return fault.answer().await;
    }
    let expected = format!("Bearer {ORIGIN_TOKEN}");
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|given| *given != expected)
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // An order is the place in the list, from 1.
    let held = query.get("after").and_then(|cursor| {
        let (order, entry) = cursor.split_once('-')?;
        let order: usize = order.parse().ok()?;
        (ended.get(order - 1)?.to_string() == entry).then_some(order)
    });
    let from = held.unwrap_or(0);
    let to = ended.len().min(from.saturating_add(page));
    if from == to {
        sunbeon.facts().unchanged += 1;
    }
    let until = u64::try_from(super::now()).unwrap() + 1_200;
    let new: Vec<_> = ended[from..to].iter().map(|entry| (entry, until)).collect();
    let mut data = json!({"revoked": new, "more": to < ended.len()});
    if to > 0 {
        data["cursor"] = format!("{to}-{}", ended[to - 1]).into();
    }
    Json(json!({"message": "", "data": data, "status": 200})).into_response()
}

async fn snapshot(State(sunbeon): State<Sunbeon>, Path(id): Path<String>) -> Response {
    let (fault, told, delay) = {
        let mut facts = sunbeon.facts();
        *facts.snapshots.entry(id.clone()).or_default() += 1;
        facts.at_once += 1;
        facts.most_at_once = facts.most_at_once.max(facts.at_once);
        (
            facts.snapshot_fault,
            facts.concerts.get(&id).cloned(),
            facts.delay,
        )
    };
    let busy = Busy(&sunbeon);
    tokio::time::sleep(delay).await;
    drop(busy);
    match (fault, told) {
        (Some(fault), _) => fault.answer().await,
        (None, None) => StatusCode::NOT_FOUND.into_response(),
        (None, Some(told)) => {
            Json(json!({"message": "", "data": told, "status": 200})).into_response()
        }
    }
}

/// Counts a request until it is dropped, for example because it was abandoned.
struct Busy<'a>(&'a Sunbeon);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.facts().at_once -= 1;
    }
}
