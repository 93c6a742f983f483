//! The token service on the test's own store.

use serde::Deserialize;
use sunbeon_chassis::{Auth, settings};
use sunbeon_gate::Ways;
use sunbeon_test_support::{Api, Server, Stage};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;
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
        let keys = SigningKeys::generate().expect("randomness");
        let service = Token::new(stage.store.clone(), keys, "sunbeon");
        let ways = Ways::new(&gate(variables)).expect("valid pages");
        let routes = |auth: &Auth| {
            let forms = OpenApiRouter::from(service.forms(auth, ways));
            service.router(auth).merge(forms)
        };
        let server = Server::of("token", variables, routes).await;
        tokio::spawn(service.beat(server.stop()));
        App {
            api: server.api.clone(),
            stage,
            _server: server,
        }
    }

    /// Opens a batch by hand and fetches the booking token of the member at the front of the line.
    pub(crate) async fn admit(&self, concert: &str, who: &str) -> String {
        self.stage.call(concert, who).await;
        let issued = self.api.token(concert, who).await;
        let token = issued.data(200)["token"].as_str();
        token.expect("a token").to_owned()
    }

    /// Lines a member up in an empty line and fetches the booking token.
    pub(crate) async fn inside(&self, concert: &str, who: &str) -> String {
        self.stage.enter(concert, who).await;
        self.admit(concert, who).await
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
