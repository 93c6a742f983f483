//! Projecting the registry's concerts into the store.

use std::time::Duration;

use sunbeon_chassis::Rounds;
use sunbeon_domain::{Coded, ConcertId};
use sunbeon_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::{error::RegistryError, rows::Registered};
use crate::ReservationOpen;

const EVERY: Duration = Duration::from_secs(10);
/// How soon a failed round is retried.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Migrates the tables, then projects every 10 s until `shutdown` is cancelled.
pub(crate) async fn run(service: &ReservationOpen, shutdown: &CancellationToken) {
    let migrated = Rounds::every(AFTER_FAILURE, "migrate")
        .until_done(shutdown, || service.registry.migrate())
        .await;
    if migrated {
        Rounds::every(EVERY, "project")
            .after_failure(AFTER_FAILURE)
            .run(shutdown, || project(service))
            .await;
    }
}

/// Why a round of the projection failed.
#[derive(Debug, thiserror::Error)]
enum NotProjected {
    #[error("the registry did not answer")]
    Registry(#[from] RegistryError),
    #[error("the store did not take a concert")]
    Store(#[from] StoreError),
}

impl Coded for NotProjected {
    fn code(&self) -> sunbeon_domain::Code {
        match self {
            Self::Registry(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

async fn project(service: &ReservationOpen) -> Result<(), NotProjected> {
    let in_force = service.store.concerts().await?;
    let mut done = Ok(());
    for row in service.registry.all().await? {
        match put(service, row, &in_force).await {
            // Only this concert is at fault: still put the others in force.
            Err(
                error @ (StoreError::Bug(_) | StoreError::Full(_) | StoreError::OtherRelease(_)),
            ) => done = Err(error.into()),
            put => put?,
        }
    }
    done
}

async fn put(
    service: &ReservationOpen,
    row: Registered,
    in_force: &[ConcertId],
) -> sunbeon_store::Result<()> {
    let Registered { concert, deleted } = row;
    if !deleted {
        service.store.put_concert(&concert).await?;
    } else if in_force.contains(&concert.concert_id) {
        service
            .store
            .drop_concert(&concert.concert_id, concert.version)
            .await?;
    }
    Ok(())
}
