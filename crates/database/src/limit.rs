//! How long a call may take.

use std::time::Duration;

use crate::{DatabaseError, Result};

/// How long a call may wait for a connection.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// Runs a future within twice the limit; without an answer by then, the database counts as down.
pub(crate) async fn in_time<T, E>(
    work: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T>
where
    DatabaseError: From<E>,
{
    match tokio::time::timeout(LIMIT * 2, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(DatabaseError::Down(sqlx::Error::PoolTimedOut)),
    }
}
