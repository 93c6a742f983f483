//! Events from the broker, passed on to those who have joined.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde::Serialize;
use sunbeon_broker::Heard;
use sunbeon_domain::{ConcertId, MemberId};
use sunbeon_proto_messages::Event as Message;
use sunbeon_store::Result;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Realtime,
    event::{Event, Seats, Tickets, written},
    joined::Joined,
    round::Now,
};

/// After so many sockets the others have a turn.
const TURN: usize = 256;
/// How many seats one message names.
const MOST_SEATS: usize = 256;

/// What has happened since sockets were told last: of each thing only how it is now.
#[derive(Default)]
struct News {
    of: BTreeMap<ConcertId, OfConcert>,
    /// Whether something was missed.
    missed: bool,
}

#[derive(Default)]
struct OfConcert {
    called: HashSet<MemberId>,
    /// Seats, and whether they are held.
    seats: BTreeMap<String, bool>,
    tickets: Vec<(Option<String>, u64)>,
    sockets: Vec<(String, u64)>,
    has_changed: bool,
}

impl News {
    fn add(&mut self, heard: Heard) {
        let message = match heard {
            Heard::Event(message) => message,
            Heard::Missed => {
                self.missed = true;
                return;
            }
        };
        match message {
            Message::QueueAdmitted {
                concert_id,
                admitted,
            } => {
                let members = admitted.into_iter().map(|one| one.member_id);
                self.about(concert_id).called.extend(members);
            }
            Message::QueueAdvanced { concert_id, .. }
            | Message::ConcertChanged { concert_id, .. } => {
                self.about(concert_id).has_changed = true;
            }
            Message::TicketUpdated {
                concert_id,
                remaining,
                tickets,
            } => {
                let kinds = tickets.into_iter();
                let kinds = kinds.map(|kind| (Some(kind.ticket_id), kind.remaining));
                self.about(concert_id).tickets = match kinds.len() {
                    0 => vec![(None, remaining)],
                    _ => kinds.collect(),
                };
            }
            Message::RoomCounted {
                concert_id,
                instance,
                sockets,
            } => self.about(concert_id).sockets.push((instance, sockets)),
            Message::SeatSelected {
                concert_id,
                seat_ids,
            } => self.seats(concert_id, seat_ids, true),
            Message::SeatReleased {
                concert_id,
                seat_ids,
            } => self.seats(concert_id, seat_ids, false),
            Message::GateBlind { .. } => {}
        }
    }

    fn seats(&mut self, id: ConcertId, seats: Vec<String>, held: bool) {
        let seats = seats.into_iter().map(|seat| (seat, held));
        self.about(id).seats.extend(seats);
    }

    fn about(&mut self, id: ConcertId) -> &mut OfConcert {
        self.of.entry(id).or_default()
    }
}

impl Realtime {
    /// Passes events on until `shutdown` is cancelled. What happens while sockets are told goes together.
    pub async fn listen(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut heard = self.broker.subscribe_events("#");
        let work = async { while self.pass_on(&mut heard).await {} };
        shutdown.run_until_cancelled(work).await;
        Ok(())
    }

    /// Passes on what has happened; returns `false` once nothing more can.
    async fn pass_on(&self, heard: &mut mpsc::Receiver<Heard>) -> bool {
        let Some(first) = heard.recv().await else {
            return false;
        };
        let mut news = News::default();
        news.add(first);
        while let Ok(next) = heard.try_recv() {
            news.add(next);
        }
        if news.missed {
            self.rooms.missed();
            self.wake.notify_one();
        }
        for (id, of) in news.of {
            self.tell_news(&id, of).await;
        }
        true
    }

    async fn tell_news(&self, id: &ConcertId, news: OfConcert) {
        let joined = self.rooms.all(id);
        if joined.is_empty() {
            return;
        }
        for (instance, sockets) in news.sockets {
            if *instance != *self.instance {
                self.rooms.elsewhere(id, instance, sockets);
            }
        }
        if news.has_changed {
            self.rooms.hurry(id);
            self.wake.notify_one();
        }
        if !news.called.is_empty()
            && let Err(error) = self.call(id, &joined, &news.called).await
        {
            // They are asked about in the next round.
            tracing::warn!(%error, concert = %id, "the store is unavailable; members hear later of being called");
        }
        for (kind, left) in self.rooms.new_tickets(id, news.tickets) {
            let tickets = Tickets {
                event_id: id,
                concert_id: id,
                ticket_type_id: kind.as_deref(),
                remaining_quantity: left,
            };
            tell_shop(&joined, Event::Tickets, &tickets).await;
        }
        for (held, event) in [(false, Event::Released), (true, Event::Selected)] {
            let seats = news.seats.iter().filter(|(_, is_held)| **is_held == held);
            let seats: Vec<_> = seats.map(|(seat, _)| seat.as_str()).collect();
            for seat_ids in seats.chunks(MOST_SEATS) {
                let seats = Seats {
                    event_id: id,
                    concert_id: id,
                    seat_ids,
                };
                tell_shop(&joined, event, &seats).await;
            }
        }
    }

    /// Tells members that their turn has come, nobody else.
    async fn call(
        &self,
        id: &ConcertId,
        joined: &[Arc<Joined>],
        called: &HashSet<MemberId>,
    ) -> Result<()> {
        let theirs = joined.iter().filter(|one| called.contains(&one.member));
        let theirs: Vec<_> = theirs.cloned().collect();
        if theirs.is_empty() {
            return Ok(());
        }
        let now = Now::of(self.places.snapshots.get(id).await?);
        self.ask(&now, &theirs).await
    }
}

async fn tell_shop(joined: &[Arc<Joined>], event: Event, data: &impl Serialize) {
    let data = written(data);
    for turn in joined.chunks(TURN) {
        for one in turn {
            one.tell_shop(event, &data);
        }
        tokio::task::yield_now().await;
    }
}
