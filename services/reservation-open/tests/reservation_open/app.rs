//! The reservation-open service on the test's own store, broker and database.

use std::{ops::Deref, sync::Arc};

use sunbeon_broker::{Broker, MemoryBroker, rabbitmq};
use sunbeon_reservation_open::{Registry, ReservationOpen};
use sunbeon_test_support::{Api, Server, Stage, TestDatabase, TestVhost};
use tempfile::TempDir;

pub(crate) const CONCERTS: &str = "/v2/admin/concerts";

/// It stops with all of its servers when dropped. Its API can be called on it directly.
pub(crate) struct App {
    pub(crate) stage: Stage,
    pub(crate) registry: Registry,
    pub(crate) service: ReservationOpen,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) database: String,
    server: Server,
    _kept: Kept,
}

#[derive(Default)]
struct Kept {
    _folder: Option<TempDir>,
    _vhost: Option<TestVhost>,
    _database: Option<TestDatabase>,
}

impl Deref for App {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.server.api
    }
}

impl App {
    /// Uses the embedded store and broker and SQLite in memory.
    pub(crate) async fn embedded() -> App {
        Self::on("sqlite::memory:").await
    }

    /// Uses the embedded backends, and returns its broker too.
    pub(crate) async fn with_memory_broker() -> (App, MemoryBroker) {
        let memory = MemoryBroker::new();
        let broker = Arc::new(memory.clone());
        let app = Self::of(
            Stage::embedded(),
            broker,
            "sqlite::memory:",
            Kept::default(),
        )
        .await;
        (app, memory)
    }

    /// Uses its own Redis, virtual host and PostgreSQL database.
    pub(crate) async fn real() -> App {
        let (stage, vhost, database) =
            tokio::join!(Stage::real(), TestVhost::create(), TestDatabase::postgres());
        let settings = sunbeon_broker::Settings::Rabbitmq(rabbitmq::Settings {
            url: vhost.url().into(),
            prefetch: 100,
        });
        let broker = sunbeon_broker::open(&settings, "reservation-open").expect("a valid URL");
        let url = database.url().to_owned();
        let kept = Kept {
            _vhost: Some(vhost),
            _database: Some(database),
            ..Kept::default()
        };
        Self::of(stage, broker, &url, kept).await
    }

    /// Uses a SQLite file; everything else is embedded.
    pub(crate) async fn in_a_file() -> App {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}/registry.sqlite", folder.path().display());
        let kept = Kept {
            _folder: Some(folder),
            ..Kept::default()
        };
        Self::of(Stage::embedded(), Arc::new(MemoryBroker::new()), &url, kept).await
    }

    /// Uses a PostgreSQL database; everything else is embedded.
    pub(crate) async fn postgres() -> App {
        let database = TestDatabase::postgres().await;
        let url = database.url().to_owned();
        let kept = Kept {
            _database: Some(database),
            ..Kept::default()
        };
        Self::of(Stage::embedded(), Arc::new(MemoryBroker::new()), &url, kept).await
    }

    /// Uses any database; everything else is embedded.
    pub(crate) async fn on(url: &str) -> App {
        let broker = Arc::new(MemoryBroker::new());
        Self::of(Stage::embedded(), broker, url, Kept::default()).await
    }

    async fn of(stage: Stage, broker: Arc<dyn Broker>, url: &str, kept: Kept) -> App {
        let registry = Registry::open(url).expect("a valid URL");
        registry.migrate().await.expect("the tables can be created");
        let service = ReservationOpen::new(stage.store.clone(), broker.clone(), registry.clone());
        service.await_broker().await;
        let server = Server::of("reservation-open", &[], |auth| {
            service.router(auth).merge(service.pages(auth).into())
        })
        .await;
        App {
            stage,
            registry,
            service,
            broker,
            database: url.to_owned(),
            server,
            _kept: kept,
        }
    }

    /// Takes groups when they are due, until the test ends.
    pub(crate) fn tick(&self) {
        tokio::spawn(self.service.clone().tick(self.server.stop()));
    }

    /// Hears which gates are blind, until the test ends.
    pub(crate) fn listen(&self) {
        tokio::spawn(self.service.clone().listen(self.server.stop()));
    }

    /// Returns a member's status.
    pub(crate) async fn stands(&self, concert: &str, who: &str) -> String {
        self.look_up(concert, who).await.stands().to_owned()
    }
}
