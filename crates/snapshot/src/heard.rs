//! What a service hears, and the beats that carry it to the store.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::RwLock;
use sunbeon_domain::ConcertId;
use sunbeon_store::{Beat, Result, Role, Store, for_each};

/// The concerts that members and visitors of a service have named since its last beat, of those whose line
/// was live then. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<RwLock<HashMap<ConcertId, AtomicBool>>>);

impl Heard {
    /// Notes a member's or visitor's request for a concert, even if it is refused. Ids that no beat has
    /// met are ignored, so that invented ones take no memory.
    pub fn note(&self, id: &ConcertId) {
        if let Some(named) = self.0.read().get(id) {
            named.store(true, Ordering::Relaxed);
        }
    }

    /// Beats for every live line, reporting whether it was named, and runs `then` for each after its
    /// beat, and once more for those that are no longer live.
    ///
    /// # Errors
    /// As [`sunbeon_store::for_each_live_line`].
    pub async fn beat<Then: Future<Output = Result<()>>>(
        &self,
        store: &dyn Store,
        role: Role,
        then: impl Fn(ConcertId) -> Then,
    ) -> Result<()> {
        let ids = store.live().await?;
        let idle = self.meet(&ids);
        let beats = for_each(ids, async |id| {
            self.beat_for(store, role, &id).await?;
            then(id).await
        });
        let beaten = beats.await;
        for_each(idle, then).await.and(beaten)
    }

    async fn beat_for(&self, store: &dyn Store, role: Role, id: &ConcertId) -> Result<()> {
        let named = self
            .0
            .read()
            .get(id)
            .map(|it| it.swap(false, Ordering::Relaxed));
        let heard = named.unwrap_or(false);
        let done = store.beat(id, Beat { role, heard }).await;
        if done.is_err() && heard {
            self.note(id);
        }
        done
    }

    /// Knows these lines from now on; returns those that were known and are not any more.
    fn meet(&self, ids: &[ConcertId]) -> Vec<ConcertId> {
        let mut known = self.0.write();
        let mut before = std::mem::take(&mut *known);
        *known = ids
            .iter()
            .map(|id| (id.clone(), before.remove(id).unwrap_or_default()))
            .collect();
        before.into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_concerts_that_a_beat_has_met_are_noted() {
        let [met, invented] = ["met", "invented"].map(|id| ConcertId::parse(id).unwrap());
        let heard = Heard::default();
        heard.note(&met);
        heard.meet(std::slice::from_ref(&met));
        assert!(!heard.0.read()[&met].load(Ordering::Relaxed));
        heard.note(&met);
        heard.note(&invented);
        heard.meet(std::slice::from_ref(&met));
        assert!(heard.0.read()[&met].load(Ordering::Relaxed));
        assert_eq!(heard.0.read().len(), 1);
        assert_eq!(heard.meet(&[]), [met]);
        assert!(heard.0.read().is_empty());
    }
}
