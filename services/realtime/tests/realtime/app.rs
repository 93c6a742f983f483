//! The service on an embedded store and broker.

use std::sync::Arc;

use sunbeon_broker::{Broker, MemoryBroker};
use sunbeon_client::SunbeonUrl;
use sunbeon_proto_messages::Event;
use sunbeon_realtime::Realtime;
use sunbeon_test_support::{Server, Stage, access::PASS_SECRET};
use sunbeon_tokens::Passes;

use crate::page::Page;

/// The service stops when this is dropped.
pub(crate) struct App {
    pub(crate) stage: Stage,
    pub(crate) address: String,
    broker: Arc<MemoryBroker>,
    server: Server,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_by(|service| service).await
    }

    /// Starts the service beside a shop.
    pub(crate) async fn beside(shop: &Server) -> Self {
        let url = SunbeonUrl::parse(shop.api.url()).expect("an address");
        Self::start_by(|service| service.with_shop(&url).expect("a client")).await
    }

    async fn start_by(made: impl FnOnce(Realtime) -> Realtime) -> Self {
        let stage = Stage::embedded();
        let broker = Arc::new(MemoryBroker::new());
        let passes = Passes::new(PASS_SECRET.as_bytes()).expect("long enough");
        let service = Realtime::new(stage.store.clone(), broker.clone(), Some(passes));
        let service = made(service);
        let server = Server::of("realtime", &[], |auth| service.router(auth)).await;
        tokio::spawn(service.clone().tell(server.stop()));
        tokio::spawn(service.clone().listen(server.stop()));
        tokio::spawn(service.close(server.stop()));
        Self {
            stage,
            address: server.api.address().to_owned(),
            broker,
            server,
        }
    }

    /// A connected page of a member.
    pub(crate) async fn page(&self, member: &str) -> Page {
        let page = Page::open(&self.address, member).await;
        page.expect("the member is let in")
    }

    /// Publishes an event, as another service does.
    pub(crate) fn tell(&self, event: Event) {
        self.broker.publish_event(event);
    }

    /// Tells the process to stop.
    pub(crate) fn stop(&self) {
        self.server.stop().cancel();
    }
}
