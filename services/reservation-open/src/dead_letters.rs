//! Dead letters: ENTER messages that no consumer could handle, and whatever else came to their queue.

mod routes;
mod shown;

use std::{sync::Arc, time::Duration};

use sunbeon_broker::Broker;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

pub(crate) use self::routes::router;

/// How old a count may be that a console is told.
const FRESH: Duration = Duration::from_secs(3);
/// How long a console waits for a count.
const WAIT: Duration = Duration::from_secs(1);

/// The dead letters. A cheap handle.
#[derive(Clone)]
pub(crate) struct DeadLetterQueue {
    broker: Arc<dyn Broker>,
    counted: Arc<Mutex<Option<Counted>>>,
}

struct Counted {
    at: Instant,
    /// Unknown if the broker did not say it.
    count: Option<u32>,
}

impl DeadLetterQueue {
    pub(crate) fn new(broker: Arc<dyn Broker>) -> Self {
        Self {
            broker,
            counted: Arc::default(),
        }
    }

    /// Returns how many there are, at most 3 s old: the broker is asked once, however many consoles are open.
    pub(crate) async fn count(&self) -> Option<u32> {
        let mut counted = self.counted.lock().await;
        match &*counted {
            Some(known) if known.at.elapsed() < FRESH => known.count,
            _ => {
                let asked = timeout(WAIT, self.broker.count_dead_letters()).await;
                let count = asked.ok().and_then(Result::ok);
                let at = Instant::now();
                *counted = Some(Counted { at, count });
                count
            }
        }
    }

    /// Forgets the count after an act, so that a console learns what came of it.
    async fn changed(&self) {
        *self.counted.lock().await = None;
    }
}
