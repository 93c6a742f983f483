//! Collecting what has run out.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// A round of one line collects at most so many times a thousand; the rest waits for the next.
const CALLS: u32 = 10;

pub(crate) async fn collect(
    service: &ReservationOpen,
    id: &ConcertId,
) -> sunbeon_store::Result<()> {
    for _ in 0..CALLS {
        if !service.store.sweep(id).await?.more {
            break;
        }
    }
    Ok(())
}
