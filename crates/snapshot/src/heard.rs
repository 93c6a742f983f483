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

    /// Beats for every live line, reporting whether it was named, and once more without a beat for those that
    /// are no longer live.
    ///
    /// # Errors
    /// As [`sunbeon_store::for_each`].
    pub async fn beat<Done: Future<Output = Result<()>>>(
        &self,
        store: &dyn Store,
        role: Role,
        beat: impl Fn(ConcertId, Option<Beat>) -> Done,
    ) -> Result<()> {
        let ids = store.live().await?;
        let idle = self.meet(&ids);
        let beats = for_each(ids, async |id| {
            let heard = self.take(&id);
            let done = beat(id.clone(), Some(Beat { role, heard })).await;
            if done.is_err() && heard {
                self.note(&id);
            }
            done
        });
        let beaten = beats.await;
        for_each(idle, |id| beat(id, None)).await.and(beaten)
    }

    /// Whether a concert was named since the last beat.
    fn take(&self, id: &ConcertId) -> bool {
        let known = self.0.read();
        let named = known.get(id).map(|it| it.swap(false, Ordering::Relaxed));
        named.unwrap_or(false)
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
