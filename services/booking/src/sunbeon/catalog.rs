//! The concerts in Sunbeon's registry, cached for five minutes.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use sunbeon_broker::Broker;
use sunbeon_domain::{Code, Coded, Concert, ConcertId};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Sunbeon, SunbeonError};

/// How long to wait for a changed list if an older one is available.
const PATIENCE: Duration = Duration::from_millis(300);
/// Longer than any fetch takes.
const NEVER: Duration = Duration::from_secs(60);
/// How long a list is valid unless a change is announced.
const GOOD_FOR: Duration = Duration::from_secs(300);
/// The pause after a failed fetch.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to remember that a concert does not exist.
const MISSING_FOR: Duration = Duration::from_secs(2);
/// How many missing concerts to remember.
const MISSING: usize = 1_000;
/// The events to subscribe to.
const CHANGES: &str = "concert.changed.#";

/// All concerts. A cheap handle.
#[derive(Clone)]
pub(crate) struct Catalog(Arc<Inner>);

struct Inner {
    sunbeon: Sunbeon,
    /// Counts the announced changes: a list fetched before the last one is out of date.
    changes: AtomicU64,
    list: Mutex<List>,
    missing: Mutex<HashMap<ConcertId, Instant>>,
}

#[derive(Default)]
struct List {
    fetched: Option<Fetched>,
    /// When the last fetch failed, and what was unavailable.
    failed: Option<(Instant, Code)>,
    /// The last fetch that was started.
    fetch: Option<Fetch>,
}

struct Fetched {
    concerts: Arc<[Concert]>,
    at: Instant,
    changes: u64,
}

/// A fetch in a separate task.
#[derive(Clone)]
struct Fetch {
    /// Closed when the fetch has ended.
    over: watch::Receiver<()>,
    /// How long callers with an older list wait for it.
    patience: Instant,
}

impl Fetched {
    fn is_good(&self, changes: u64, now: Instant) -> bool {
        self.changes == changes && now < self.at + GOOD_FOR
    }
}

impl Catalog {
    /// Creates an empty catalog. Fetches nothing yet.
    pub(crate) fn new(sunbeon: Sunbeon) -> Self {
        Self(Arc::new(Inner {
            sunbeon,
            changes: AtomicU64::new(0),
            list: Mutex::default(),
            missing: Mutex::default(),
        }))
    }

    /// Listens for changes until `shutdown` is cancelled.
    pub(crate) async fn listen(&self, broker: &dyn Broker, shutdown: &CancellationToken) {
        let mut heard = broker.subscribe_events(CHANGES);
        // An event, or a notice that some were missed: something may have changed in both cases.
        while let Some(Some(_)) = shutdown.run_until_cancelled(heard.recv()).await {
            self.purge();
        }
        shutdown.cancelled().await;
    }

    /// Marks everything fetched so far as out of date.
    pub(crate) fn purge(&self) {
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        self.missing().clear();
    }

    /// Returns all concerts, in the order of their ids. The latest list is returned at once and
    /// refreshed in the background if it is out of date; callers wait only for the very first
    /// fetch, and briefly for one after a change.
    pub(crate) async fn all(&self) -> Result<Arc<[Concert]>, SunbeonError> {
        let patience = Instant::now() + PATIENCE;
        while let Some((mut over, limit)) = self.awaited(patience) {
            if timeout_at(limit, over.changed()).await.is_err() {
                break;
            }
        }
        let list = self.list();
        match (&list.fetched, list.failed) {
            (Some(fetched), _) => Ok(fetched.concerts.clone()),
            (None, Some((_, code))) => Err(SunbeonError::Pause(code)),
            (None, None) => Err(SunbeonError::Pause(Code::WaitingRoomDown)),
        }
    }

    /// Starts a fetch if one is needed and none is in progress. Returns the fetch to wait for, and
    /// until when.
    fn awaited(&self, patience: Instant) -> Option<(watch::Receiver<()>, Instant)> {
        let mut list = self.list();
        let changes = self.0.changes.load(Ordering::SeqCst);
        let now = Instant::now();
        let fetched = list.fetched.as_ref();
        if fetched.is_some_and(|fetched| fetched.is_good(changes, now)) {
            return None;
        }
        let is_new = fetched.is_none();
        let is_changed = fetched.is_some_and(|fetched| fetched.changes != changes);
        let latest = list.fetch.clone();
        let under_way = latest.filter(|fetch| fetch.over.has_changed().is_ok());
        let fetch = match under_way {
            Some(fetch) => fetch,
            None if list.failed.is_some_and(|(failed, _)| now < failed + PAUSE) => return None,
            None => self.fetch(&mut list, changes, now),
        };
        if is_new {
            Some((fetch.over, now + NEVER))
        } else {
            is_changed.then(|| (fetch.over, fetch.patience.min(patience)))
        }
    }

    fn fetch(&self, list: &mut List, changes: u64, now: Instant) -> Fetch {
        let (end, over) = watch::channel(());
        // After a failed fetch everybody has waited once already.
        let patience = if list.failed.is_some() {
            now
        } else {
            now + PATIENCE
        };
        let fetch = list.fetch.insert(Fetch { over, patience }).clone();
        let this = self.clone();
        tokio::spawn(async move {
            let concerts = this.0.sunbeon.concerts().await;
            this.fetched(concerts, changes, now);
            drop(end);
        });
        fetch
    }

    fn fetched(&self, concerts: Result<Vec<Concert>, SunbeonError>, changes: u64, at: Instant) {
        let mut list = self.list();
        match concerts {
            Ok(mut concerts) => {
                concerts.sort_by(|a, b| a.concert_id.cmp(&b.concert_id));
                list.failed = None;
                list.fetched = Some(Fetched {
                    concerts: concerts.into(),
                    at,
                    changes,
                });
            }
            Err(error) => {
                let failed = (Instant::now(), error.code());
                if list.failed.replace(failed).is_none() {
                    tracing::warn!(%error, "could not fetch the list of concerts; retrying");
                }
            }
        }
    }

    /// Returns one concert, or `None` if it does not exist. A concert missing from the list is
    /// looked up individually.
    pub(crate) async fn find(&self, id: &ConcertId) -> Result<Option<Concert>, SunbeonError> {
        let all = self.all().await?;
        if let Ok(found) = all.binary_search_by(|concert| concert.concert_id.cmp(id)) {
            return Ok(Some(all[found].clone()));
        }
        if self.is_missing(id) {
            return Ok(None);
        }
        let changes = self.0.changes.load(Ordering::SeqCst);
        let found = self.0.sunbeon.concert(id).await?;
        match &found {
            // This concert is newer than the list.
            Some(concert) => self.add(concert),
            None => self.remember_missing(id, changes),
        }
        Ok(found)
    }

    /// Adds a concert until the list is fetched again.
    fn add(&self, concert: &Concert) {
        self.purge();
        if let Some(fetched) = &mut self.list().fetched {
            let place = fetched
                .concerts
                .binary_search_by(|one| one.concert_id.cmp(&concert.concert_id));
            if let Err(place) = place {
                let mut concerts = fetched.concerts.to_vec();
                concerts.insert(place, concert.clone());
                fetched.concerts = concerts.into();
            }
        }
    }

    fn is_missing(&self, id: &ConcertId) -> bool {
        let missing = self.missing();
        let until = missing.get(id);
        until.is_some_and(|until| Instant::now() < *until)
    }

    /// Remembers a missing concert, unless a change was announced since `changes`.
    fn remember_missing(&self, id: &ConcertId, changes: u64) {
        let now = Instant::now();
        let mut missing = self.missing();
        if self.0.changes.load(Ordering::SeqCst) != changes {
            return;
        }
        if missing.len() >= MISSING {
            missing.retain(|_, until| now < *until);
        }
        if missing.len() < MISSING {
            missing.insert(id.clone(), now + MISSING_FOR);
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.list.lock()
    }

    fn missing(&self) -> MutexGuard<'_, HashMap<ConcertId, Instant>> {
        self.0.missing.lock()
    }
}

#[cfg(test)]
mod tests {
    use sunbeon_broker::MemoryBroker;
    use sunbeon_test_support::eventually;

    use super::*;

    #[test]
    fn a_fetched_concert_is_kept_for_five_minutes_or_until_it_changes() {
        let at = Instant::now();
        let fetched = Fetched {
            concerts: [].into(),
            at,
            changes: 7,
        };
        let last = at + Duration::from_secs(300);
        assert!(fetched.is_good(7, at));
        assert!(fetched.is_good(7, last - Duration::from_millis(1)));
        assert!(!fetched.is_good(7, last));
        assert!(!fetched.is_good(8, at));
    }

    #[tokio::test]
    async fn possibly_missed_changes_count_as_changes() {
        let url = sunbeon_client::SunbeonUrl::parse("http://127.0.0.1:9").expect("an address");
        let sunbeon = Sunbeon::new(&url, "never shown".into());
        let catalog = Catalog::new(sunbeon.expect("a client"));
        let (broker, shutdown) = (MemoryBroker::new(), CancellationToken::new());
        // The first thing a listener hears is that it may have missed events.
        let purged = async || catalog.0.changes.load(Ordering::SeqCst) == 1;
        tokio::select! {
            () = catalog.listen(&broker, &shutdown) => panic!("it listens until it is told to stop"),
            () = eventually(Duration::from_secs(20), "the list is purged", purged) => {}
        }
    }
}
