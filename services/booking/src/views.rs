//! Views of the stock, read once a second per concert, however many members ask.

mod map;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sunbeon_chassis::{ApiError, ApiResult};
use sunbeon_database::DatabaseError;
use sunbeon_domain::{Code, Coded, ConcertId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

pub(crate) use self::map::SharedMap;
use crate::stock::{Plan, Stock, Ticket};

/// How long a view is shown.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// How many concerts' views to keep; beyond that, unused ones are dropped.
const KEPT: usize = 64;
/// How long an unused view is kept.
const IDLE: Duration = Duration::from_secs(60);

/// The views of all concerts. A cheap handle.
#[derive(Clone)]
pub(crate) struct Views(Arc<Inner>);

struct Inner {
    stock: Stock,
    slots: Mutex<HashMap<ConcertId, Slot>>,
    sold_out: AsyncMutex<(Option<Instant>, Arc<HashSet<ConcertId>>)>,
}

/// Locked while the view is read, so that one read serves everybody who waits.
type Slot = Arc<AsyncMutex<Option<Read>>>;

struct Read {
    at: Instant,
    view: Result<Option<Arc<View>>, Arc<DatabaseError>>,
}

/// A concert's stock as of a moment ago.
pub(crate) struct View {
    pub(crate) plan: Plan,
    /// In the order of their ids.
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) map: Arc<SharedMap>,
}

impl Views {
    pub(crate) fn new(stock: Stock) -> Self {
        Self(Arc::new(Inner {
            stock,
            slots: Mutex::default(),
            sold_out: AsyncMutex::default(),
        }))
    }

    /// Returns the concerts of which everything is sold, at most a second ago; while the database is down,
    /// as it was last known.
    pub(crate) async fn sold_out(&self) -> Arc<HashSet<ConcertId>> {
        let mut known = self.0.sold_out.lock().await;
        let (at, concerts) = &mut *known;
        if at.is_none_or(|at| at.elapsed() >= GOOD_FOR) {
            *at = Some(Instant::now());
            match self.0.stock.sold_out().await {
                Ok(found) => *concerts = Arc::new(found.into_iter().collect()),
                Err(error) => tracing::debug!(%error, "could not read which concerts are sold out"),
            }
        }
        concerts.clone()
    }

    /// Returns a concert's view, at most a second old.
    pub(crate) async fn of(&self, concert: &ConcertId) -> ApiResult<Arc<View>> {
        let slot = self.slot(concert).lock_owned().await;
        let view = match slot.as_ref().filter(|read| read.is_good()) {
            Some(read) => read.view.clone(),
            None => self.read(concert, slot).await?,
        };
        match view {
            Ok(view) => Ok(view.ok_or(Code::StockNotFound)?),
            Err(error) => Err(ApiError::new(error.code()).caused_by(error)),
        }
    }

    fn slot(&self, concert: &ConcertId) -> Slot {
        let mut slots = self.0.slots.lock();
        if slots.len() >= KEPT {
            slots.retain(|_, slot| slot.try_lock().is_err() || !is_idle(slot));
        }
        slots.entry(concert.clone()).or_default().clone()
    }

    /// Reads in a separate task, so that a caller who leaves does not make the next one read again.
    async fn read(
        &self,
        concert: &ConcertId,
        mut slot: OwnedMutexGuard<Option<Read>>,
    ) -> ApiResult<Result<Option<Arc<View>>, Arc<DatabaseError>>> {
        let (stock, concert) = (self.0.stock.clone(), concert.clone());
        let reading = tokio::spawn(async move {
            let before = slot.take().and_then(|read| read.view.ok().flatten());
            let found = read(&stock, &concert, before.as_deref()).await;
            let view = found.map(|view| view.map(Arc::new)).map_err(Arc::new);
            let at = Instant::now();
            *slot = Some(Read {
                at,
                view: view.clone(),
            });
            view
        });
        let read = reading.await;
        read.map_err(|error| ApiError::new(Code::Internal).caused_by(error))
    }
}

impl Read {
    fn is_good(&self) -> bool {
        self.at.elapsed() < GOOD_FOR
    }
}

fn is_idle(slot: &Slot) -> bool {
    let read = slot.try_lock();
    read.is_ok_and(|read| read.as_ref().is_none_or(|read| read.at.elapsed() > IDLE))
}

async fn read(
    stock: &Stock,
    concert: &ConcertId,
    before: Option<&View>,
) -> Result<Option<View>, DatabaseError> {
    let Some(plan) = stock.plan(concert).await? else {
        return Ok(None);
    };
    let tickets = stock.tickets(concert).await?;
    let (now, seats) = stock.seats(concert).await?;
    let map = SharedMap::after(before.map(|view| &view.map), concert, now, seats);
    Ok(Some(View { plan, tickets, map }))
}
