//! The modes of concerts, from their public snapshots. Strangers may invent concerts: what they
//! cost is bounded, and whom they keep out are strangers.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use sunbeon_domain::{ConcertId, Identity, MemberId, Mode, Phase};
use tokio::{sync::OwnedMutexGuard, task::JoinHandle, time::Instant};

use crate::{
    slots::{Fetched, Slot, Slots},
    sunbeon::{Answer, NoAnswer, Sunbeon},
    turns::{Moment, Room, Turns},
};

/// Between two fetches of one concert.
const BETWEEN: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(1);
const LARGEST: usize = 64 * 1024;

/// What is known of a concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Concert(Concert),
    NoConcert,
}

/// Why nothing is known of a concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Sunbeon was asked for it, and cannot be reached.
    Unreachable,
    /// It was not asked, for too much is asked of it already; or it said so itself.
    NoTurn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Concert {
    pub(crate) mode: Mode,
    pub(crate) state: Phase,
    /// Servers of before do not tell it.
    #[serde(default)]
    pub(crate) identity: Identity,
}

impl Concert {
    /// Whether somebody passes who was not admitted: nobody lines up, and `enter` would let them in.
    pub(crate) fn is_open_to(&self, member: &MemberId) -> bool {
        self.mode == Mode::Off
            && self.state == Phase::Open
            && (self.identity == Identity::Guest || !member.is_guest())
    }
}

pub(crate) struct Modes {
    slots: Slots,
    turns: Turns,
}

#[derive(Deserialize)]
struct Envelope {
    data: Concert,
}

impl Modes {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slots::default(),
            turns: Turns::new(),
        }
    }

    /// What is known of a concert now, fetched where it has to be. What is believed but older than a
    /// second is fetched again in the background.
    pub(crate) async fn find(
        self: &Arc<Self>,
        sunbeon: &Arc<Sunbeon>,
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

    /// In a task of its own: it goes on when the visitor goes away. Nothing where there is no turn.
    fn fetch(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        sunbeon: &Arc<Sunbeon>,
        concert: &ConcertId,
        mut last: OwnedMutexGuard<Option<Fetched>>,
    ) -> Option<JoinHandle<Result<Found, Unknown>>> {
        let moment = self.room(slot).moment()?;
        let (modes, slot, sunbeon) = (self.clone(), slot.clone(), sunbeon.clone());
        let concert = concert.clone();
        Some(tokio::spawn(async move {
            let (began, answer) = modes.ask(&slot, moment, &sunbeon, &concert).await;
            let found = match answer {
                Ok(found) => {
                    slot.hear(began, found);
                    Ok(found)
                }
                Err(error) => {
                    tracing::debug!(%error, %concert, "a snapshot cannot be had");
                    Err(Unknown::by(&error))
                }
            };
            *last = Some(Fetched {
                began,
                ended: Instant::now(),
                failed: found.err(),
            });
            found
        }))
    }

    /// When it was asked, and the answer.
    async fn ask(
        &self,
        slot: &Slot,
        moment: Moment,
        sunbeon: &Sunbeon,
        concert: &ConcertId,
    ) -> (Instant, Result<Found, NoAnswer>) {
        let turn = self.room(slot).turn(moment).await;
        let began = Instant::now();
        let answer = match turn {
            Some(_) => ask(sunbeon, concert).await,
            None => Err(NoAnswer::TooMany),
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
    /// Whether it tells enough to somebody who came then, so that Sunbeon is not asked again.
    fn speaks_for(&self, came: Instant) -> bool {
        self.began.elapsed() < BETWEEN || self.ended >= came
    }
}

impl Unknown {
    fn by(error: &NoAnswer) -> Self {
        match error.is_unreachable() {
            true => Self::Unreachable,
            false => Self::NoTurn,
        }
    }
}

async fn ask(sunbeon: &Sunbeon, concert: &ConcertId) -> Result<Found, NoAnswer> {
    let path = format!("/v2/waiting-room/snapshot/{concert}");
    match sunbeon.get(&path, None, LARGEST, TIMEOUT).await? {
        Answer::NotFound => Ok(Found::NoConcert),
        Answer::NotModified => Err(NoAnswer::NothingBefore),
        Answer::Found { body, .. } => {
            let snapshot: Envelope = serde_json::from_slice(&body).map_err(NoAnswer::Shape)?;
            Ok(Found::Concert(snapshot.data))
        }
    }
}
