//! A concert's seat map, built once and sent to everybody.

use std::{borrow::Cow, collections::HashMap, io::Write, sync::Arc};

use axum::body::Bytes;
use flate2::{Compression, write::GzEncoder};
use sunbeon_chassis::{Success, Tag};
use sunbeon_client::{ChangedSeat, SeatMap};
use sunbeon_domain::{ConcertId, Language, Text, UnixMs};
use tokio::sync::OnceCell;

use crate::stock::{Seat, SeatState, Section};

/// How long after a change was made it may first be seen: a read of the map may have missed what
/// was committed meanwhile.
const SLACK_MS: i64 = 10_000;

/// Every seat of a concert, and when each was last seen to change.
pub(crate) struct SharedMap {
    concert: ConcertId,
    /// When it was read, if it differs from the previous one.
    as_of: UnixMs,
    /// Changes from this time on are known.
    since: UnixMs,
    /// In the order of sections, rows and numbers.
    seats: Vec<Seat>,
    /// In the same order: when each seat was first seen in its state.
    changed: Vec<UnixMs>,
    bodies: [OnceCell<Rendered>; 2],
}

/// A complete answer, plain and compressed.
#[derive(Clone)]
pub(crate) struct Rendered {
    /// The ETag of the plain answer.
    pub(crate) tag: Tag,
    pub(crate) plain: Bytes,
    pub(crate) gzip: Bytes,
}

impl SharedMap {
    /// Returns the map that follows `before`: the same one if no seat has changed.
    pub(super) fn after(
        before: Option<&Arc<Self>>,
        concert: &ConcertId,
        now: UnixMs,
        seats: Vec<Seat>,
    ) -> Arc<Self> {
        let before = before.filter(|before| before.has_the_same(&seats));
        if let Some(before) = before.filter(|before| before.seats == seats) {
            return before.clone();
        }
        let changed = match before {
            Some(before) => before.changes(&seats, now),
            None => vec![now; seats.len()],
        };
        Arc::new(Self {
            concert: concert.clone(),
            as_of: now,
            since: before.map_or(now, |before| before.since),
            seats,
            changed,
            bodies: [const { OnceCell::const_new() }; 2],
        })
    }

    /// Returns whether these are the same seats at the same prices, in any state.
    fn has_the_same(&self, seats: &[Seat]) -> bool {
        let same =
            |(one, other): (&Seat, &Seat)| one.seat_id == other.seat_id && one.price == other.price;
        self.seats.len() == seats.len() && self.seats.iter().zip(seats).all(same)
    }

    fn changes(&self, seats: &[Seat], now: UnixMs) -> Vec<UnixMs> {
        let states = self.seats.iter().zip(seats).zip(&self.changed);
        let changed = states.map(|((before, seat), changed)| {
            if before.state == seat.state {
                *changed
            } else {
                now
            }
        });
        changed.collect()
    }

    /// Returns how many seats of each section are free.
    pub(crate) fn free(&self) -> HashMap<&Section, u64> {
        let free = |seat: &&Seat| seat.state == SeatState::Available;
        let mut by_section = HashMap::new();
        for seat in self.seats.iter().filter(free) {
            *by_section.entry(&seat.section).or_default() += 1;
        }
        by_section
    }

    /// Returns every seat that may have changed since an earlier map was read, by this process or
    /// another. Returns `None` if that is too long ago to tell.
    pub(crate) fn changes_since(&self, earlier: UnixMs) -> Option<SeatMap<'_>> {
        let from = earlier + -SLACK_MS;
        if from < self.since {
            return None;
        }
        let seats = self.seats.iter().zip(&self.changed);
        let newer = seats.filter(|(_, changed)| **changed > from);
        let changed = newer.map(|(seat, _)| ChangedSeat {
            seat_id: seat.seat_id.clone(),
            state: seat.state,
        });
        Some(SeatMap {
            concert_id: Cow::Borrowed(&self.concert),
            at: self.as_of,
            seats: None,
            changed: Some(changed.collect()),
        })
    }

    /// Returns the whole map as an answer, built once per language.
    pub(crate) async fn rendered(
        self: &Arc<Self>,
        language: Language,
        text: Text,
    ) -> anyhow::Result<Rendered> {
        let map = self.clone();
        let body = &self.bodies[usize::from(language == Language::English)];
        let render = async || {
            let message = text.in_language(language);
            tokio::task::spawn_blocking(move || map.render(message)).await?
        };
        Ok(body.get_or_try_init(render).await?.clone())
    }

    fn render(&self, message: &str) -> anyhow::Result<Rendered> {
        let answer = Success {
            message: message.to_owned(),
            data: SeatMap {
                concert_id: Cow::Borrowed(&self.concert),
                at: self.as_of,
                seats: Some(Cow::Borrowed(&self.seats)),
                changed: None,
            },
            status: 200,
        };
        let plain = serde_json::to_vec(&answer)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&plain)?;
        Ok(Rendered {
            tag: Tag::of_content(&plain),
            gzip: gzip.finish()?.into(),
            plain: plain.into(),
        })
    }
}
