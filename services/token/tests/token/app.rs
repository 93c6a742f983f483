//! The token service on the test's own store.

use sunbeon_chassis::{
    Auth,
    http::{self, Health, Readiness, Service},
    settings,
};
use sunbeon_test_support::{Api, Server, Stage, access};
use sunbeon_token::Token;
use sunbeon_tokens::SigningKeys;

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
        let set = access::SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings: Settings = settings::load_from(set.into()).expect("good settings");
        let auth = Auth::new(&settings.auth, &settings.limits).expect("a good secret");
        let keys = SigningKeys::generate().expect("randomness");
        let service = Token::new(stage.store.clone(), keys, "sunbeon");
        let readiness = Readiness::new();
        let router = http::finish(Service {
            name: "token",
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
