//! The test's own Sunbeon over real HTTP: the routes for gates and origins, with switches for
//! failures.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
use sunbeon_tokens::{AUDIENCE, Claims, SigningKeys};
use tokio::task::JoinHandle;

use crate::world::serve;

/// The shop's token on the routes for origins.
pub(crate) const ORIGIN_TOKEN: &str = "the origin token of the tests";

/// Stops when dropped. It is not a handle, so keep exactly one.
pub(crate) struct FakeSunbeon {
    pub(crate) url: String,
    keys: Arc<SigningKeys>,
    state: Shared,
    serving: JoinHandle<()>,
}

type Shared = Arc<Mutex<Inner>>;

#[derive(Default)]
struct Inner {
    concerts: BTreeMap<String, Value>,
    /// The concert and the entry of each session that ended early.
    revoked: Vec<(String, u64)>,
    jwks: Value,
    /// Every answered call of a route for origins: method and path, and the body.
    calls: Vec<(String, Value)>,
    /// Origins get 503.
    down: bool,
    /// The number of these 503s.
    refused: usize,
    /// Reports of what is left get 503.
    deaf: bool,
    /// The number of these 503s.
    unheard: usize,
    /// The concerts whose line is live.
    live: Vec<String>,
    /// Ending sessions of these concerts gets 503.
    failing: Vec<String>,
    /// Sessions cannot be extended.
    over: bool,
    /// When extended tokens expire, in Unix seconds.
    extended_until: i64,
    /// How long the list of concerts takes.
    slow: Duration,
    /// How often a list of concerts was requested.
    awaited: usize,
}

impl FakeSunbeon {
    pub(crate) async fn start() -> Self {
        let keys = Arc::new(SigningKeys::generate().expect("randomness"));
        let inner = Inner {
            jwks: serde_json::to_value(keys.jwks()).expect("keys are JSON"),
            ..Inner::default()
        };
        let state: Shared = Arc::new(Mutex::new(inner));
        let of_origins = Router::new()
            .route("/v2/admin/concerts", get(concerts))
            .route("/v2/admin/concerts/{id}", get(concert))
            .route("/v2/reservation/sessions/{id}/complete", post(complete))
            .route(
                "/v2/reservation/sessions/{id}/extend",
                post({
                    let keys = keys.clone();
                    move |state, id, body| extend(state, keys, id, body)
                }),
            )
            .layer(from_fn_with_state(state.clone(), origins))
            .layer(from_fn(by_origin_token));
        // Up while the routes of sessions and concerts are down.
        let of_gates = Router::new()
            .route("/v2/reservation/revoked/{id}", get(revoked))
            .route("/v2/reservation/stock/{id}", put(report))
            .layer(from_fn(by_origin_token));
        let router = Router::new()
            .merge(of_origins)
            .merge(of_gates)
            .route("/.well-known/jwks.json", get(jwks))
            .route("/v2/waiting-room/snapshot/{id}", get(snapshot))
            .with_state(state.clone());
        let (url, serving) = serve(router).await;
        Self {
            url,
            keys,
            state,
            serving,
        }
    }

    /// Puts a concert in force with these policy fields and a title.
    pub(crate) fn put(&self, id: &str, fields: Value) {
        let mut concert = json!({
            "concertId": id, "version": 1, "closed": false, "title": format!("Title of {id}"),
            "timeZone": "Asia/Seoul", "mode": "queue", "identity": "member",
            "holdDurationMinutes": 5, "groupSize": 10,
        });
        let fields = fields.as_object().expect("an object");
        for (name, value) in fields {
            concert[name] = value.clone();
        }
        self.inner().concerts.insert(id.to_owned(), concert);
    }

    pub(crate) fn delete(&self, id: &str) {
        self.inner().concerts.remove(id);
    }

    /// Returns a booking token that expires in this many seconds.
    pub(crate) fn token(&self, concert: &str, member: &str, entry: u64, seconds: i64) -> String {
        let now = now();
        self.sign(concert, member, entry, now - 1, now + seconds)
    }

    fn sign(&self, concert: &str, member: &str, entry: u64, iat: i64, exp: i64) -> String {
        signed(&self.keys, concert, member, entry, iat, exp)
    }

    /// Ends an entry's session early.
    pub(crate) fn revoke(&self, concert: &str, entry: u64) {
        self.inner().revoked.push((concert.to_owned(), entry));
    }

    /// While true, origins get 503.
    pub(crate) fn down(&self, down: bool) {
        self.inner().down = down;
    }

    /// While true, reports of what is left get 503.
    pub(crate) fn deaf(&self, deaf: bool) {
        self.inner().deaf = deaf;
    }

    /// Returns how many reports got 503.
    pub(crate) fn unheard(&self) -> usize {
        self.inner().unheard
    }

    /// From now on, a concert's line is live.
    pub(crate) fn lives(&self, concert: &str) {
        self.inner().live.push(concert.to_owned());
    }

    /// From now on, ending sessions of a concert gets 503.
    pub(crate) fn fail(&self, concert: &str) {
        self.inner().failing.push(concert.to_owned());
    }

    /// Returns how often an origin got 503.
    pub(crate) fn refused(&self) -> usize {
        self.inner().refused
    }

    /// Ends all sessions.
    pub(crate) fn end_sessions(&self) {
        self.inner().over = true;
    }

    /// Makes extended tokens expire in this many seconds.
    pub(crate) fn extend_to(&self, seconds: i64) {
        self.inner().extended_until = now() + seconds;
    }

    /// Delays the list of concerts.
    pub(crate) fn slow(&self, slow: Duration) {
        self.inner().slow = slow;
    }

    /// Returns how often an origin requested a page of the list, answered or not.
    pub(crate) fn awaited(&self) -> usize {
        self.inner().awaited
    }

    /// Returns the bodies of the calls answered so far whose method and path begin like this.
    pub(crate) fn calls(&self, beginning: &str) -> Vec<Value> {
        let inner = self.inner();
        let calls = inner.calls.iter();
        calls
            .filter(|(call, _)| call.starts_with(beginning))
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// Returns how often an origin got a page of the list.
    pub(crate) fn lists(&self) -> usize {
        self.calls("GET /v2/admin/concerts?").len()
    }

    /// Returns the ends of sessions that the shop reported.
    pub(crate) fn completes(&self) -> Vec<Value> {
        self.calls("POST /v2/reservation/sessions/")
            .into_iter()
            .filter(|body| body["act"] == "complete")
            .collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.state)
    }
}

impl Drop for FakeSunbeon {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, Inner> {
    state.lock()
}

fn jti(concert: &str, entry: u64) -> String {
    let concert = ConcertId::parse(concert).expect("a valid id");
    EntryNumber(entry).token_id(&concert)
}

fn signed(
    keys: &SigningKeys,
    concert: &str,
    member: &str,
    entry: u64,
    iat: i64,
    exp: i64,
) -> String {
    let claims = Claims {
        iss: "sunbeon".into(),
        aud: AUDIENCE.into(),
        sub: MemberId::parse(member).expect("a valid id"),
        cid: ConcertId::parse(concert).expect("a valid id"),
        ent: EntryNumber(entry),
        jti: jti(concert, entry),
        iat,
        exp,
    };
    keys.sign(keys.active_kid(), &claims).expect("a known key")
}

/// Returns the time in Unix seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "tokens are signed by this machine's clock"
)]
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("before the end of time")
}

fn success(data: &Value) -> Response {
    Json(json!({"message": "", "data": data, "status": 200})).into_response()
}

fn failure(status: StatusCode, code: &str) -> Response {
    let body = json!({"message": "", "code": code, "status": status.as_u16()});
    (status, Json(body)).into_response()
}

async fn by_origin_token(request: Request, next: Next) -> Response {
    let expected = format!("Bearer {ORIGIN_TOKEN}");
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        return failure(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED");
    }
    next.run(request).await
}

async fn origins(State(state): State<Shared>, request: Request, next: Next) -> Response {
    if lock(&state).down {
        lock(&state).refused += 1;
        return failure(StatusCode::SERVICE_UNAVAILABLE, "DATABASE_DOWN");
    }
    next.run(request).await
}

async fn concerts(
    State(state): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let slow = {
        let mut inner = lock(&state);
        inner.awaited += 1;
        inner.slow
    };
    tokio::time::sleep(slow).await;
    let mut inner = lock(&state);
    inner
        .calls
        .push(("GET /v2/admin/concerts?".into(), json!(query)));
    let limit: usize = query
        .get("limit")
        .map_or(100, |n| n.parse().expect("a number"));
    let after = query.get("cursor").cloned().unwrap_or_default();
    let rest = inner.concerts.iter().filter(|(id, _)| **id > after);
    let page: Vec<_> = rest.map(|(_, concert)| concert).take(limit).collect();
    let mut data = json!({ "concerts": page });
    if page.len() == limit {
        data["nextCursor"] = page[limit - 1]["concertId"].clone();
    }
    success(&data)
}

async fn concert(State(state): State<Shared>, Path(id): Path<String>) -> Response {
    let mut inner = lock(&state);
    inner
        .calls
        .push((format!("GET /v2/admin/concerts/{id}"), json!({})));
    match inner.concerts.get(&id) {
        Some(concert) => success(concert),
        None => failure(StatusCode::NOT_FOUND, "CONCERT_NOT_FOUND"),
    }
}

fn note(state: &Shared, act: &str, id: &str, body: &Value) {
    let mut body = body.clone();
    body["act"] = act.into();
    body["concertId"] = id.into();
    let call = format!("POST /v2/reservation/sessions/{id}/{act}");
    lock(state).calls.push((call, body));
}

async fn report(
    State(state): State<Shared>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = lock(&state);
    if inner.deaf {
        inner.unheard += 1;
        return failure(StatusCode::SERVICE_UNAVAILABLE, "STORE_DOWN");
    }
    inner
        .calls
        .push((format!("PUT /v2/reservation/stock/{id}"), body));
    success(&json!({"live": inner.live.contains(&id)}))
}

async fn complete(
    State(state): State<Shared>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    if lock(&state).failing.contains(&id) {
        lock(&state).refused += 1;
        return failure(StatusCode::SERVICE_UNAVAILABLE, "STORE_DOWN");
    }
    note(&state, "complete", &id, &body);
    if lock(&state).concerts.contains_key(&id) {
        success(&json!({}))
    } else {
        failure(StatusCode::NOT_FOUND, "CONCERT_NOT_FOUND")
    }
}

async fn extend(
    State(state): State<Shared>,
    keys: Arc<SigningKeys>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    note(&state, "extend", &id, &body);
    let (over, until) = {
        let inner = lock(&state);
        (inner.over, inner.extended_until)
    };
    if over {
        return failure(StatusCode::FORBIDDEN, "NOT_READY");
    }
    let member = body["memberId"].as_str().expect("a member");
    let entry = body["entryNumber"].as_u64().expect("an entry number");
    let token = signed(&keys, &id, member, entry, now() - 1, until);
    let at = sunbeon_domain::UnixMs(until * 1_000);
    success(&json!({"extended": true, "token": token, "expiresAt": at}))
}

async fn jwks(State(state): State<Shared>) -> Response {
    Json(lock(&state).jwks.clone()).into_response()
}

async fn revoked(
    State(state): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let all = lock(&state).revoked.clone();
    let ended: Vec<_> = all.iter().filter(|(concert, _)| *concert == id).collect();
    let from = query
        .get("after")
        .map_or(0, |n| n.parse().expect("a cursor of ours"));
    let until = now() + 3_600;
    let new: Vec<_> = ended[from..]
        .iter()
        .map(|(_, entry)| json!([entry, until]))
        .collect();
    let cursor = ended.len().to_string();
    success(&json!({"revoked": new, "cursor": cursor, "more": false}))
}

async fn snapshot(State(state): State<Shared>, Path(id): Path<String>) -> Response {
    let inner = lock(&state);
    match inner.concerts.get(&id) {
        Some(concert) => success(&json!({
            "concertId": id, "concertTitle": concert["title"], "mode": concert["mode"],
            "identity": concert["identity"],
            "state": "open", "totalWaitingCount": 0, "at": sunbeon_domain::UnixMs(now() * 1_000),
            "pace": {"one": 0, "five": 0, "fifteen": 0},
        })),
        None => failure(StatusCode::NOT_FOUND, "CONCERT_NOT_FOUND"),
    }
}
