//! The modes of concerts, from their public snapshots. Strangers may invent concerts: the cost of
//! these is bounded, and they can only displace other invented ones.

use std::{sync::Arc, time::Duration};

use sunbeon_client::{Error, Sunbeon};
use sunbeon_domain::ConcertId;
use tokio::{sync::OwnedMutexGuard, task::JoinHandle, time::Instant};

use crate::{
    slots::{Slot, Slots},
    snapshot::{Concert, Fetched, Found, Unknown},
    turns::{Moment, Room, Turns},
};

/// The pause between two fetches of one concert.
const BETWEEN: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct Modes {
    slots: Slots,
    turns: Turns,
}

impl Modes {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slots::default(),
            turns: Turns::new(),
        }
    }

    /// Returns what is known of a concert, fetching it if necessary. A snapshot that is still
    /// trusted but older than a second is fetched again in the background.
    pub(crate) async fn find(
        self: &Arc<Self>,
        sunbeon: &Sunbeon,
        concert: &ConcertId,
    ) -> Result<Found, Unknown> {
        let came = Instant::now();
        let slot = self.slots.of(concert);
        if let Some((asked, found)) = slot.believed() {
            if found != Found::NoConcert
                && asked.elapsed() >= BETWEEN
                && let Ok(last) = slot.last.clone().try_lock_owned()
                && !last.is_some_and(|last| last.speaks_for(came))
            {
                self.fetch(&slot, sunbeon, concert, last);
            }
            return Ok(found);
        }
        let last = slot.last.clone().lock_owned().await;
        if let Some((_, found)) = slot.believed() {
            return Ok(found);
        }
        if let Some(failed) = last.filter(|last| last.speaks_for(came))
            && let Some(unknown) = failed.failed
        {
            return Err(unknown);
        }
        match self.fetch(&slot, sunbeon, concert, last) {
            Some(fetch) => fetch.await.unwrap_or(Err(Unknown::NoTurn)),
            None => Err(Unknown::NoTurn),
        }
    }

    /// Fetches in a separate task, which continues when the visitor goes away. Returns `None` if
    /// there is no turn.
    fn fetch(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        sunbeon: &Sunbeon,
        concert: &ConcertId,
        mut last: OwnedMutexGuard<Option<Fetched>>,
    ) -> Option<JoinHandle<Result<Found, Unknown>>> {
        let moment = self.room(slot).moment()?;
        let (modes, slot, sunbeon) = (self.clone(), slot.clone(), sunbeon.clone());
        let concert = concert.clone();
        Some(tokio::spawn(async move {
            let (began, found) = modes.ask(&slot, moment, &sunbeon, &concert).await;
            if let Ok(found) = found {
                slot.hear(began, found);
            }
            *last = Some(Fetched {
                began,
                ended: Instant::now(),
                failed: found.err(),
            });
            found
        }))
    }

    /// Returns when Sunbeon was asked, and its answer.
    async fn ask(
        &self,
        slot: &Slot,
        moment: Moment,
        sunbeon: &Sunbeon,
        concert: &ConcertId,
    ) -> (Instant, Result<Found, Unknown>) {
        let turn = self.room(slot).turn(moment).await;
        let began = Instant::now();
        let answer = match turn {
            Some(_) => ask(sunbeon, concert).await.map_err(|error| {
                tracing::debug!(%error, %concert, "could not fetch a snapshot");
                Unknown::from(&error)
            }),
            None => Err(Unknown::NoTurn),
        };
        (began, answer)
    }

    fn room(&self, slot: &Slot) -> &Room {
        match slot.is_known() {
            true => &self.turns.known,
            false => &self.turns.strangers,
        }
    }
}

impl Fetched {
    /// Returns whether this fetch can answer a visitor who came then, without asking Sunbeon again.
    fn speaks_for(&self, came: Instant) -> bool {
        self.began.elapsed() < BETWEEN || self.ended >= came
    }
}

async fn ask(sunbeon: &Sunbeon, concert: &ConcertId) -> Result<Found, Error> {
    let snapshot = sunbeon.within(TIMEOUT).snapshot::<Concert>(concert).await?;
    Ok(snapshot.map_or(Found::NoConcert, Found::Concert))
}
