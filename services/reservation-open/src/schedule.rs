//! The schedule: taking groups off the front when they are due.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sunbeon_domain::ConcertId;
use sunbeon_store::{Admission, AdmitBy};
use tracing::{Instrument, info_span};

use crate::ReservationOpen;

/// The most calls to the store per round and line; the rest of a take waits for the next round.
const CALLS: u32 = 10;

/// A line in which nobody waits is looked at only so often.
const QUIET: Duration = Duration::from_millis(450);

/// When lines were looked at in which nobody waited.
#[derive(Default)]
pub(crate) struct Quiet(Mutex<HashMap<ConcertId, Instant>>);

impl Quiet {
    fn knows(&self, id: &ConcertId) -> bool {
        let lines = self.0.lock();
        lines.get(id).is_some_and(|since| since.elapsed() < QUIET)
    }

    fn note(&self, id: &ConcertId, nobody_waits: bool) {
        let mut lines = self.0.lock();
        if nobody_waits {
            lines.insert(id.clone(), Instant::now());
        } else {
            lines.remove(id);
        }
    }
}

/// Takes one line's group if it is due, in several calls if the store limits the work of one.
pub(crate) async fn take(
    service: &ReservationOpen,
    quiet: &Quiet,
    id: ConcertId,
) -> sunbeon_store::Result<()> {
    if quiet.knows(&id) {
        return Ok(());
    }
    for _ in 0..CALLS {
        if !service.announcer.can_publish() {
            break;
        }
        let Admission::Taken(taken) = service.store.admit(&id, AdmitBy::Schedule).await? else {
            break;
        };
        let more = taken.more;
        quiet.note(&id, taken.still_waiting == 0);
        if !taken.entries.is_empty() {
            let span = info_span!(parent: None, "scheduled take", concert = %id,
                taken = taken.entries.len());
            let announce = async {
                tracing::info!(
                    waiting = taken.still_waiting,
                    "a group was taken on schedule"
                );
                service
                    .announcer
                    .advanced(&id, taken.entries.len() as u64, taken.still_waiting);
                service.announcer.announce(&taken.concert, taken.entries);
            };
            announce.instrument(span).await;
        }
        if !more {
            break;
        }
    }
    Ok(())
}
