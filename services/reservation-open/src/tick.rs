//! What is due on a line: groups taken by schedule, messages sent again, and the end of what has expired.

use sunbeon_domain::ConcertId;
use sunbeon_store::{Result, Ticked};
use tracing::{Instrument, info_span};

use crate::ReservationOpen;

/// The most calls to the store per look at a line; the rest waits for the next round.
const CALLS: u32 = 10;

/// Does what is due on a line, in several calls if the store limits the work of one. Nobody is taken and
/// nothing is sent again while the broker accepts no messages. Returns in how many milliseconds the next take
/// is due.
pub(crate) async fn tick(service: &ReservationOpen, id: ConcertId) -> Result<Option<u64>> {
    for _ in 0..CALLS {
        let sends = service.announcer.can_publish();
        let ticked = service.store.tick(&id, sends).await?;
        let (more, next_take_ms) = (ticked.more || ticked.swept.more, ticked.next_take_ms);
        announce(service, &id, ticked).await;
        if !more {
            return Ok(next_take_ms.filter(|_| sends));
        }
    }
    Ok(Some(0))
}

async fn announce(service: &ReservationOpen, id: &ConcertId, ticked: Ticked) {
    let announcer = &service.announcer;
    if !ticked.due_again.is_empty() {
        tracing::info!(concert = %id, entries = ticked.due_again.len(), "sending ENTER messages again");
        announcer.announce(&ticked.concert, ticked.due_again);
    }
    if !ticked.entries.is_empty() {
        let span = info_span!(parent: None, "scheduled take", concert = %id,
            taken = ticked.entries.len());
        let announce = async {
            tracing::info!(
                waiting = ticked.still_waiting,
                "a group was taken on schedule"
            );
            announcer.advanced(id, ticked.entries.len() as u64, ticked.still_waiting);
            announcer.announce(&ticked.concert, ticked.entries);
        };
        announce.instrument(span).await;
    }
}
