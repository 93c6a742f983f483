//! The registry's concerts, put in force in the store.

use std::time::Duration;

use sunbeon_domain::{Coded, ConcertId};
use sunbeon_store::StoreError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{ReservationOpen, registry::Row, report};

const EVERY: Duration = Duration::from_secs(10);
/// How soon a failed round is tried again.
const AGAIN: Duration = Duration::from_secs(1);

pub(crate) async fn run(service: &ReservationOpen, shutdown: CancellationToken) {
    let (mut seldom, mut soon) = (interval(EVERY), interval(AGAIN));
    seldom.set_missed_tick_behavior(MissedTickBehavior::Delay);
    soon.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut well, mut migrated) = (true, false);
    loop {
        let tick = if well { &mut seldom } else { &mut soon };
        if shutdown.run_until_cancelled(tick.tick()).await.is_none() {
            return;
        }
        let round = round(service, &mut migrated);
        let Some(done) = shutdown.run_until_cancelled(round).await else {
            return;
        };
        report("project", &mut well, &done);
    }
}

/// Why a round of the projection failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the registry did not answer")]
    Registry(#[from] crate::RegistryError),
    #[error("the store did not take a concert")]
    Store(#[from] StoreError),
}

impl Coded for Failed {
    fn code(&self) -> sunbeon_domain::Code {
        match self {
            Self::Registry(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

async fn round(service: &ReservationOpen, migrated: &mut bool) -> Result<(), Failed> {
    if !*migrated {
        service.registry.migrate().await?;
        *migrated = true;
    }
    let in_force = service.store.concerts().await?;
    let mut done = Ok(());
    for row in service.registry.all().await? {
        match put(service, row, &in_force).await {
            // This concert's own fault; the others are put in force all the same.
            Err(error @ StoreError::Bug(_)) => done = Err(error.into()),
            put => put?,
        }
    }
    done
}

async fn put(
    service: &ReservationOpen,
    row: Row,
    in_force: &[ConcertId],
) -> sunbeon_store::Result<()> {
    let Row { concert, deleted } = row;
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
