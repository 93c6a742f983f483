//! The schedule: taking groups off the front when they are due.

use sunbeon_domain::ConcertId;
use sunbeon_store::{Admission, AdmitBy};
use tracing::{Instrument, info_span};

use crate::ReservationOpen;

/// The most calls to the store per round and line; the rest of a take waits for the next round.
const CALLS: u32 = 10;

/// Takes one line's group if it is due, in several calls if the store limits the work of one.
pub(crate) async fn take(service: &ReservationOpen, id: ConcertId) -> sunbeon_store::Result<()> {
    for _ in 0..CALLS {
        if !service.announcer.can_publish() {
            break;
        }
        let Admission::Taken(taken) = service.store.admit(&id, AdmitBy::Schedule).await? else {
            break;
        };
        let more = taken.more;
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
