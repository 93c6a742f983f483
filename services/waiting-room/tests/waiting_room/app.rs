//! The waiting-room service on the test's own store.

use serde::Deserialize;
use sunbeon_chassis::{Auth, settings};
use sunbeon_gate::Ways;
use sunbeon_test_support::{Api, Server, Stage, access::PASS_SECRET};
use sunbeon_tokens::Passes;
use sunbeon_waiting_room::WaitingRoom;
use utoipa_axum::router::OpenApiRouter;

/// The service stops when this is dropped.
pub(crate) struct App {
    pub(crate) api: Api,
    pub(crate) stage: Stage,
    _server: Server,
}

impl App {
    pub(crate) async fn embedded() -> App {
        Self::on(Stage::embedded(), &[]).await
    }

    /// Uses its own Redis.
    pub(crate) async fn real() -> App {
        Self::on(Stage::real().await, &[]).await
    }

    /// Restarts the service on the same store with additional settings.
    pub(crate) async fn with(self, variables: &[(&str, &str)]) -> App {
        Self::on(self.stage, variables).await
    }

    async fn on(stage: Stage, variables: &[(&str, &str)]) -> App {
        let passes = Passes::new(PASS_SECRET.as_bytes()).unwrap();
        let service = WaitingRoom::new(stage.store.clone(), Some(passes));
        let ways = Ways::new(&gate(variables)).expect("valid pages");
        let routes = |auth: &Auth| {
            let pages = OpenApiRouter::from(service.pages(auth, ways));
            service.router(auth).merge(pages)
        };
        let server = Server::of("waiting-room", variables, routes).await;
        tokio::spawn(service.beat(server.stop()));
        App {
            api: server.api.clone(),
            stage,
            _server: server,
        }
    }
}

/// Returns the section `gate`, with these settings.
fn gate(variables: &[(&str, &str)]) -> sunbeon_gate::Settings {
    #[derive(Deserialize)]
    struct Settings {
        gate: sunbeon_gate::Settings,
    }
    let set = variables.iter();
    let set = set.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let settings: Settings = settings::load_from(set.collect()).expect("valid settings");
    settings.gate
}
