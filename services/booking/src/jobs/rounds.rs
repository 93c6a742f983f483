//! Jobs that are done again and again.

use std::time::Duration;

use sunbeon_database::DatabaseError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::stock::Stock;

/// Does a job every so often until `shutdown` is cancelled. The first failure in a row is logged,
/// and the return.
pub(crate) async fn every<Round: Future<Output = Result<(), DatabaseError>>>(
    period: Duration,
    job: &'static str,
    shutdown: &CancellationToken,
    round: impl Fn() -> Round,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut well = true;
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let Some(done) = shutdown.run_until_cancelled(round()).await else {
            return;
        };
        report(job, &mut well, &done);
    }
}

/// Brings the tables up to date, trying again each second.
pub(crate) async fn until_migrated(stock: &Stock, shutdown: &CancellationToken) {
    let mut well = true;
    loop {
        let Some(done) = shutdown.run_until_cancelled(stock.migrate()).await else {
            return;
        };
        report("migrate", &mut well, &done);
        if done.is_ok() {
            return;
        }
        let pause = tokio::time::sleep(Duration::from_secs(1));
        if shutdown.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// Logs the first failure in a row, and the return.
pub(crate) fn report(job: &'static str, well: &mut bool, done: &Result<(), DatabaseError>) {
    match done {
        Err(error) if *well => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(job, %error, cause, "a job of the shop cannot be done");
        }
        Ok(()) if !*well => tracing::info!(job, "a job of the shop goes on"),
        _ => {}
    }
    *well = done.is_ok();
}
