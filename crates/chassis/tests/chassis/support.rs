//! A service with the shape of every service, on its own port.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use axum::{
    Extension, Router,
    http::{HeaderName, header},
    routing::{get, patch},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sunbeon_chassis::{
    Admin, ApiError, ApiResult, Auth, Body, Member, OrFail, Origin, PathConcert, PathMember,
    QueryPairs, Reply, Success, http, settings,
};
use sunbeon_domain::{Code, Coded, ConcertId, Field, Text};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) const SECRET: &str = "a secret of at least 32 bytes, it is";
pub(crate) const ADMIN_TOKEN: &str = "an-admin-token-of-the-tests";
pub(crate) const ORIGIN_TOKEN: &str = "an-origin-token-of-the-tests";

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    auth: settings::Auth,
    limits: settings::Limits,
}

/// Returns the defaults with these variables added.
pub(crate) fn environment(variables: &[(&str, &str)]) -> HashMap<String, String> {
    variables
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Creates the checks from these settings, which may be refused.
pub(crate) fn auth_with(variables: &[(&str, &str)]) -> anyhow::Result<Auth> {
    let settings: Settings = settings::load_from(environment(variables)).unwrap();
    Auth::new(&settings.auth, &settings.limits)
}

pub(crate) fn http_settings(variables: &[(&str, &str)]) -> settings::Http {
    settings::load_from::<Settings>(environment(variables))
        .unwrap()
        .http
}

pub(crate) fn limits(variables: &[(&str, &str)]) -> settings::Limits {
    settings::load_from::<Settings>(environment(variables))
        .unwrap()
        .limits
}

pub(crate) fn auth() -> Auth {
    auth_with(&[
        ("SUNBEON__AUTH__HS256_SECRET", SECRET),
        ("SUNBEON__AUTH__ADMIN_TOKEN", ADMIN_TOKEN),
        ("SUNBEON__AUTH__ORIGIN_TOKEN", ORIGIN_TOKEN),
    ])
    .unwrap()
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Echo {
    pub(crate) text: String,
}

const ECHOED: Text = Text {
    ko: "돌려드립니다.",
    en: "Here it is.",
};

/// Echoes a text.
#[utoipa::path(post, path = "/echo", request_body = Echo, responses((status = 201, body = Success<Echo>)))]
async fn echo(Body(echo): Body<Echo>) -> ApiResult<Reply<Echo>> {
    Ok(Reply::created(ECHOED, echo))
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MealOrder {
    concert_id: ConcertId,
    lines: Vec<MealLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MealLine {
    count: u32,
}

/// Takes fields with a code of their own and fields without one.
#[utoipa::path(post, path = "/order", request_body = MealOrder, responses((status = 201, body = Success<MealOrder>)))]
async fn order(Body(order): Body<MealOrder>) -> ApiResult<Reply<MealOrder>> {
    Ok(Reply::created(ECHOED, order))
}

/// Who am I?
#[utoipa::path(get, path = "/whoami", security(("member" = [])), responses((status = 200, body = Success<String>)))]
async fn whoami(member: Member) -> ApiResult<Reply<[String; 2]>> {
    Ok(Reply::ok(ECHOED, [member.id.to_string(), member.name]))
}

async fn actor(admin: Admin) -> Reply<String> {
    Reply::ok(ECHOED, admin.actor)
}

async fn origin(origin: Origin) -> Reply<String> {
    Reply::ok(ECHOED, origin.actor)
}

/// Who is looking?
async fn visitor(member: Option<Extension<Member>>) -> String {
    member.map_or_else(String::new, |Extension(member)| member.id.to_string())
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(400)).await;
    "slow"
}

async fn store_down() -> ApiError {
    ApiError::from(Code::StoreDown).caused_by(anyhow::anyhow!("the password is hunter2"))
}

#[derive(Debug)]
struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no such concert")
    }
}

impl std::error::Error for Gone {}

impl Coded for Gone {
    fn code(&self) -> Code {
        Code::ConcertNotFound
    }
}

async fn gone() -> ApiResult<&'static str> {
    Err(Gone).or_fail()
}

async fn too_fast() -> ApiError {
    ApiError::from(Code::TooManyRequests)
        .retry_after(7)
        .with_data(["why"])
}

/// Takes a query.
#[utoipa::path(
    post, path = "/batch", params(("batchSize" = Option<u32>, Query)),
    extensions(("x-fails" = json!(["BROKER_DOWN", {"NOT_OPEN_YET": {"opensAt": "2026-11-20T05:00:00.000Z"}}]))),
    responses((status = 200, description = "Here it is.", body = Success<u32>))
)]
async fn batch_size(query: QueryPairs) -> ApiResult<Reply<Option<u32>>> {
    let size = |text: &str| text.parse().ok().filter(|size| (1..=10_000).contains(size));
    Ok(Reply::ok(
        ECHOED,
        query.field("batchSize", Field::BatchSize, size)?,
    ))
}

async fn cacheable() -> ([(HeaderName, &'static str); 1], Reply<()>) {
    let control = [(header::CACHE_CONTROL, "public, max-age=1")];
    (control, Reply::ok(ECHOED, ()))
}

async fn boom() -> &'static str {
    panic!("boom")
}

async fn concert(PathConcert(concert): PathConcert) -> String {
    concert.to_string()
}

async fn member_of(PathMember(concert, member): PathMember) -> String {
    format!("{concert}/{member}")
}

/// Routes for every kind of behaviour.
pub(crate) fn api(auth: &Auth) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(echo))
        .route("/ok", get(|| async { "ok" }))
        .route("/slow", get(slow))
        .route("/boom", get(boom))
        .route("/store-down", get(store_down))
        .route("/gone", get(gone))
        .route("/too-fast", get(too_fast))
        .route("/cacheable", get(cacheable))
        .routes(routes!(batch_size))
        .routes(routes!(order))
        .route("/concerts/{concertId}", get(concert))
        .route(
            "/concerts/{concertId}/members/{memberId}",
            patch(member_of).get(member_of),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(whoami))
                .layer(auth.members()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/actor", get(actor).post(actor))
                .layer(auth.admins()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/origin", get(origin))
                .layer(auth.origins()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/page", get(visitor).post(visitor))
                .layer(auth.visitors()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/anyone", get(|| async { "ok" }))
                .layer(auth.anyone()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/gates", get(|| async { "ok" }))
                .layer(auth.gates()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/feed", get(origin))
                .layer(auth.feeds()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/end", get(|| async { "ok" }))
                .layer(auth.members().ending()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/main-page", get(|| async { "ok" }))
                .layer(auth.main_page()),
        )
        .merge(
            OpenApiRouter::new()
                .route("/by-proxies", get(|| async { "ok" }))
                .layer(auth.members().by_proxies()),
        )
}

/// Real HTTP on port 0, aborted on drop.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    pub(crate) readiness: http::Readiness,
    pub(crate) serving: JoinHandle<anyhow::Result<()>>,
    pub(crate) client: reqwest::Client,
}

impl App {
    pub(crate) async fn start(settings: settings::Http) -> Self {
        Self::start_with(settings, http::Health::new()).await
    }

    pub(crate) async fn start_with(settings: settings::Http, health: http::Health) -> Self {
        Self::assemble(&auth(), settings, health, limits(&[])).await
    }

    /// Applies these settings to `/health` and `/metrics`.
    pub(crate) async fn with_limits(limits: settings::Limits) -> Self {
        Self::assemble(&auth(), http_settings(&[]), http::Health::new(), limits).await
    }

    /// Checks tokens with these settings.
    pub(crate) async fn with_auth(auth: &Auth) -> Self {
        // Tests that move the clock would otherwise find their idle connections closed.
        let patient = http_settings(&[("SUNBEON__HTTP__HEADER_TIMEOUT_SECONDS", "100000000")]);
        Self::assemble(auth, patient, http::Health::new(), limits(&[])).await
    }

    async fn assemble(
        auth: &Auth,
        settings: settings::Http,
        health: http::Health,
        limits: settings::Limits,
    ) -> Self {
        let readiness = http::Readiness::new();
        let router = http::finish(http::Service {
            name: "test",
            api: api(auth),
            health,
            readiness: readiness.clone(),
            metrics: None,
            settings: settings.clone(),
            limits,
        })
        .unwrap();
        Self::serve(router, readiness, settings).await
    }

    /// Serves a router that is already finished.
    pub(crate) async fn serve(
        router: Router,
        readiness: http::Readiness,
        settings: settings::Http,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = http::serve(
            listener,
            router,
            settings,
            shutdown.clone(),
            readiness.clone(),
        );
        readiness.set_ready();
        let serving = tokio::spawn(serving);
        Self {
            address,
            shutdown,
            readiness,
            serving,
            client: reqwest::Client::new(),
        }
    }

    pub(crate) async fn default() -> Self {
        Self::start(http_settings(&[])).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Sends raw bytes and reads the answer until the connection closes.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Checks that an answer is a failure in the envelope and returns its body.
pub(crate) async fn failure(response: reqwest::Response, code: Code, english: bool) -> Value {
    assert_eq!(response.status().as_u16(), code.status());
    let id = response.headers()["x-request-id"].to_str().unwrap();
    assert!(!id.is_empty());
    let body: Value = response.json().await.unwrap();
    let text = code.text();
    assert_eq!(body["message"], if english { text.en } else { text.ko });
    assert_eq!(body["code"], code.word());
    assert_eq!(body["status"], code.status());
    body
}
