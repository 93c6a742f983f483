//! The operator's side of the HTTP API.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use sunbeon_client::Caller;
use sunbeon_domain::{Code, ConcertId};

use crate::ledger::Ledger;

/// An operator of one concert.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) waiting_room: Caller,
    pub(crate) reservation_open: Caller,
    pub(crate) concert: ConcertId,
}

impl Admin {
    /// Creates the concert.
    pub(crate) async fn create(&self, fields: &Value) -> anyhow::Result<()> {
        let created = self.reservation_open.create_concert(fields).await;
        created.context("could not create the concert")?;
        Ok(())
    }

    /// Returns the line's numbers as operators see them now.
    pub(crate) async fn ledger(&self) -> anyhow::Result<Ledger> {
        let line: Value = self
            .waiting_room
            .line(&self.concert)
            .await
            .context("could not read the line")?;
        Ledger::read(&line).map_err(|name| anyhow::anyhow!("the operators' line lacks {name:?}"))
    }

    /// Closes the concert and deletes it. Returns `false` if it could only be closed because
    /// somebody still holds a slot, as the last members do for some seconds after `complete`.
    pub(crate) async fn close_and_delete(&self, patience: Duration) -> anyhow::Result<bool> {
        let closed = self.reservation_open.close_concert(&self.concert).await;
        closed.context("could not close the concert")?;
        let give_up = tokio::time::Instant::now() + patience;
        loop {
            match self.reservation_open.delete_concert(&self.concert).await {
                Ok(()) => return Ok(true),
                Err(error) if !error.is(Code::ConcertInUse) => {
                    return Err(error).context("could not delete the concert");
                }
                Err(_) if tokio::time::Instant::now() >= give_up => return Ok(false),
                Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
    }
}
