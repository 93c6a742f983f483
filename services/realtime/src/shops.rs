//! Who has a page of a shop open, where the policy ends the sessions of those who have not.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_store::{Result, StoreError};

use crate::{Realtime, round::Now};

/// How many members the store is told of at a time.
const MOST: usize = 1_000;
/// How much longer than a page may be gone the store is told that no page is here.
const LONGER: Duration = Duration::from_secs(30);

/// Shops that had pages here, and until when the store is told of it. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Shops(Arc<Mutex<HashMap<ConcertId, Instant>>>);

impl Shops {
    fn note(&self, id: &ConcertId, idle: Duration) {
        let until = Instant::now() + idle + LONGER;
        self.0.lock().insert(id.clone(), until);
    }

    fn has(&self, id: &ConcertId) -> bool {
        self.0.lock().contains_key(id)
    }

    /// Returns those that nobody has joined here any more.
    pub(crate) fn left_behind(&self, joined: &[ConcertId]) -> Vec<ConcertId> {
        let mut shops = self.0.lock();
        shops.retain(|_, until| *until > Instant::now());
        let left = shops.keys().filter(|id| !joined.contains(id));
        left.cloned().collect()
    }
}

impl Realtime {
    /// Tells the store who has a page of the shop open.
    pub(crate) async fn note_pages(&self, now: &Now) -> Result<()> {
        let id = now.id();
        let Some(idle) = now.view.snapshot.concert.policy.idle_shop_seconds else {
            return Ok(());
        };
        let all = self.rooms.all(id).into_iter();
        let here = all.filter(|joined| joined.state().event.is_some());
        let here: HashSet<MemberId> = here.map(|joined| joined.member.clone()).collect();
        if !here.is_empty() {
            self.shops.note(id, Duration::from_secs(u64::from(idle)));
        } else if !self.shops.has(id) {
            return Ok(());
        }
        let here: Vec<_> = here.into_iter().collect();
        let (first, rest) = here.split_at(here.len().min(MOST));
        self.store.note_pages(id, first).await?;
        for some in rest.chunks(MOST) {
            self.store.note_pages(id, some).await?;
        }
        Ok(())
    }

    /// Tells the store that no page of a shop is here.
    pub(crate) async fn note_no_page(&self, id: &ConcertId) -> Result<()> {
        match self.store.note_pages(id, &[]).await {
            Err(StoreError::UnknownConcert) => Ok(()),
            noted => noted.map(drop),
        }
    }
}
