//! Sending unanswered ENTER messages again.

use sunbeon_domain::ConcertId;

use crate::ReservationOpen;

/// Sends one line's ENTER messages again when they are due, as long as the broker accepts messages.
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
