//! Shops' gates that say they are blind.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::Serialize;
use sunbeon_broker::{Broker, Heard};
use sunbeon_proto_messages::{BLIND_FOR, Event};
use tokio::time::Instant;

/// The gates that are blind. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Gates(Arc<Mutex<HashMap<String, Said>>>);

struct Said {
    at: Instant,
    open: bool,
}

/// How many gates are blind, by what they do meanwhile.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Blind {
    /// They let everybody in.
    open: usize,
    /// They let nobody in.
    closed: usize,
}

impl Gates {
    /// Listens until the broker is closed.
    pub(crate) async fn listen(&self, broker: &dyn Broker) {
        let mut heard = broker.subscribe_events("gate.blind");
        while let Some(heard) = heard.recv().await {
            if let Heard::Event(Event::GateBlind { instance, open }) = heard {
                let at = Instant::now();
                let mut said = self.0.lock();
                said.retain(|_, said| said.at.elapsed() < BLIND_FOR);
                said.insert(instance, Said { at, open });
            }
        }
    }

    /// Counts the gates that have said within the last 6 s that they are blind.
    pub(crate) fn blind(&self) -> Blind {
        let mut said = self.0.lock();
        said.retain(|_, said| said.at.elapsed() < BLIND_FOR);
        let open = said.values().filter(|said| said.open).count();
        let closed = said.len() - open;
        Blind { open, closed }
    }
}
