//! The latest snapshot of each line.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use sunbeon_domain::{ConcertId, Estimate, UnixMs};
use sunbeon_store::{Beat, Recent, Result, Snapshot, Store, StoreError};
use tokio::sync::Mutex;

/// From then on a snapshot is taken anew by whoever asks for it first.
const FRESH: Duration = Duration::from_secs(1);
/// Older snapshots are not shown.
const STALE: Duration = Duration::from_secs(5);

/// A line as a process knows it.
#[derive(Debug, Clone)]
pub struct View {
    /// What the store told.
    pub snapshot: Arc<Snapshot>,
    /// The last queue number for which the wait is not too long, where the policy refuses long waits;
    /// else [`u64::MAX`].
    pub longest_line: u64,
    since: Instant,
}

impl View {
    pub(crate) fn new(Recent { snapshot, now }: Recent) -> Self {
        let age = Duration::from_millis(u64::try_from(now.0 - snapshot.at.0).unwrap_or(0));
        let told = Instant::now();
        let (policy, facts) = (&snapshot.concert.policy, &snapshot.line_facts);
        let longest_line = if policy.refuse_long_wait {
            Estimate::longest_line(facts, policy, snapshot.at)
        } else {
            u64::MAX
        };
        Self {
            longest_line,
            snapshot: Arc::new(snapshot),
            since: told.checked_sub(age).unwrap_or(told),
        }
    }

    /// How long ago it was so.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The store's time now, as this process can tell.
    pub fn now(&self) -> UnixMs {
        self.snapshot.at + self.age_ms()
    }

    pub(crate) fn age_ms(&self) -> i64 {
        i64::try_from(self.age().as_millis()).unwrap_or(i64::MAX)
    }
}

/// An attempt to ask the store that failed, for all who waited for it.
struct Failed {
    at: Instant,
    id: ConcertId,
    error: StoreError,
}

/// The latest snapshots. A cheap handle.
#[derive(Clone)]
pub struct Snapshots {
    store: Arc<dyn Store>,
    latest: Arc<RwLock<HashMap<ConcertId, View>>>,
    /// Held by whoever asks the store, so that a crowd asks once, with the last failure; by the last bits
    /// of the id.
    asking: Arc<[Arc<Mutex<Option<Failed>>>; 16]>,
}

impl Failed {
    fn now(id: &ConcertId, error: &StoreError) -> Self {
        Self {
            at: Instant::now(),
            id: id.clone(),
            error: error.again(),
        }
    }

    /// Whether it answers somebody who asked for a concert before it failed. A store that is down is so
    /// for every concert.
    fn answers(&self, id: &ConcertId, asked: Instant) -> bool {
        self.at >= asked && (self.id == *id || matches!(self.error, StoreError::Down(_)))
    }
}

impl Snapshots {
    /// Creates an empty collection.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            latest: Arc::default(),
            asking: Arc::default(),
        }
    }

    /// Returns the latest view of a line, at most 5 s old. One older than a second is taken anew
    /// meanwhile. Fails only if there is none and the store tells none.
    pub async fn get(&self, id: &ConcertId) -> Result<View> {
        let turn = &self.asking[slot(id)];
        let Some(known) = self.latest(id) else {
            let asked = Instant::now();
            let mut failed = turn.lock().await;
            if let Some(view) = self.latest(id) {
                return Ok(view);
            }
            if let Some(failed) = failed.as_ref().filter(|failed| failed.answers(id, asked)) {
                return Err(failed.error.again());
            }
            let view = self.refresh(id, None).await;
            *failed = view.as_ref().err().map(|error| Failed::now(id, error));
            return view;
        };
        if known.age() > FRESH
            && let Ok(turn) = turn.clone().try_lock_owned()
        {
            let (snapshots, id) = (self.clone(), id.clone());
            tokio::spawn(async move {
                // Where the store tells none, the old one is shown until it is too old.
                let _told = snapshots.refresh(&id, None).await;
                drop(turn);
            });
        }
        Ok(known)
    }

    /// Returns the latest view of a line that this process has, unless it is over 5 s old.
    pub fn latest(&self, id: &ConcertId) -> Option<View> {
        let known = self.latest.read().get(id).cloned();
        known.filter(|view| view.age() < STALE)
    }

    /// Asks the store for a line, with a beat if there is one.
    pub async fn refresh(&self, id: &ConcertId, beat: Option<Beat>) -> Result<View> {
        let asked = self.store.recent(id, beat).await;
        if matches!(asked, Err(StoreError::UnknownConcert)) {
            self.latest.write().remove(id);
        }
        let view = View::new(asked?);
        self.latest.write().insert(id.clone(), view.clone());
        Ok(view)
    }

    /// Forgets the views that are too old to be shown.
    pub fn forget_stale(&self) {
        self.latest.write().retain(|_, view| view.age() < STALE);
    }
}

/// Which of the turns is that of a concert.
fn slot(id: &ConcertId) -> usize {
    let last = id.as_str().bytes().next_back();
    usize::from(last.unwrap_or_default() % 16)
}
