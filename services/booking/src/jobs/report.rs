//! Telling the line what is left.

use std::{collections::BTreeSet, mem, sync::Arc, time::Duration};

use futures::{TryStreamExt, stream};
use parking_lot::Mutex;
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use sunbeon_domain::{Code, Coded, ConcertId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    stock::Stock,
    sunbeon::{Sunbeon, SunbeonError},
};

/// How often to look for reports that are due.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait for further changes, so that a rush of them is one report.
const PAUSE: Duration = Duration::from_millis(250);
/// When to report again without a change.
const LIVE: Duration = Duration::from_secs(5);
/// When to report again to a line with nobody in it or inside: before the last report is too old.
const IDLE: Duration = Duration::from_secs(45);
/// How many due reports to make in a round.
const MOST_DUE: u32 = 1_000;
/// How many reports to make concurrently.
const AT_ONCE: usize = 16;

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
enum ReportError {
    #[error("could not read what is left")]
    Database(#[from] DatabaseError),
    #[error("could not tell the line")]
    Sunbeon(#[from] SunbeonError),
}

impl Coded for ReportError {
    fn code(&self) -> Code {
        match self {
            Self::Database(error) => error.code(),
            Self::Sunbeon(error) => error.code(),
        }
    }
}

/// Reports to the line. A cheap handle; one of its clones runs.
#[derive(Clone)]
pub(crate) struct Reporter {
    stock: Stock,
    sunbeon: Sunbeon,
    /// Concerts of which something was held, sold or freed since the last round.
    changed: Arc<Mutex<BTreeSet<ConcertId>>>,
    something: Arc<Notify>,
}

impl Reporter {
    pub(crate) fn new(stock: Stock, sunbeon: Sunbeon) -> Self {
        Self {
            stock,
            sunbeon,
            changed: Arc::default(),
            something: Arc::default(),
        }
    }

    /// Schedules a report of a concert. Never waits.
    pub(crate) fn changed(&self, concert: &ConcertId) {
        self.changed.lock().insert(concert.clone());
        self.something.notify_one();
    }

    /// Reports what has changed here, and what is due and no other replica reports, until `shutdown` is
    /// cancelled.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        Rounds::every(EVERY, "reports of what is left")
            .run_woken(shutdown, &self.something, || self.round())
            .await;
    }

    async fn round(&self) -> Result<(), ReportError> {
        tokio::time::sleep(PAUSE).await;
        let changed = mem::take(&mut *self.changed.lock());
        let done = self.report_all(&changed).await;
        if done.is_err() {
            self.changed.lock().extend(changed);
        }
        done
    }

    async fn report_all(&self, changed: &BTreeSet<ConcertId>) -> Result<(), ReportError> {
        let due = self.stock.reports_due(MOST_DUE).await?;
        let due = due.into_iter().filter(|concert| !changed.contains(concert));
        let all = changed.iter().cloned().chain(due).map(Ok);
        stream::iter(all)
            .try_for_each_concurrent(AT_ONCE, |concert| self.report(concert))
            .await
    }

    async fn report(&self, concert: ConcertId) -> Result<(), ReportError> {
        let Some(left) = self.stock.left(&concert).await? else {
            return Ok(());
        };
        let live = self.sunbeon.report_stock(&concert, &left).await?;
        let again = if live { LIVE } else { IDLE };
        Ok(self.stock.report_again(&concert, again).await?)
    }
}
