//! A Sunbeon with the gates' routes, and faults.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use sunbeon_tokens::SigningKeys;
use tokio::net::TcpListener;

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
    /// 304, whether or not the request was conditional.
    NotModified,
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
            Self::NotModified => StatusCode::NOT_MODIFIED.into_response(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Facts {
    jwks: String,
    revoked: BTreeSet<String>,
    /// The contents of the snapshots.
    concerts: HashMap<String, Value>,
    pub(crate) keys_fault: Option<Fault>,
    pub(crate) revoked_fault: Option<Fault>,
    pub(crate) snapshot_fault: Option<Fault>,
    /// How long a snapshot takes.
    pub(crate) delay: Duration,
    /// How long the list of revoked tokens takes.
    pub(crate) revoked_delay: Duration,
    pub(crate) jwks_fetches: usize,
    pub(crate) revoked_fetches: usize,
    pub(crate) not_modified: usize,
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
            .route("/v2/reservation/revoked", get(revoked))
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

    pub(crate) fn revoke(&self, token_id: &str) {
        self.facts().revoked.insert(token_id.to_owned());
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

async fn revoked(State(sunbeon): State<Sunbeon>, headers: HeaderMap) -> Response {
    let (fault, ids, delay) = {
        let mut facts = sunbeon.facts();
        facts.revoked_fetches += 1;
        (
            facts.revoked_fault,
            facts.revoked.clone(),
            facts.revoked_delay,
        )
    };
    tokio::time::sleep(delay).await;
    if let Some(fault) = fault {
        return fault.answer().await;
    }
    let etag = format!("\"{}\"", ids.iter().cloned().collect::<Vec<_>>().join("."));
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| *known == etag)
    {
        sunbeon.facts().not_modified += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let body = json!({"message": "", "data": {"revoked": ids}, "status": 200});
    ([(header::ETAG, etag)], Json(body)).into_response()
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
