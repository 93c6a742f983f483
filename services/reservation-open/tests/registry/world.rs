//! A registry, with the service's routes on it and a store and a broker in memory.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use serde_json::{Value, json};
use sunbeon_broker::MemoryBroker;
use sunbeon_chassis::{Auth, settings};
use sunbeon_domain::MemberId;
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_store::MemoryStore;
use sunbeon_test_support::TestDatabase;
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const CONCERTS: &str = "/v2/admin/concerts";

pub(crate) struct World {
    pub(crate) registry: Registry,
    router: Router,
    admin: String,
    url: String,
    _kept: (Option<TempDir>, Option<TestDatabase>),
}

#[derive(serde::Deserialize)]
struct Settings {
    auth: settings::Auth,
    limits: settings::Limits,
}

impl World {
    pub(crate) async fn in_memory() -> World {
        Self::on("sqlite::memory:").await
    }

    pub(crate) async fn in_a_file() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}/registry.sqlite", folder.path().display());
        let mut world = Self::on(&url).await;
        world._kept.0 = Some(folder);
        world
    }

    pub(crate) async fn postgres() -> World {
        let database = TestDatabase::postgres().await;
        let mut world = Self::on(database.url()).await;
        world._kept.1 = Some(database);
        world
    }

    /// Uses any database, and migrates it.
    pub(crate) async fn on(url: &str) -> World {
        let secret = "SUNBEON__AUTH__HS256_SECRET".to_owned();
        let secret = (secret, "a secret of at least thirty-two bytes".to_owned());
        let settings: Settings = settings::load_from([secret].into()).expect("good settings");
        let auth = Auth::new(&settings.auth, &settings.limits).expect("a good secret");
        let operator = MemberId::parse("operator").expect("a good id");
        let registry = Registry::open(url).expect("a good address");
        registry.migrate().await.expect("the tables can be made");
        let (store, broker) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBroker::new()));
        let service = ReservationOpen::new(store, broker, registry.clone());
        World {
            registry,
            router: service.router(&auth).split_for_parts().0,
            admin: auth
                .issue(&operator, "", true, Duration::from_secs(600))
                .expect("a token"),
            url: url.to_owned(),
            _kept: (None, None),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the status, and the data of a success or the code of a failure.
    async fn call(&self, method: &str, path: &str, etag: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.raw(method, path, etag, body).await;
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        let field = if status < 300 { "data" } else { "code" };
        (status, body[field].take())
    }

    /// Returns the status and the body.
    async fn raw(&self, method: &str, path: &str, etag: &str, body: &Value) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.admin))
            .header(header::IF_MATCH, etag)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), usize::MAX)
            .await
            .expect("a body");
        (status, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
    }

    /// Returns the whole text of an export.
    async fn text(&self, path: &str) -> String {
        let (status, text) = self.raw("GET", path, "", &json!({})).await;
        assert_eq!(status, 200, "{text}");
        text
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, "", &json!({})).await
    }

    pub(crate) async fn create(&self, id: &str) -> (u16, Value) {
        let fields = json!({"concertId": id, "title": id});
        self.call("POST", CONCERTS, "", &fields).await
    }

    pub(crate) async fn read(&self, id: &str) -> (u16, Value) {
        self.get(&format!("{CONCERTS}/{id}")).await
    }

    pub(crate) async fn change(&self, id: &str, version: u64, fields: &Value) -> (u16, Value) {
        let (path, etag) = (format!("{CONCERTS}/{id}"), format!("\"{version}\""));
        self.call("PATCH", &path, &etag, fields).await
    }

    pub(crate) async fn delete(&self, id: &str) -> (u16, Value) {
        let path = format!("{CONCERTS}/{id}");
        self.call("DELETE", &path, "", &json!({})).await
    }

    pub(crate) async fn act(&self, id: &str, act: &str) -> (u16, Value) {
        let path = format!("{CONCERTS}/{id}/{act}");
        self.call("POST", &path, "", &json!({})).await
    }

    /// Expects every route that needs the database to say that it is down.
    pub(crate) async fn is_down(&self) {
        let down = (503, json!("DATABASE_DOWN"));
        assert_eq!(self.create("new").await, down);
        assert_eq!(self.read("c").await, down);
        assert_eq!(self.change("c", 1, &json!({"title": "x"})).await, down);
        assert_eq!(self.delete("c").await, down);
        for act in ["pause", "resume", "close", "clear"] {
            assert_eq!(self.act("c", act).await, down, "{act}");
        }
        assert_eq!(self.get(CONCERTS).await, down);
        for form in ["", ".csv", ".jsonl"] {
            assert_eq!(self.get(&format!("/v2/admin/audit{form}")).await, down);
        }
        assert!(!self.registry.clone().is_up().await);
    }

    /// Checks that many acts in quick succession are read back in order, each once.
    pub(crate) async fn check_the_audit(&self) {
        self.create("kept").await;
        for version in 1..=30 {
            let fields = json!({"groupSize": version});
            assert_eq!(self.change("kept", version, &fields).await.0, 200);
            self.change("nowhere", 1, &fields).await;
        }
        self.create("other").await;
        let (mut seen, mut path) = (
            Vec::new(),
            "/v2/admin/audit?concertId=kept&limit=8".to_owned(),
        );
        loop {
            let (status, page) = self.get(&path).await;
            assert_eq!(status, 200);
            for act in page["acts"].as_array().expect("acts") {
                assert_eq!(act["concertId"], "kept");
                seen.push(act["detail"]["groupSize"].as_u64().unwrap_or_default());
            }
            let Some(next) = page["nextCursor"].as_str() else {
                break;
            };
            path = format!("/v2/admin/audit?concertId=kept&limit=8&cursor={next}");
        }
        assert_eq!(seen, (0..=30).rev().collect::<Vec<_>>());
        let lines = self.text("/v2/admin/audit.jsonl?concertId=kept").await;
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let lines: Vec<Value> = lines.collect();
        assert_eq!(lines.len(), 31);
        assert_eq!(lines[0]["detail"], json!({"groupSize": 30}));
        let csv = self.text("/v2/admin/audit.csv?concertId=kept").await;
        let csv: Vec<_> = csv.lines().collect();
        assert_eq!(csv[0], "id,at,actor,act,concertId,detail,requestId");
        assert_eq!(csv.len(), 32);
        let at = lines[0]["at"].as_str().expect("a time");
        let newest = format!(",{at},operator,change,kept,\"{{\"\"groupSize\"\":30}}\",");
        assert!(csv[1].contains(&newest), "{}", csv[1]);
        let (_, all) = self.get("/v2/admin/audit?limit=1").await;
        assert_eq!(all["acts"][0]["concertId"], "other");
    }
}
