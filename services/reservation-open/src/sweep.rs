//! Removing what has expired.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// How often a round calls the store for one line, each time for up to a thousand entries; the
/// rest waits for the next round.
const CALLS: u32 = 10;

pub(crate) async fn collect(service: &ReservationOpen, id: ConcertId) -> sunbeon_store::Result<()> {
    for _ in 0..CALLS {
        if !service.store.sweep(&id).await?.more {
            break;
        }
    }
    Ok(())
}
