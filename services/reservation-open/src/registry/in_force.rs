//! Putting concerts in force.

use serde_json::json;
use sunbeon_chassis::{ApiResult, OrFail, Reply};
use sunbeon_domain::{Code, Concert, ConcertId};

use super::{RegistryError, concerts::CHANGED};
use crate::{ReservationOpen, audit::Actor};

/// How often a change of one field is repeated when another change comes between.
const TRIES: u32 = 5;

impl ReservationOpen {
    /// Puts a concert in force on every replica: the store is what they all ask. Where the store
    /// knows a later version than this registry, the concert is lifted above it.
    pub(super) async fn put_in_force(&self, mut concert: Concert) -> ApiResult<Concert> {
        let in_force = self.store.put_concert(&concert).await.or_fail()?;
        if in_force > concert.version {
            match self.registry.lift(concert.clone(), in_force).await {
                // A later change is in force already.
                Err(RegistryError::Changed) => {}
                lifted => {
                    concert = lifted.or_fail()?;
                    self.store.put_concert(&concert).await.or_fail()?;
                }
            }
        }
        self.announcer.changed(&concert.concert_id, concert.version);
        Ok(concert)
    }

    /// Changes one thing of a concert, whatever its version. What is so already stays as it is.
    pub(super) async fn set(
        &self,
        actor: &Actor,
        act: &str,
        id: &ConcertId,
        set: impl Fn(&mut Concert),
    ) -> ApiResult<Reply<Concert>> {
        let mut audited = false;
        for _ in 0..TRIES {
            let before = self.registry.find(id).await.or_fail()?;
            let mut after = before.clone();
            set(&mut after);
            if before.closed && after != before {
                return Err(Code::BookingClosed.into());
            }
            if !audited {
                self.audit.before(actor, act, id, json!({})).await?;
                audited = true;
            }
            let changed = match after == before {
                true => Ok(before),
                false => self.registry.change(after, false).await,
            };
            match changed {
                Err(RegistryError::Changed) => continue,
                changed => {
                    let concert = changed.or_fail()?;
                    let concert = self.put_in_force(concert).await?;
                    return Ok(Reply::ok(CHANGED, concert));
                }
            }
        }
        Err(Code::VersionMismatch.into())
    }
}
