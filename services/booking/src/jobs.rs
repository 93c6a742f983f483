//! The shop's background jobs.

mod announce;
pub(crate) mod blind;
mod collect;
mod outbox;
mod report;
mod sessions;
mod till;

use std::time::Duration;

use sunbeon_chassis::Rounds;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    announce::Announcer,
    outbox::Outbox,
    report::Reporter,
    till::{Settled, Till},
};
use crate::Shop;

/// Migrates the tables, then runs every job until `shutdown` is cancelled.
pub(crate) async fn run(shop: &Shop, shutdown: &CancellationToken) {
    let migrated = Rounds::every(Duration::from_secs(1), "migrate")
        .until_done(shutdown, || shop.stock.migrate())
        .await;
    if !migrated {
        return;
    }
    // Boxed, or the task would not fit on a worker's stack.
    tokio::join!(
        Box::pin(shop.outbox.run(shutdown)),
        Box::pin(shop.till.run(shutdown)),
        Box::pin(collect::run(&shop.stock, &shop.announcer, shutdown)),
        Box::pin(sessions::run(
            &shop.gate,
            &shop.stock,
            &shop.announcer,
            shutdown
        )),
        Box::pin(shop.announcer.run(shutdown)),
        Box::pin(shop.reporter.run(shutdown)),
    );
}
