//! Sending ENTER messages again that no consumer has answered.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// Sends the ENTER messages of one line again that are due, while the broker takes messages.
pub(crate) async fn send_again(
    service: &ReservationOpen,
    id: ConcertId,
) -> sunbeon_store::Result<()> {
    if !service.announcer.can_publish() {
        return Ok(());
    }
    let (concert, entries) = service.store.resend(&id).await?;
    if !entries.is_empty() {
        tracing::info!(concert = %id, entries = entries.len(), "sending ENTER messages again");
        service.announcer.announce(&concert, entries);
    }
    Ok(())
}
