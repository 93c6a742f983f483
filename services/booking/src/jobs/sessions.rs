//! Ending members' holds with their sessions, after exit, removal, completion or expiry.

use std::time::Duration;

use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use sunbeon_gate::Gate;
use tokio_util::sync::CancellationToken;

use super::announce::Announcer;
use crate::stock::Stock;

/// Well within the 5 s after which the slot of an ended session becomes free.
const EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    gate: &Gate,
    stock: &Stock,
    announcer: &Announcer,
    shutdown: &CancellationToken,
) {
    Rounds::every(EVERY, "sessions")
        .run(shutdown, || round(gate, stock, announcer))
        .await;
}

/// Ends every session that holds something and that the gate knows to be revoked. Sessions that
/// expire need nothing, because no hold outlasts its token.
async fn round(gate: &Gate, stock: &Stock, announcer: &Announcer) -> Result<(), DatabaseError> {
    for session in stock.live_sessions().await? {
        if !gate.has_ended(&session.concert_id, session.entry_number) {
            continue;
        }
        let ended = stock.end_session(&session).await?;
        announcer.released(&session.concert_id, &ended.seats);
        if ended.tickets {
            announcer.tickets_moved(&session.concert_id);
        }
    }
    stock.forget_sessions().await
}
