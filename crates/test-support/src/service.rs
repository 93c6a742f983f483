use serde::Deserialize;
use sunbeon_chassis::{
    Auth,
    http::{self, Health, Readiness, Service},
    settings,
};
use utoipa_axum::router::OpenApiRouter;

use crate::{Server, access};

#[derive(Deserialize)]
struct Settings {
    http: settings::Http,
    auth: settings::Auth,
    limits: settings::Limits,
}

impl Server {
    /// Serves the routes of one service like its own process, with the secrets of [`access`] and these
    /// additional settings.
    ///
    /// # Panics
    /// If a setting is malformed or there is no free port.
    pub async fn of(
        name: &'static str,
        variables: &[(&str, &str)],
        routes: impl FnOnce(&Auth) -> OpenApiRouter,
    ) -> Server {
        let set = access::SETTINGS.iter().chain(variables);
        let set = set.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let settings: Settings = settings::load_from(set.collect()).expect("valid settings");
        let auth = Auth::new(&settings.auth, &settings.limits).expect("valid secrets");
        let readiness = Readiness::new();
        let router = http::finish(Service {
            name,
            api: routes(&auth),
            health: Health::new(),
            readiness: readiness.clone(),
            metrics: None,
            settings: settings.http.clone(),
            limits: settings.limits,
        });
        let router = router.expect("valid settings");
        Server::start(|listener, stop| {
            http::serve(listener, router, settings.http, stop, readiness)
        })
        .await
    }
}
