//! Putting concerts in force.

use serde_json::Value;
use sunbeon_chassis::{ApiResult, OrFail};
use sunbeon_domain::{Code, Concert, ConcertId};

use super::error::RegistryError;
use crate::{ReservationOpen, audit::Actor};

/// How often an edit is retried when another change comes first.
const TRIES: u32 = 5;

impl ReservationOpen {
    /// Puts a concert in force on every replica by writing it to the store, which they all ask. If
    /// the store knows a later version than this registry, the concert is lifted above that.
    pub(super) async fn put_in_force(&self, mut concert: Concert) -> ApiResult<Concert> {
        let in_force = self.store.put_concert(&concert).await.or_fail()?;
        if in_force > concert.version {
            match self.registry.lift(concert.clone(), in_force).await {
                // A later change is already in force.
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

    /// Applies `edit` to a concert and puts it in force; retries when another change comes first.
    /// An edit that changes nothing leaves the version as it is. `detail` is what the audit says of a concert that
    /// is edited.
    pub(super) async fn edit(
        &self,
        actor: &Actor,
        act: &str,
        id: &ConcertId,
        detail: impl Fn(&Concert) -> Value,
        edit: impl Fn(&Concert) -> ApiResult<Concert>,
    ) -> ApiResult<Concert> {
        let mut recorded = false;
        for _ in 0..TRIES {
            let before = self.registry.find(id).await.or_fail()?;
            let after = edit(&before)?;
            if before.closed && after != before {
                return Err(Code::BookingClosed.into());
            }
            if !recorded {
                self.audit.before(actor, act, id, detail(&before)).await?;
                recorded = true;
            }
            let changed = match after == before {
                true => Ok(before),
                false => self.registry.change(after, false).await,
            };
            match changed {
                Err(RegistryError::Changed) => continue,
                changed => return self.put_in_force(changed.or_fail()?).await,
            }
        }
        Err(Code::VersionMismatch.into())
    }
}
