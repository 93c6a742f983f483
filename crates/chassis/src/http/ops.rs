//! The routes for operators and their tools.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{self, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::{BoxFuture, FutureExt, join_all};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use crate::{ApiResult, envelope::RETRY_AFTER, limits::Limits};

/// How long a dependency may take to answer that it is up.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// Whether the process accepts requests: from the end of start-up until it drains. Clones share
/// their state.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    started: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// Creates the state of a process that is starting.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks every start-up step as done.
    pub fn set_ready(&self) {
        self.0.started.store(true, Ordering::Relaxed);
    }

    /// Marks the process as stopping; every answer closes its connection from now on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Returns whether the process is stopping.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Returns whether `/ready` is 200.
    pub fn is_ready(&self) -> bool {
        self.word() == "ready"
    }

    fn word(&self) -> &'static str {
        match (self.is_draining(), self.0.started.load(Ordering::Relaxed)) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "starting",
        }
    }
}

type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The dependencies of a process, each with a check.
#[derive(Clone, Default)]
pub struct Health(Vec<(&'static str, Check)>);

impl Health {
    /// Creates a list without dependencies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency; it counts as down if its check takes longer than two seconds.
    pub fn check<F, Answer>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Answer + Send + Sync + 'static,
        Answer: Future<Output = bool> + Send + 'static,
    {
        self.0.push((name, Arc::new(move || check().boxed())));
        self
    }

    async fn ask(self) -> BTreeMap<&'static str, bool> {
        let answers = self.0.into_iter().map(|(name, check)| async move {
            (
                name,
                tokio::time::timeout(CHECK_LIMIT, check())
                    .await
                    .unwrap_or(false),
            )
        });
        join_all(answers).await.into_iter().collect()
    }
}

pub(super) fn router(
    health: Health,
    readiness: Readiness,
    metrics: Option<PrometheusHandle>,
    limits: Limits,
) -> Router {
    let ready = move || {
        let body = json!({ "status": readiness.word() });
        std::future::ready(answer(readiness.is_ready(), body))
    };
    let asked = health.clone();
    let health = move || {
        let health = health.clone();
        async move { report(health.ask().await) }
    };
    let metrics = move || {
        let (handle, health) = (metrics.clone(), asked.clone());
        async move {
            show(&health.ask().await);
            let text = handle.as_ref().map(PrometheusHandle::render);
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text.unwrap_or_default())
        }
    };
    let costly = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(Arc::new(limits), limited));
    Router::new()
        .route("/live", get(|| async { Json(json!({ "status": "live" })) }))
        .route("/ready", get(ready))
        .merge(costly)
}

/// Limits `/health` and `/metrics`: health checks every dependency and metrics are long, so
/// repeating them has a cost.
async fn limited(
    limits: extract::State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    let (parts, body) = request.into_parts();
    if let Some(client) = limits.client(&parts) {
        limits.main_page(client)?;
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Shows in the metrics what `/health` answers, as of this scrape.
fn show(answers: &BTreeMap<&'static str, bool>) {
    for (name, up) in answers {
        metrics::gauge!("sunbeon_dependency_up", "dependency" => *name)
            .set(f64::from(u8::from(*up)));
    }
}

fn report(answers: BTreeMap<&'static str, bool>) -> Response {
    let word = |up: bool| if up { "up" } else { "down" };
    let all = answers.values().all(|up| *up);
    let dependencies: BTreeMap<_, _> = answers
        .into_iter()
        .map(|(name, up)| (name, word(up)))
        .collect();
    answer(
        all,
        json!({ "status": word(all), "dependencies": dependencies }),
    )
}

fn answer(good: bool, body: Value) -> Response {
    if good {
        return Json(body).into_response();
    }
    let wait = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))];
    (StatusCode::SERVICE_UNAVAILABLE, wait, Json(body)).into_response()
}
