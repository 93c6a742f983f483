//! The test's own payment provider over real HTTP: idempotent by key, and able to withhold its
//! answers.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::world::serve;

/// Stops when dropped.
pub(crate) struct Provider {
    pub(crate) url: String,
    state: Shared,
    serving: JoinHandle<()>,
}

type Shared = Arc<Mutex<Inner>>;

#[derive(Default)]
struct Inner {
    /// Charges by key.
    charges: HashMap<String, Value>,
    /// Voided keys: charges with them take no money.
    voided: HashSet<String>,
    /// Refunds by key.
    refunds: HashMap<String, Value>,
    /// The number of charge requests.
    asked: usize,
    /// Charges go through, but their answers are never sent.
    silent: bool,
    /// The status to answer instead of 201.
    answers: Option<u16>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let state = Shared::default();
        let router = Router::new()
            .route("/charges", post(charge))
            .route("/voids", post(void))
            .route("/refunds", post(refund))
            .with_state(state.clone());
        let (url, serving) = serve(router).await;
        Self {
            url,
            state,
            serving,
        }
    }

    /// While true, charges go through, but their answers are never sent.
    pub(crate) fn silent(&self, silent: bool) {
        self.inner().silent = silent;
    }

    /// Answers this status instead of acting.
    pub(crate) fn answers(&self, status: Option<u16>) {
        self.inner().answers = status;
    }

    pub(crate) fn charges(&self) -> Vec<Value> {
        self.inner().charges.values().cloned().collect()
    }

    pub(crate) fn voided(&self) -> usize {
        self.inner().voided.len()
    }

    pub(crate) fn refunds(&self) -> Vec<Value> {
        self.inner().refunds.values().cloned().collect()
    }

    pub(crate) fn asked(&self) -> usize {
        self.inner().asked
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.state)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, Inner> {
    state.lock()
}

fn key(headers: &HeaderMap) -> String {
    let key = headers.get("idempotency-key").expect("a key");
    key.to_str().expect("a text").to_owned()
}

async fn charge(
    State(state): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let key = key(&headers);
    let (silent, answers) = {
        let mut inner = lock(&state);
        inner.asked += 1;
        if inner.answers.is_none() {
            inner.charges.insert(key.clone(), body);
        }
        (inner.silent, inner.answers)
    };
    if silent {
        pending::<()>().await;
    }
    match answers {
        Some(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        None => paid(&key),
    }
}

fn paid(key: &str) -> Response {
    let paid = json!({"paymentId": format!("payment-{key}")});
    (StatusCode::CREATED, Json(paid)).into_response()
}

async fn void(State(state): State<Shared>, headers: HeaderMap) -> Response {
    let key = key(&headers);
    let mut inner = lock(&state);
    if let Some(status) = inner.answers {
        return StatusCode::from_u16(status)
            .expect("a status")
            .into_response();
    }
    if inner.charges.contains_key(&key) {
        return paid(&key);
    }
    inner.voided.insert(key);
    StatusCode::PAYMENT_REQUIRED.into_response()
}

async fn refund(
    State(state): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> StatusCode {
    lock(&state).refunds.insert(key(&headers), body);
    StatusCode::NO_CONTENT
}
