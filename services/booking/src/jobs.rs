//! What the shop does in the background.

mod announce;
mod collect;
mod outbox;
mod rounds;
mod till;

use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    announce::Announcer,
    outbox::Outbox,
    till::{Settled, Till},
};
use crate::Shop;

/// Migrates the tables, then runs every job on them until `shutdown` is cancelled.
pub(crate) async fn run(shop: &Shop, shutdown: &CancellationToken) {
    rounds::until_migrated(&shop.stock, shutdown).await;
    tokio::join!(
        shop.outbox.run(shutdown),
        shop.till.run(shutdown),
        collect::run(&shop.stock, &shop.announcer, shutdown),
        shop.announcer.run(shutdown),
    );
}
