//! Carrying out the external effects of bookings, at least once each: ending sessions and making
//! refunds.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::future::join_all;
use parking_lot::{Mutex, MutexGuard};
use sunbeon_chassis::Rounds;
use sunbeon_database::DatabaseError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    payments::{NotRefunded, Payments, Refund},
    stock::{Kind, Stock, Task, Work},
    sunbeon::Sunbeon,
};

/// How often to look for tasks without a call to [`Outbox::wake`].
const EVERY: Duration = Duration::from_secs(1);
/// How many tasks a round carries out concurrently.
const AT_ONCE: u32 = 64;
/// The longest pause after a failed task.
const LONGEST: Duration = Duration::from_secs(60);
/// How many failing tasks to remember; beyond that, all count as new.
const REMEMBERED: usize = 10_000;

/// The worker. A cheap handle; one of its clones runs.
#[derive(Clone)]
pub(crate) struct Outbox {
    stock: Stock,
    sunbeon: Sunbeon,
    payments: Payments,
    completes: Arc<Notify>,
    refunds: Arc<Notify>,
    /// How often in a row each open task has failed in this process.
    failures: Arc<Mutex<HashMap<String, u32>>>,
}

impl Outbox {
    pub(crate) fn new(stock: Stock, sunbeon: Sunbeon, payments: Payments) -> Self {
        Self {
            stock,
            sunbeon,
            payments,
            completes: Arc::default(),
            refunds: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// Starts a look for tasks at once.
    pub(crate) fn wake(&self) {
        self.completes.notify_one();
        self.refunds.notify_one();
    }

    /// Carries out due tasks until `shutdown` is cancelled. An interrupted task becomes due again.
    /// Refunds never delay the end of a session.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        tokio::join!(
            self.work(Kind::Complete, &self.completes, shutdown),
            self.work(Kind::Refund, &self.refunds, shutdown),
        );
    }

    async fn work(&self, kind: Kind, something: &Notify, shutdown: &CancellationToken) {
        let job = match kind {
            Kind::Complete => "ends of sessions",
            Kind::Refund => "refunds",
        };
        Rounds::every(EVERY, job)
            .run_woken(shutdown, something, || self.round(kind, something))
            .await;
    }

    async fn round(&self, kind: Kind, something: &Notify) -> Result<(), DatabaseError> {
        let due = self.stock.due_tasks(kind, AT_ONCE).await?;
        let more = due.len() == AT_ONCE as usize;
        let settled = join_all(due.into_iter().map(|task| self.settle(task))).await;
        if more {
            something.notify_one();
        }
        settled.into_iter().collect()
    }

    async fn settle(&self, task: Task) -> Result<(), DatabaseError> {
        if self.is_done(&task).await {
            return self.stock.task_done(&task.id).await;
        }
        let failed = self.failed(&task.id);
        let pause = LONGEST.min(EVERY * 2_u32.pow((failed - 1).min(6)));
        self.stock.task_again(&task.id, pause).await
    }

    async fn is_done(&self, task: &Task) -> bool {
        let done = match &task.work {
            Work::Complete(session) => {
                let completed = self.sunbeon.complete(session).await;
                if let Err(error) = &completed {
                    let concert = &session.concert_id;
                    tracing::debug!(%error, %concert, "could not end a session; retrying");
                }
                completed.is_ok()
            }
            Work::Refund {
                payment_id,
                amount,
                key,
            } => {
                let refund = Refund {
                    payment_id: payment_id.clone(),
                    amount: *amount,
                    key: key.clone(),
                };
                let refunded = self.payments.refund(&refund).await;
                self.report(&task.id, &refunded);
                refunded.is_ok()
            }
        };
        if done {
            self.failures().remove(&task.id);
        }
        done
    }

    /// Logs a refund's first failure, every tenth failure, which somebody must look at, and the
    /// success that ends them.
    fn report(&self, task: &str, refunded: &Result<(), NotRefunded>) {
        let failed = self.failures().get(task).copied().unwrap_or_default();
        match (refunded, failed) {
            (Err(error), 0) => tracing::warn!(task, %error, "refund failed; will retry"),
            (Err(error), _) if (failed + 1) % 10 == 0 => {
                tracing::error!(task, %error, times = failed + 1, "refund keeps failing; will retry");
            }
            (Ok(()), 1..) => tracing::info!(task, failed, "refund succeeded after failures"),
            _ => {}
        }
    }

    /// Counts a failure and returns how often in a row the task has failed. The pause is 1 s,
    /// doubling up to a minute.
    fn failed(&self, id: &str) -> u32 {
        let mut failures = self.failures();
        if failures.len() >= REMEMBERED {
            failures.clear();
        }
        let failed = failures.entry(id.to_owned()).or_default();
        *failed = failed.saturating_add(1);
        *failed
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.failures.lock()
    }
}
