//! Publishing the shop's events. Events may be lost: the database is the authority.

use std::{collections::BTreeSet, mem, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use sunbeon_broker::Broker;
use sunbeon_database::Result;
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::{Event, TicketLeft};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::report::Reporter;
use crate::stock::{SeatId, Stock};

/// The minimum time between two announcements of the remaining tickets.
const PAUSE: Duration = Duration::from_millis(250);

/// Publishes events, and has the line told what is left. A cheap handle; one of its clones runs.
#[derive(Clone)]
pub(crate) struct Announcer {
    broker: Arc<dyn Broker>,
    stock: Stock,
    reporter: Reporter,
    /// Concerts whose tickets have changed since the last announcement.
    moved: Arc<Mutex<BTreeSet<ConcertId>>>,
    something: Arc<Notify>,
}

impl Announcer {
    pub(crate) fn new(broker: Arc<dyn Broker>, stock: Stock, reporter: Reporter) -> Self {
        Self {
            broker,
            stock,
            reporter,
            moved: Arc::default(),
            something: Arc::default(),
        }
    }

    /// Announces that seats are held.
    pub(crate) fn selected(&self, concert: &ConcertId, seats: &[SeatId]) {
        if !seats.is_empty() {
            self.reporter.changed(concert);
            self.broker.publish_event(Event::SeatSelected {
                concert_id: concert.clone(),
                seat_ids: seats.iter().map(ToString::to_string).collect(),
            });
        }
    }

    /// Announces that seats are free again.
    pub(crate) fn released(&self, concert: &ConcertId, seats: &[SeatId]) {
        if !seats.is_empty() {
            self.reporter.changed(concert);
            self.broker.publish_event(Event::SeatReleased {
                concert_id: concert.clone(),
                seat_ids: seats.iter().map(ToString::to_string).collect(),
            });
        }
    }

    /// Has the line told that what was held is sold; nobody else needs to know.
    pub(crate) fn sold(&self, concert: &ConcertId) {
        self.reporter.changed(concert);
    }

    /// Schedules an announcement of the remaining tickets. Never waits.
    pub(crate) fn tickets_moved(&self, concert: &ConcertId) {
        self.reporter.changed(concert);
        self.moved().insert(concert.clone());
        self.something.notify_one();
    }

    /// Announces the remaining tickets wherever they have changed, ending with the latest number,
    /// until `shutdown` is cancelled.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        let work = async {
            loop {
                self.something.notified().await;
                self.round().await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    async fn round(&self) {
        let moved = mem::take(&mut *self.moved());
        for concert_id in moved {
            match self.left(&concert_id).await {
                Ok(Some((remaining, tickets))) => {
                    self.broker.publish_event(Event::TicketUpdated {
                        concert_id,
                        remaining,
                        tickets,
                    });
                }
                Ok(None) => {}
                // Announce it once the database is back.
                Err(_) => self.tickets_moved(&concert_id),
            }
        }
    }

    /// Returns what is left, in all and of each kind of ticket; `None` if the concert has no stock.
    async fn left(&self, concert: &ConcertId) -> Result<Option<(u64, Vec<TicketLeft>)>> {
        let Some(remaining) = self.stock.remaining(concert).await? else {
            return Ok(None);
        };
        let tickets = self.stock.tickets(concert).await?.into_iter();
        let tickets = tickets.map(|ticket| TicketLeft {
            ticket_id: ticket.ticket_id.to_string(),
            remaining: ticket.remaining.into(),
        });
        Ok(Some((remaining, tickets.collect())))
    }

    fn moved(&self) -> MutexGuard<'_, BTreeSet<ConcertId>> {
        self.moved.lock()
    }
}
