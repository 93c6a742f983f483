//! Announcing again what nobody has answered.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// Sends the ENTER messages of one line that are due again, while they can be sent.
pub(crate) async fn again(service: &ReservationOpen, id: &ConcertId) -> sunbeon_store::Result<()> {
    if !service.announcer.can_publish() {
        return Ok(());
    }
    let (concert, entries) = service.store.resend(id).await?;
    if !entries.is_empty() {
        tracing::info!(concert = %id, entries = entries.len(), "ENTER messages go out again");
        service.announcer.announce(&concert, entries);
    }
    Ok(())
}
