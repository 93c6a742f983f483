//! The line in this process: one mutex, one critical section a verb.

mod admit;
mod beats;
mod feed;
mod line;
mod ordered;
mod pages;
mod records;
mod ring;
mod sessions;
mod slots;
mod stock;
mod tick;
mod time;
mod verbs;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, StockReport};

use self::{
    feed::Feed,
    line::{Line, moment},
};
use crate::{
    Admission, Asker, Beat, Claim, Entering, Entrant, Extension, FeedPage, FeedPlace, Leaving,
    Listed, Opening, Recent, Result, Snapshot, StandingFacts, Store, StoreError, Ticked,
};

/// Microseconds since the epoch.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The line in this process. A cheap handle; gone when the process ends.
#[derive(Clone)]
pub struct MemoryStore {
    lines: Arc<Mutex<Lines>>,
    clock: Clock,
}

#[derive(Default)]
struct Lines {
    in_force: BTreeMap<ConcertId, Line>,
    dropped: HashMap<ConcertId, Dropped>,
}

/// What is left of a dropped concert.
#[derive(Default)]
struct Dropped {
    /// So that an older one does not come back.
    version: u64,
    /// Sessions that ended early.
    revoked: Feed,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store on this machine's clock.
    pub fn new() -> Self {
        Self::with_clock(machine_clock)
    }

    /// An empty store on a clock of the caller's, in microseconds since the epoch.
    pub fn with_clock(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            lines: Arc::default(),
            clock: Arc::new(clock),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // A verb that panicked left nothing half done that a later verb could not live with.
        self.lines.lock()
    }

    fn line<T>(&self, id: &ConcertId, verb: impl FnOnce(&mut Line) -> T) -> Result<T> {
        let mut lines = self.lines();
        let line = lines
            .in_force
            .get_mut(id)
            .ok_or(StoreError::UnknownConcert)?;
        line.begin((self.clock)());
        Ok(verb(line))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the embedded store's clock"
)]
fn machine_clock() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Store for MemoryStore {
    async fn put_concert(&self, concert: &Concert) -> Result<u64> {
        let now = (self.clock)();
        let mut lines = self.lines();
        let Lines { in_force, dropped } = &mut *lines;
        let before = dropped
            .get(&concert.concert_id)
            .map_or(0, |dropped| dropped.version);
        if before >= concert.version {
            return Ok(before + 1);
        }
        let line = in_force
            .entry(concert.concert_id.clone())
            .or_insert_with(|| {
                let revoked = dropped
                    .remove(&concert.concert_id)
                    .map(|dropped| dropped.revoked);
                Line::new(concert.clone(), now, revoked.unwrap_or_default())
            });
        line.put(concert, now);
        let other = line.version() == concert.version && *line.concert != *concert;
        Ok(line.version() + u64::from(other))
    }

    async fn drop_concert(&self, id: &ConcertId, version: u64) -> Result<bool> {
        let now = (self.clock)();
        let mut lines = self.lines();
        if let Some(line) = lines.in_force.get_mut(id) {
            line.begin(now);
            if line.version() > version {
                return Ok(true);
            }
            if line.is_in_use() {
                return Ok(false);
            }
        }
        let line = lines.in_force.remove(id);
        for left in lines.dropped.values_mut() {
            if left.revoked.is_collected(moment(now).seconds()) {
                left.revoked = Feed::default();
            }
        }
        let known = lines.dropped.entry(id.clone()).or_default();
        known.version = version.max(known.version);
        if let Some(line) = line {
            known.revoked = line.revoked;
        }
        Ok(true)
    }

    async fn concerts(&self) -> Result<Vec<ConcertId>> {
        Ok(self.lines().in_force.keys().cloned().collect())
    }

    async fn live(&self) -> Result<Vec<ConcertId>> {
        let lines = self.lines();
        let live = lines.in_force.iter().filter(|(_, line)| line.live);
        Ok(live.map(|(id, _)| id.clone()).collect())
    }

    async fn enter_all(
        &self,
        id: &ConcertId,
        entrants: &[Entrant],
        longest: u64,
    ) -> Result<Vec<Result<Entering>>> {
        let entered = self.line(id, |line| line.enter_all(entrants, longest))?;
        Ok(entered.into_iter().map(Ok).collect())
    }

    async fn status_all(
        &self,
        id: &ConcertId,
        askers: &[Asker],
    ) -> Result<Vec<Result<StandingFacts>>> {
        let found = self.line(id, |line| line.status_all(askers))?;
        Ok(found.into_iter().map(Ok).collect())
    }

    async fn leave(
        &self,
        id: &ConcertId,
        member: &MemberId,
        how: Leaving,
    ) -> Result<Option<EntryNumber>> {
        self.line(id, |line| line.leave(member, how))
    }

    async fn claim(&self, id: &ConcertId, member: &MemberId, kid: &str) -> Result<Claim> {
        self.line(id, |line| line.claim(member, kid))
    }

    async fn complete(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<bool> {
        self.line(id, |line| line.complete(member, number))
    }

    async fn extend(
        &self,
        id: &ConcertId,
        member: &MemberId,
        number: EntryNumber,
    ) -> Result<Option<Extension>> {
        self.line(id, |line| line.extend(member, number))
    }

    async fn note_pages(&self, id: &ConcertId, members: &[MemberId]) -> Result<u64> {
        self.line(id, |line| line.note_pages(members))
    }

    async fn revoked(&self, id: &ConcertId, after: Option<FeedPlace>) -> Result<FeedPage> {
        let Lines { in_force, dropped } = &*self.lines();
        let in_force = in_force.get(id).map(|line| &line.revoked);
        let feed = in_force.or_else(|| dropped.get(id).map(|left| &left.revoked));
        let page = feed.map(|feed| feed.page(after));
        Ok(page.unwrap_or_else(|| Feed::default().page(None)))
    }

    async fn admit(&self, id: &ConcertId, opening: Opening<'_>) -> Result<Admission> {
        self.line(id, |line| line.admit(opening))
    }

    async fn tick(&self, id: &ConcertId, sends: bool) -> Result<Ticked> {
        self.line(id, |line| line.tick(sends))
    }

    async fn ready(
        &self,
        id: &ConcertId,
        entries: &[(MemberId, EntryNumber)],
    ) -> Result<Vec<bool>> {
        self.line(id, |line| line.ready(entries))
    }

    async fn beat(&self, id: &ConcertId, beat: Beat) -> Result<()> {
        self.line(id, |line| line.beat(beat))
    }

    async fn snapshot(&self, id: &ConcertId) -> Result<Snapshot> {
        self.line(id, |line| line.snapshot())
    }

    async fn recent(&self, id: &ConcertId, beat: Option<Beat>) -> Result<Recent> {
        self.line(id, |line| line.recent(beat))
    }

    async fn put_stock(&self, id: &ConcertId, report: &StockReport) -> Result<bool> {
        self.line(id, |line| line.put_stock(report))
    }

    async fn refuse_guest(&self, id: &ConcertId) -> Result<()> {
        self.line(id, |line| line.guests_refused += 1)
    }

    async fn members(
        &self,
        id: &ConcertId,
        after: Option<EntryNumber>,
        limit: u32,
    ) -> Result<Vec<Listed>> {
        self.line(id, |line| line.members(after, limit))
    }

    async fn clear(&self, id: &ConcertId) -> Result<u64> {
        self.line(id, Line::clear)
    }

    async fn takes_more(&self) -> Result<()> {
        Ok(())
    }
}
