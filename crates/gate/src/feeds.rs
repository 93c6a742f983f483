//! The feeds of ended sessions: of each concert whose tokens were shown lately.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, RwLock};
use sunbeon_client::{Caller, Error};
use sunbeon_domain::{ConcertId, EntryNumber};
use sunbeon_tokens::unix_now;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout},
};

use crate::numbers::Numbers;

/// Between the starts of two polls of a feed.
const EVERY: Duration = Duration::from_secs(2);
/// The same after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The gate is blind if its last complete poll is older than this.
pub(crate) const BELIEVED: Duration = Duration::from_secs(5);
/// The time limit of one page.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a feed is followed after a token of its concert was shown.
const FOLLOWED: Duration = Duration::from_secs(3_600);
/// Between two clean-ups of expired entries.
const FORGET: Duration = Duration::from_secs(60);

/// The feeds that are followed.
#[derive(Default)]
pub(crate) struct Feeds {
    by_concert: RwLock<HashMap<ConcertId, Arc<Feed>>>,
    new: Notify,
}

impl Feeds {
    /// Returns the feed of a concert, and follows it from now on. Callers have seen a token that Sunbeon
    /// signed, or hold something for a session, so no concert here is invented.
    pub(crate) fn follow(&self, concert: &ConcertId) -> Arc<Feed> {
        if let Some(feed) = self.by_concert.read().get(concert) {
            feed.shown();
            return feed.clone();
        }
        let mut feeds = self.by_concert.write();
        let feed = feeds
            .entry(concert.clone())
            .or_insert_with(|| Arc::new(Feed::new(concert.clone())));
        self.new.notify_one();
        feed.clone()
    }

    /// Returns whether this session is known to have ended early.
    pub(crate) fn has_ended(&self, concert: &ConcertId, entry: EntryNumber) -> bool {
        let feeds = self.by_concert.read();
        let feed = feeds.get(concert);
        feed.is_some_and(|feed| feed.heard.read().numbers.contains(entry))
    }

    /// Waits for feeds that no task polls yet.
    pub(crate) async fn next_unwatched(&self) -> Vec<Arc<Feed>> {
        loop {
            let feeds: Vec<_> = self.by_concert.read().values().cloned().collect();
            let unwatched = feeds
                .into_iter()
                .filter(|feed| !feed.watched.swap(true, Ordering::Relaxed))
                .collect::<Vec<_>>();
            if !unwatched.is_empty() {
                return unwatched;
            }
            self.new.notified().await;
        }
    }

    /// Polls a feed until no token of its concert has been shown for an hour.
    pub(crate) async fn keep_up(&self, feed: Arc<Feed>, sunbeon: &Caller) {
        let _watched = Watched(&feed);
        while feed.shown.lock().elapsed() < FOLLOWED {
            let began = Instant::now();
            let polled = feed.poll(&sunbeon.within(TIMEOUT)).await;
            if let Err(error) = &polled {
                let (concert, error) = (&feed.concert, error as &(dyn std::error::Error + 'static));
                tracing::debug!(%concert, error, "could not read which sessions have ended");
            }
            let wait = if polled.is_ok() { EVERY } else { AFTER_FAILURE };
            sleep_until(began + wait).await;
        }
        self.by_concert.write().remove(&feed.concert);
    }

    /// Returns why the gate is blind for a concert, if it is.
    pub(crate) fn blindness(&self, concert: &ConcertId) -> Option<Blindness> {
        let feeds = self.by_concert.read();
        feeds.get(concert)?.heard.read().blindness()
    }

    /// Returns for how many concerts the gate is blind, and whether Sunbeon refuses the requests.
    pub(crate) fn blind(&self) -> (usize, bool) {
        let feeds = self.by_concert.read();
        let blind = feeds
            .values()
            .filter_map(|feed| feed.heard.read().blindness());
        blind.fold((0, false), |(many, refused), why| {
            (many + 1, refused || why == Blindness::Refused)
        })
    }
}

/// Why a gate is blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blindness {
    /// Sunbeon is out of reach.
    Unreachable,
    /// Sunbeon refused the last poll.
    Refused,
}

/// What a gate knows about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It ended early.
    Ended,
    /// It had not ended less than five seconds ago.
    Lives,
    /// The gate is blind, or is reading this feed for the first time.
    Unknown,
}

/// The feed of one concert.
pub(crate) struct Feed {
    concert: ConcertId,
    heard: RwLock<Heard>,
    /// When a token of the concert was shown last.
    shown: Mutex<Instant>,
    /// Whether a task polls it.
    watched: AtomicBool,
    /// Whether a first poll has succeeded or failed.
    polled: watch::Sender<bool>,
}

#[derive(Default)]
struct Heard {
    numbers: Numbers,
    /// Where to continue.
    cursor: Option<String>,
    /// When the last page of the latest complete poll was requested: nothing later can be known.
    asked: Option<Instant>,
    failed: bool,
    /// Whether Sunbeon refused the last poll.
    refused: bool,
    forgot: Option<Instant>,
}

impl Heard {
    fn is_fresh(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < BELIEVED)
    }

    fn blindness(&self) -> Option<Blindness> {
        let is_blind = !self.is_fresh() && (self.asked.is_some() || self.failed);
        is_blind.then_some(match self.refused {
            true => Blindness::Refused,
            false => Blindness::Unreachable,
        })
    }
}

/// While it exists, a task polls the feed.
struct Watched<'a>(&'a Feed);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.watched.store(false, Ordering::Relaxed);
    }
}

impl Feed {
    fn new(concert: ConcertId) -> Self {
        Self {
            concert,
            heard: RwLock::default(),
            shown: Mutex::new(Instant::now()),
            watched: AtomicBool::new(false),
            polled: watch::channel(false).0,
        }
    }

    fn shown(&self) {
        *self.shown.lock() = Instant::now();
    }

    pub(crate) fn sight(&self, entry: EntryNumber) -> Sight {
        let heard = self.heard.read();
        if heard.numbers.contains(entry) {
            Sight::Ended
        } else if heard.is_fresh() {
            Sight::Lives
        } else {
            Sight::Unknown
        }
    }

    /// Waits until the first poll of the feed has succeeded or failed, at most for `patience`.
    pub(crate) async fn first_poll(&self, patience: Duration) {
        let mut polled = self.polled.subscribe();
        let _late = timeout(patience, polled.wait_for(|polled| *polled)).await;
    }

    /// Reads to the end of the feed. A failure keeps what was read before.
    async fn poll(&self, sunbeon: &Caller) -> Result<(), Error> {
        let polled = self.read_on(sunbeon).await;
        let mut heard = self.heard.write();
        heard.failed = polled.is_err();
        heard.refused = polled.as_ref().is_err_and(|error| !error.is_down());
        drop(heard);
        self.polled.send_replace(true);
        polled
    }

    async fn read_on(&self, sunbeon: &Caller) -> Result<(), Error> {
        loop {
            let asked = Instant::now();
            let after = self.heard.read().cursor.clone();
            let page = sunbeon.revoked(&self.concert, after.as_deref()).await?;
            let stuck = page.more && page.cursor == after;
            let mut heard = self.heard.write();
            heard.numbers.take_in(page.revoked);
            heard.cursor = page.cursor;
            if heard.forgot.is_none_or(|last| last.elapsed() >= FORGET) {
                heard.numbers.forget(unix_now());
                heard.forgot = Some(asked);
            }
            if stuck {
                return Err(Error::Nonsense("a page leads to itself".to_owned()));
            }
            if !page.more {
                heard.asked = Some(asked);
                return Ok(());
            }
        }
    }
}
