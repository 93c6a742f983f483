//! What a member has, when they connect: the store knows, whatever the socket has forgotten.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use socketioxide::extract::SocketRef;
use sunbeon_client::{Caller, SeatState};
use sunbeon_domain::{ConcertId, EntryState, SeatId, Standing, Status};
use sunbeon_store::{Asker, StandingFacts};

use crate::{
    Realtime,
    event::{Event, Names, Restored, RestoredConcert},
    round::Now,
    visitors::Visitor,
};

/// In how many live lines a member is looked for; where there are more, pages join by themselves.
const MOST_LINES: usize = 32;
/// How old the list of live lines may be, and a little more: a member may have woken theirs since.
const LISTED: Duration = Duration::from_millis(1_200);

/// Puts a socket back into the rooms of the lines and shops that its member is in, and tells it so. A member
/// who is in none is looked for once more.
pub(crate) async fn restore(realtime: &Realtime, socket: SocketRef) {
    let Some(visitor) = socket.extensions.get::<Arc<Visitor>>() else {
        return;
    };
    if !is_restored(realtime, &socket, &visitor).await {
        tokio::time::sleep(LISTED).await;
        if socket.connected() {
            is_restored(realtime, &socket, &visitor).await;
        }
    }
}

/// Returns whether there was something to restore.
async fn is_restored(realtime: &Realtime, socket: &SocketRef, visitor: &Visitor) -> bool {
    // Without the store nothing is restored now: pages join again, or poll.
    let lines = realtime.store.live().await.unwrap_or_default();
    let asked = lines.into_iter().take(MOST_LINES);
    let found = join_all(asked.map(|id| realtime.look_for(id, visitor))).await;
    let mut concerts = Vec::new();
    for (now, found) in found.into_iter().flatten() {
        let is_inside = matches!(found.state, EntryState::Entered { .. });
        let id = now.id();
        if visitor.restore(id) {
            let joined = realtime.rooms.enter(id, socket, &visitor.member);
            joined.state().restore(is_inside);
            let standing = realtime.known(&now, &joined, found);
            concerts.push((now, joined, standing));
        }
    }
    if concerts.is_empty() {
        return false;
    }
    let of = async |(now, _, standing): &(Now, _, Standing)| RestoredConcert {
        concert_id: now.id().clone(),
        standing: Some(standing.clone()),
        seat_ids: match standing.status {
            Status::Entered => held(socket, now.id()).await,
            _ => None,
        },
    };
    let restored = Restored {
        concerts: join_all(concerts.iter().map(of)).await,
    };
    // One that is closed by now needs nothing.
    let _sent = socket.emit(Event::Restored.name(Names::Colons), &restored);
    for (now, joined, standing) in concerts {
        joined.tell_if_called(standing);
        joined.tell(Event::Line, &now.line);
        realtime.has_joined(socket, now.id());
    }
    true
}

/// Returns the seats that the member of a socket holds; `None` if the shop does not say.
async fn held(socket: &SocketRef, id: &ConcertId) -> Option<Vec<SeatId>> {
    let fan = socket.extensions.get::<Caller>()?;
    match fan.my_seats(id).await {
        Ok(seats) => {
            let held = seats
                .into_iter()
                .filter(|seat| seat.state == SeatState::Held);
            Some(held.map(|seat| seat.seat_id).collect())
        }
        Err(error) => {
            tracing::debug!(%error, concert = %id, "the shop does not say what a member holds");
            None
        }
    }
}

impl Realtime {
    /// Returns what a member has in a line; `None` if that is nothing, or cannot be told.
    async fn look_for(&self, id: ConcertId, visitor: &Visitor) -> Option<(Now, StandingFacts)> {
        let asker = Asker {
            member: visitor.member.clone(),
            sign_of_life: true,
        };
        let found = self.asking.ask(&id, asker).await.ok()?;
        if matches!(found.state, EntryState::None) {
            return None;
        }
        let view = self.places.snapshots.get(&id).await.ok()?;
        Some((Now::of(view), found))
    }
}
