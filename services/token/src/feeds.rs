//! The feeds of ended sessions, as far as this process has read them.
//!
//! Every gate polls, mostly to find nothing new. So the process keeps what it has read and continues
//! from there: requests waiting for a concert share one read of the store, and each gets its own part
//! of the list.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sunbeon_domain::ConcertId;
use sunbeon_store::{FeedPage, FeedPlace, Revoked, Store, StoreError};
use tokio::time::Instant;

use crate::single_flight::SingleFlight;

/// The most sessions in an answer, some 600 kB.
pub(crate) const PART: usize = 20_000;
/// The sessions in a page of the store; a shorter page is the last.
const PAGE: usize = 1_000;
/// How long a feed that nobody asks for is kept.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// The feeds that gates have asked for lately.
#[derive(Default)]
pub(crate) struct Feeds(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    feeds: HashMap<ConcertId, Asked>,
    cleared: Option<Instant>,
}

struct Asked {
    feed: Arc<Feed>,
    at: Instant,
}

impl Feeds {
    /// Returns the part after `after`, or from the beginning if the feed does not hold that place.
    /// Every session that ended before this call is in the answer, or in those that follow while there
    /// is more.
    pub(crate) async fn read(
        &self,
        store: &dyn Store,
        concert: &ConcertId,
        after: Option<FeedPlace>,
    ) -> Result<Part, Arc<StoreError>> {
        let feed = self.of(concert);
        loop {
            if let Some(part) = feed.list.lock().full_part(after) {
                return Ok(part);
            }
            let all = feed.reading.run(feed.read_on(store, concert)).await?;
            if all {
                return Ok(feed.list.lock().part(after));
            }
        }
    }

    fn of(&self, concert: &ConcertId) -> Arc<Feed> {
        let (mut kept, at) = (self.0.lock(), Instant::now());
        let clear = kept
            .cleared
            .is_none_or(|cleared| at - cleared > KEPT_FOR / 10);
        if clear {
            kept.cleared = Some(at);
            kept.feeds.retain(|_, asked| at - asked.at < KEPT_FOR);
        }
        if let Some(asked) = kept.feeds.get_mut(concert) {
            asked.at = at;
            return asked.feed.clone();
        }
        let feed = Arc::new(Feed::new());
        let asked = Asked {
            feed: feed.clone(),
            at,
        };
        kept.feeds.insert(concert.clone(), asked);
        feed
    }
}

/// The feed of one concert.
struct Feed {
    list: Mutex<List>,
    /// Returns whether it reached the end.
    reading: SingleFlight<Result<bool, Arc<StoreError>>>,
}

impl Feed {
    fn new() -> Self {
        Self {
            list: Mutex::default(),
            reading: SingleFlight::new(),
        }
    }

    /// Reads on in the store, at most as much as an answer holds, so that no caller waits for more than
    /// it needs. What has been read is kept even if the caller goes away.
    async fn read_on(
        &self,
        store: &dyn Store,
        concert: &ConcertId,
    ) -> Result<bool, Arc<StoreError>> {
        for _ in 0..PART / PAGE {
            let last = self.list.lock().last();
            let page = store.revoked(concert, last).await?;
            let is_last = page.revoked.len() < PAGE;
            self.list.lock().take_in(page);
            if is_last {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The answer to one reader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) revoked: Vec<Revoked>,
    /// Where to continue.
    pub(crate) cursor: Option<FeedPlace>,
    pub(crate) more: bool,
}

/// The feed from its oldest on, as far as it was read.
#[derive(Default)]
struct List(VecDeque<Revoked>);

impl List {
    fn last(&self) -> Option<FeedPlace> {
        self.0.back().map(|last| last.place)
    }

    /// Adds what the store returned after [`List::last`].
    fn take_in(&mut self, page: FeedPage) {
        if !page.goes_on {
            self.0.clear();
        }
        let forgotten = self
            .0
            .partition_point(|it| page.oldest.is_none_or(|oldest| it.place.order < oldest));
        self.0.drain(..forgotten);
        self.0.extend(page.revoked);
    }

    /// Returns how many sessions there are up to a place; `None` if it is not in the list.
    fn up_to(&self, place: FeedPlace) -> Option<usize> {
        let at_order = self
            .0
            .binary_search_by_key(&place.order, |it| it.place.order);
        let at = at_order.ok().filter(|at| self.0[*at].place == place)?;
        Some(at + 1)
    }

    /// Returns a full part after a place in the list, if there is one, without asking whether it is the
    /// last.
    fn full_part(&self, after: Option<FeedPlace>) -> Option<Part> {
        let from = match after {
            Some(place) => self.up_to(place)?,
            None => 0,
        };
        let is_full = self.0.len() >= from + PART;
        is_full.then(|| Part {
            more: true,
            ..self.part(after)
        })
    }

    fn part(&self, after: Option<FeedPlace>) -> Part {
        let held = after.filter(|place| self.up_to(*place).is_some());
        let from = held.and_then(|place| self.up_to(place)).unwrap_or(0);
        let to = self.0.len().min(from + PART);
        let revoked: Vec<_> = self.0.range(from..to).copied().collect();
        Part {
            cursor: revoked.last().map(|last| last.place).or(held),
            revoked,
            more: to < self.0.len(),
        }
    }
}

#[cfg(test)]
mod tests;
