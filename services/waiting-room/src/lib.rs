#![doc = include_str!("../README.md")]

mod admin;
mod gauges;
mod guests;
mod member;
mod page;
mod public;
mod serve;

use std::{sync::Arc, time::Duration};

use axum::Router;
use sunbeon_chassis::{Auth, Rounds};
use sunbeon_domain::ConcertId;
use sunbeon_gate::Ways;
use sunbeon_snapshot::{Heard, Places, Snapshots, Together};
use sunbeon_store::{Asker, Beat, Entering, Entrant, Role, StandingFacts, Store};
use sunbeon_tokens::Passes;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use self::public::PublicAnswers;
pub use self::serve::serve;

const BEAT: Duration = Duration::from_secs(1);

/// The service. Its routes and its beat share the snapshots.
#[derive(Clone)]
pub struct WaitingRoom {
    store: Arc<dyn Store>,
    heard: Heard,
    snapshots: Snapshots,
    places: Places,
    entering: Together<Entrant, Entering>,
    asking: Together<Asker, StandingFacts>,
    public: PublicAnswers,
}

impl WaitingRoom {
    /// Creates the service from a store. Without passes every poll asks it.
    pub fn new(store: Arc<dyn Store>, passes: Option<Passes>) -> Self {
        let snapshots = Snapshots::new(store.clone());
        let (enters, asked, latest) = (store.clone(), store.clone(), snapshots.clone());
        let entering = Together::by(move |id, entrants: Vec<Entrant>| {
            let (store, known) = (enters.clone(), latest.latest(&id));
            let longest = known.map_or(u64::MAX, |view| view.longest_line);
            async move { store.enter_all(&id, &entrants, longest).await }
        });
        let asking = Together::by(move |id, askers: Vec<Asker>| {
            let store = asked.clone();
            async move { store.status_all(&id, &askers).await }
        });
        Self {
            store,
            heard: Heard::default(),
            places: Places::new(snapshots.clone(), passes),
            snapshots,
            entering,
            asking,
            public: PublicAnswers::default(),
        }
    }

    /// Returns the routes under `/v2/waiting-room`.
    pub fn router(&self, auth: &Auth) -> OpenApiRouter {
        member::router()
            .layer(auth.members())
            .merge(member::ending().layer(auth.members().ending()))
            .merge(admin::router().layer(auth.admins()))
            .merge(public::router().layer(auth.anyone()))
            .merge(guests::router(auth).layer(auth.main_page()))
            // axum clones the state several times for each request.
            .with_state(Arc::new(self.clone()))
    }

    /// Returns the waiting page and its forms, `/waiting-room/{concertId}`, and its files.
    pub fn pages(&self, auth: &Auth, ways: Ways) -> Router {
        page::router(self, auth, ways)
    }

    /// Beats once a second until `shutdown` is cancelled.
    pub async fn beat(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        Rounds::every(BEAT, "beat")
            .run(&shutdown, || self.beat_once())
            .await;
        Ok(())
    }

    async fn beat_once(&self) -> sunbeon_store::Result<()> {
        let beat = |id, beat| self.refresh(id, beat);
        let beats = self.heard.beat(&*self.store, Role::WaitingRoom, beat);
        let done = beats.await;
        self.snapshots.forget_stale();
        self.public.forget_stale(&self.snapshots);
        done
    }

    async fn refresh(&self, id: ConcertId, beat: Option<Beat>) -> sunbeon_store::Result<()> {
        gauges::show(&self.snapshots.refresh(&id, beat).await?.snapshot);
        Ok(())
    }
}
