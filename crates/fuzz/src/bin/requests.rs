//! Whole requests to the token service. The words `MEMBER`, `ORIGIN` and `BOOKING` in a header stand for good
//! tokens, `ENTRY` in a body for the member's entry. Nothing fails as a bug, nobody is sent to another site, no
//! stranger is let in, and a feed's cursor leads on from where it was given.
#![no_main]

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts},
    response::Response,
};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;
use serde_json::{Value, from_slice, json};
use sunbeon_chassis::http::{Health, Readiness, Service, finish};
use sunbeon_domain::{Concert, ConcertId, EntryState, MemberId, Policy};
use sunbeon_fuzz::{ORIGIN_TOKEN, Settings, followed, head, is_own};
use sunbeon_gate::Ways;
use sunbeon_store::{Admission, Leaving, MemoryStore, Opening, Store};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

const WORDS: [&str; 3] = ["MEMBER", "ORIGIN", "BOOKING"];

struct App {
    store: Arc<MemoryStore>,
    router: Router,
    concert: ConcertId,
    fan: MemberId,
    access: String,
    booking: Mutex<String>,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});
static APP: LazyLock<App> = LazyLock::new(|| RUNTIME.block_on(App::start()));

impl App {
    /// Starts the service with a fan in the shop, and a session that ended early.
    async fn start() -> Self {
        let settings = Settings::load();
        let (auth, ways) = (settings.auth(), Ways::new(&settings.gate));
        let store = Arc::new(MemoryStore::new());
        let keys = SigningKeys::generate().expect("randomness");
        let service = Token::new(store.clone(), keys, "sunbeon");
        let forms = service.forms(&auth, ways.expect("good settings"));
        let readiness = Readiness::new();
        readiness.set_ready();
        let router = finish(Service {
            name: "token",
            api: service.router(&auth).merge(OpenApiRouter::from(forms)),
            health: Health::new(),
            readiness,
            metrics: None,
            settings: settings.http,
            limits: settings.limits,
        });
        let [fan, other] = ["fan", "other"].map(|id| MemberId::parse(id).expect("an id"));
        let access = auth.issue(&fan, "이름", false, Duration::from_secs(86_400));
        let app = Self {
            store,
            router: router.expect("good settings"),
            concert: ConcertId::parse("demo").expect("an id"),
            fan,
            access: access.expect("a secret"),
            booking: Mutex::default(),
        };
        let fields = json!({"title": "Demo", "autoOpen": false, "stopWhenSoldOut": false, "sessionMinutes": 60});
        let fields = serde_json::from_value(fields).expect("a policy");
        let concert = Concert {
            concert_id: app.concert.clone(),
            version: 1,
            closed: false,
            policy: Policy::create(fields).expect("a policy"),
        };
        app.store.put_concert(&concert).await.expect("a store");
        app.call(&other).await;
        let store = &app.store;
        let claimed = store.claim(&app.concert, &other, "a-key").await;
        claimed.expect("a store");
        let left = store.leave(&app.concert, &other, Leaving::ByChoice).await;
        left.expect("a store");
        app
    }

    /// Makes a member READY.
    async fn call(&self, member: &MemberId) {
        let (store, id) = (&self.store, &self.concert);
        store.enter(id, member, "name").await.expect("a store");
        let opening = Opening {
            batch_size: 1,
            taken: 0,
            key: None,
        };
        let Ok(Admission::Taken(taken)) = store.admit(id, opening).await else {
            panic!("nobody is taken");
        };
        let entries = taken.entries.into_iter().map(|it| (it.member, it.number));
        let called = store.ready(id, &entries.collect::<Vec<_>>()).await;
        assert_eq!(called.expect("a store"), [true]);
    }

    /// Lets the fan in again if an earlier input ended the session.
    async fn let_in(&self) {
        let found = self.store.status(&self.concert, &self.fan, false).await;
        if matches!(found.expect("a store").state, EntryState::Entered { .. }) {
            return;
        }
        let (id, how) = (&self.concert, Leaving::ByChoice);
        let left = self.store.leave(id, &self.fan, how).await;
        left.expect("a store");
        self.call(&self.fan).await;
        let request = Request::get("/v2/reservation/token/demo")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.access));
        let (parts, _) = request.body(()).expect("a request").into_parts();
        let answer = self.answer(&parts, &[]).await;
        let token = answer.headers()["x-queue-token"].to_str().expect("text");
        *self.booking.lock().expect("no panic") = token.to_owned();
    }

    async fn answer(&self, parts: &Parts, body: &[u8]) -> Response {
        let mut parts = parts.clone();
        let peer = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000)));
        parts.extensions.insert(peer);
        let request = Request::from_parts(parts, Body::from(body.to_vec()));
        let answer = self.router.clone().oneshot(request).await;
        answer.unwrap_or_else(|never| match never {})
    }

    /// Puts tokens where a header has their words. Returns whether any has one.
    fn put_tokens(&self, headers: &mut HeaderMap) -> bool {
        let booking = self.booking.lock().expect("no panic");
        let mut any = false;
        for value in headers.values_mut() {
            let Ok(text) = value.to_str() else {
                continue;
            };
            let tokens = [&self.access, ORIGIN_TOKEN, &booking];
            let put = WORDS.iter().zip(tokens);
            let put = put.fold(text.to_owned(), |text, (word, token)| {
                text.replace(word, token)
            });
            if put != text {
                any = true;
                *value = HeaderValue::try_from(put).expect("a token is visible ASCII");
            }
        }
        any
    }

    /// Puts the number of the fan's entry where a body has its word.
    async fn put_entry(&self, body: &[u8]) -> Vec<u8> {
        let found = self.store.status(&self.concert, &self.fan, false).await;
        let number = found.expect("a store").state.number();
        let number = number.expect("the fan is in the shop").to_string();
        match str::from_utf8(body) {
            Ok(text) => text.replace("ENTRY", &number).into(),
            Err(_) => body.to_vec(),
        }
    }

    async fn ask(&self, mut parts: Parts, body: &[u8]) {
        self.let_in().await;
        let body = &self.put_entry(body).await;
        let is_known = self.put_tokens(&mut parts.headers);
        let answer = self.answer(&parts, body).await;
        let status = answer.status();
        assert!(!status.is_server_error(), "{status}");
        let headers = answer.headers();
        assert!(headers.contains_key("x-request-id"));
        if let Some(to) = headers.get(header::LOCATION) {
            let url = followed(to.to_str().expect("visible ASCII"));
            assert!(is_own(&url), "{url}");
        }
        if let Some(back) = headers.get("x-return-path") {
            returns(&parts, back);
        }
        if !is_known {
            assert!(!headers.contains_key("x-member-id"), "a stranger is let in");
            assert!(!headers.contains_key("x-queue-token"), "a stranger's token");
        }
        let path = parts.uri.path();
        let is_page = parts.method == Method::GET && path.starts_with("/v2/reservation/revoked/");
        if is_page && status == StatusCode::OK {
            let path = path.to_owned();
            self.follow(parts.headers, &path, answer).await;
        }
    }

    /// Reads on from the cursor of a feed's last page: nothing follows, and the cursor stays.
    async fn follow(&self, headers: HeaderMap, path: &str, answer: Response) {
        let page = data(answer).await;
        let Some(cursor) = page["cursor"].as_str().filter(|_| page["more"] == false) else {
            return;
        };
        let next = Request::get(format!("{path}?after={cursor}")).body(());
        let (mut parts, ()) = next.expect("a request").into_parts();
        parts.headers = headers;
        let answer = self.answer(&parts, &[]).await;
        assert_eq!(answer.status(), 200);
        let next = data(answer).await;
        assert_eq!(next["cursor"], cursor);
        assert_eq!(next["revoked"], json!([]));
    }
}

async fn data(answer: Response) -> Value {
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    let mut body: Value = from_slice(&body.expect("a body")).expect("JSON");
    body["data"].take()
}

/// A way back is what the proxy was asked for, or its path, and is one value of a query.
fn returns(parts: &Parts, back: &HeaderValue) {
    let back = back.as_bytes();
    assert!(back.starts_with(b"/") && back.iter().all(u8::is_ascii_graphic));
    assert!(!back.iter().any(|byte| b"?&#+\\\"'<>".contains(byte)));
    let decoded: Vec<u8> = percent_decode(back).collect();
    let asked = parts.headers["x-forwarded-uri"].as_bytes();
    let path = asked.split(|byte| *byte == b'?').next();
    assert!(decoded == asked || Some(decoded.as_slice()) == path);
}

fuzz_target!(|data: &[u8]| {
    let blank = data.windows(2).position(|pair| pair == b"\n\n");
    let (first, body) = data.split_at(blank.unwrap_or(data.len()));
    let body = body.get(2..).unwrap_or_default();
    if let Some(parts) = head(first) {
        RUNTIME.block_on(APP.ask(parts, body));
    }
});
