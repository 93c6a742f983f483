//! The waiting-room service on the test's own store.

use sunbeon_chassis::{
    Auth,
    http::{self, Health, Readiness, Service},
    settings,
};
use sunbeon_test_support::{Api, Server, Stage, access};
use sunbeon_waiting_room::WaitingRoom;

/// The service stops when this is dropped.
pub(crate) struct App {
    pub(crate) api: Api,
    pub(crate) stage: Stage,
    _server: Server,
}

#[derive(serde::Deserialize)]
struct Settings {
    http: settings::Http,
    auth: settings::Auth,
    limits: settings::Limits,
}

impl App {
    pub(crate) async fn embedded() -> App {
        Self::on(Stage::embedded()).await
    }

    /// Uses its own Redis.
    pub(crate) async fn real() -> App {
        Self::on(Stage::real().await).await
    }

    async fn on(stage: Stage) -> App {
        Self::with_settings(stage, &[]).await
    }

    /// Restarts the service on the same store with additional settings.
    pub(crate) async fn with(self, variables: &[(&str, &str)]) -> App {
        Self::with_settings(self.stage, variables).await
    }

    async fn with_settings(stage: Stage, variables: &[(&str, &str)]) -> App {
        let set = access::SETTINGS.iter().chain(variables);
        let set = set.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let settings: Settings = settings::load_from(set.collect()).expect("good settings");
        let auth = Auth::new(&settings.auth, &settings.limits).expect("a good secret");
        let service = WaitingRoom::new(stage.store.clone());
        let readiness = Readiness::new();
        let router = http::finish(Service {
            name: "waiting-room",
            api: service.router(&auth),
            health: Health::new(),
            readiness: readiness.clone(),
            metrics: None,
            settings: settings.http.clone(),
            limits: settings.limits,
        });
        let router = router.expect("good settings");
        let server = Server::start(|listener, stop| {
            http::serve(listener, router, settings.http, stop, readiness)
        });
        let server = server.await;
        tokio::spawn(service.beat(server.stop()));
        App {
            api: server.api.clone(),
            stage,
            _server: server,
        }
    }
}
