//! What is told to everybody who has joined a concert, once a second.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, value::RawValue};
use sunbeon_chassis::Rounds;
use sunbeon_domain::{ConcertId, Standing, Status};
use sunbeon_proto_messages::Event as Message;
use sunbeon_snapshot::{PublicSnapshot, Told, View};
use sunbeon_store::{Asker, Beat, MOST_AT_ONCE, Result, Role, StandingFacts, for_each};
use sunbeon_tokens::unix_now;
use tokio_util::sync::CancellationToken;

use crate::{
    Realtime,
    event::{Event, RoomInfo, written},
    joined::Joined,
};

const TICK: Duration = Duration::from_secs(1);
/// How often the store is asked about a member who is called, inside or in no line.
const OUTSIDE: Duration = Duration::from_secs(10);
/// How often the store is asked about a member of a line that is over.
const OVER: Duration = Duration::from_secs(60);
/// After so many sockets the others have a turn.
const TURN: usize = 256;

/// A line as it is now.
pub(crate) struct Now {
    pub(crate) view: View,
    /// As everybody may see it.
    pub(crate) line: Box<RawValue>,
}

impl Now {
    pub(crate) fn of(view: View) -> Self {
        let line = written(&PublicSnapshot::from(&view));
        Self { view, line }
    }

    pub(crate) fn id(&self) -> &ConcertId {
        &self.view.snapshot.concert.concert_id
    }

    /// What makes it news when it changes: the moments do not.
    fn news(&self) -> Value {
        let mut line = serde_json::from_str::<Value>(self.line.get()).unwrap_or_default();
        if let Some(fields) = line.as_object_mut() {
            fields.remove("at");
        }
        if let Some(stock) = line.get_mut("stock").and_then(Value::as_object_mut) {
            stock.remove("reportedAt");
        }
        line
    }
}

impl Realtime {
    /// Tells what has changed once a second, until `shutdown` is cancelled.
    pub async fn tell(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let rounds = Rounds::every(TICK, "tell");
        let round = || self.round_of_all();
        rounds.run_woken(&shutdown, &self.wake, round).await;
        Ok(())
    }

    async fn round_of_all(&self) -> Result<()> {
        self.close_expired(unix_now());
        metrics::gauge!("sunbeon_sockets_joined").set(self.rooms.total() as f64);
        let ids = self.rooms.ids();
        let left_behind = self.shops.left_behind(&ids);
        if ids.is_empty() && left_behind.is_empty() {
            return Ok(());
        }
        let live: HashSet<_> = self.store.live().await?.into_iter().collect();
        let round = |id| {
            let is_live = live.contains(&id);
            async move { self.round(&id, is_live).await }
        };
        for_each(ids, round).await?;
        for_each(
            left_behind,
            |id| async move { self.note_no_page(&id).await },
        )
        .await
    }

    async fn round(&self, id: &ConcertId, is_live: bool) -> Result<()> {
        if !self.rooms.begin_round(id, is_live) {
            return Ok(());
        }
        // Every socket has answered its last ping, or it would be closed.
        let heard = Beat {
            role: Role::Realtime,
            heard: true,
        };
        let beat = is_live.then_some(heard);
        let now = Now::of(self.places.snapshots.refresh(id, beat).await?);
        if is_live {
            self.note_pages(&now).await?;
        }
        let is_news = self.rooms.is_news(id, now.news());
        self.publish_count(id);
        let count = self.rooms.new_count(id);
        let count = count.map(|sockets| written(&room_info(id, sockets)));
        let mut due = Vec::new();
        for turn in self.rooms.all(id).chunks(TURN) {
            for joined in turn {
                if !self.tell_place(&now, joined) {
                    due.push(joined.clone());
                }
                if is_news {
                    joined.tell(Event::Line, &now.line);
                }
                if let Some(count) = &count {
                    joined.tell(Event::Room, count);
                }
            }
            tokio::task::yield_now().await;
        }
        self.ask(&now, &due).await
    }

    /// Tells a socket its place by the snapshot, if that has changed. Returns `false` if only the store can
    /// tell it, and is to be asked by now.
    fn tell_place(&self, now: &Now, joined: &Joined) -> bool {
        let mut state = joined.state();
        if state.queue.is_none() {
            if let Some(names) = state.event.filter(|_| state.is_behind) {
                joined.restore(&mut state, names, None, now);
            }
            return true;
        }
        let Some(told) = state.told.and_then(|told| told.by_view(&now.view)) else {
            return !state.is_behind && !state.is_due(Instant::now());
        };
        state.told = Some(told);
        let standing = self.places.by_told(&now.view, &told, || None);
        let pass = || self.places.sign(&told, now.id(), &joined.member);
        joined.tell_standing(&mut state, standing, now, pass);
        true
    }

    /// Asks the store about members, which is a sign of life of each, and tells them where they stand.
    pub(crate) async fn ask(&self, now: &Now, due: &[Arc<Joined>]) -> Result<()> {
        for some in due.chunks(MOST_AT_ONCE) {
            let asker = |joined: &Arc<Joined>| Asker {
                member: joined.member.clone(),
                sign_of_life: true,
            };
            let askers: Vec<_> = some.iter().map(asker).collect();
            let answers = self.store.status_all(now.id(), &askers).await?;
            for (joined, answer) in some.iter().zip(answers) {
                match answer {
                    Ok(found) => {
                        self.found(now, joined, found);
                    }
                    Err(error) => {
                        joined.state().ask_in(OVER);
                        tracing::error!(%error, concert = %now.id(), "a member's record cannot be read; asking again in a minute");
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells a socket what the store has answered.
    pub(crate) fn found(&self, now: &Now, joined: &Joined, found: StandingFacts) -> Standing {
        let standing = self.known(now, joined, found);
        joined.tell_standing(&mut joined.state(), standing.clone(), now, || None);
        standing
    }

    /// Keeps what the store has answered, and returns where the member stands by it.
    pub(crate) fn known(&self, now: &Now, joined: &Joined, mut found: StandingFacts) -> Standing {
        let mut state = joined.state();
        if let Some(told) = state.told {
            told.limit(&mut found);
        }
        state.told = Told::of(&found);
        let standing = self.places.by_store(&now.view, found, None, &joined.member);
        state.ask_in(pause(&standing));
        standing
    }

    /// Tells the other instances how many sockets are here, when that has changed and now and then.
    fn publish_count(&self, id: &ConcertId) {
        if let Some(sockets) = self.rooms.own_count(id) {
            self.broker.publish_event(Message::RoomCounted {
                concert_id: id.clone(),
                instance: self.instance.to_string(),
                sockets: sockets as u64,
            });
        }
    }
}

pub(crate) fn room_info(id: &ConcertId, sockets: u64) -> RoomInfo<'_> {
    RoomInfo {
        event_id: id,
        concert_id: id,
        sockets,
    }
}

/// How long the store is not asked again, unless something happens.
fn pause(standing: &Standing) -> Duration {
    match standing.status {
        Status::Waiting => standing.poll_after_ms.map_or(TICK, Duration::from_millis),
        Status::Ready | Status::Entered | Status::NotInQueue => OUTSIDE,
        Status::BookingClosed => OVER,
    }
}
