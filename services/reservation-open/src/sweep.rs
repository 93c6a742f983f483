//! Removing expired entries.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// The most calls to the store per round and line, each for up to a thousand entries; the rest
/// waits for the next round.
const CALLS: u32 = 10;

pub(crate) async fn collect(service: &ReservationOpen, id: ConcertId) -> sunbeon_store::Result<()> {
    for _ in 0..CALLS {
        if !service.store.sweep(&id).await?.more {
            break;
        }
    }
    Ok(())
}
