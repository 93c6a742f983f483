//! A socket in a concert's room: what it was told, and what it is to be told.

use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide::{SendError, SocketError, extract::SocketRef};
use sunbeon_domain::{EntryNumber, EstimateReason, MemberId, Standing, Status, UnixMs};
use sunbeon_snapshot::Told;

use crate::{
    event::{Called, Event, Names, Place, Restored, RestoredConcert},
    round::Now,
};

/// How much an estimate may move before it is told again, at least.
const WORTH_TELLING_MS: i64 = 5_000;
/// A page gets a new pass when the member was seen so much later; the least `waitingTtlSeconds` has three of
/// them.
const NEW_PASS_MS: i64 = 10_000;

/// A socket that has joined a concert.
pub(crate) struct Joined {
    pub(crate) socket: SocketRef,
    pub(crate) member: MemberId,
    state: Mutex<State>,
}

/// What a socket has joined and was told.
#[derive(Default)]
pub(crate) struct State {
    /// The names by which it has joined the line.
    pub(crate) queue: Option<Names>,
    /// The names by which it has joined the shop.
    pub(crate) event: Option<Names>,
    /// The member's place as it was told last.
    pub(crate) told: Option<Told>,
    /// When the store is asked again, unless the snapshot tells.
    pub(crate) ask_at: Option<Instant>,
    /// Whether something did not reach it, so that all must be told anew.
    pub(crate) is_behind: bool,
    /// What it was shown last.
    shown: Option<Shown>,
    /// When the member was seen by the pass that was handed over last, as a reading of the line's time.
    pass_of: Option<i64>,
}

/// The parts of a standing that are worth telling when they change.
#[derive(Clone, Copy, PartialEq)]
struct Shown {
    status: Status,
    can_enter: bool,
    entry: Option<EntryNumber>,
    place: Option<u64>,
    reason: Option<EstimateReason>,
    is_long: Option<bool>,
    is_sold_out: bool,
    enter_at: Option<UnixMs>,
}

impl Joined {
    pub(crate) fn new(socket: SocketRef, member: MemberId) -> Self {
        Self {
            socket,
            member,
            state: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Tells everybody who has joined the line or the shop.
    pub(crate) fn tell(&self, event: Event, data: &RawValue) {
        let mut state = self.state();
        if let Some(names) = state.queue.or(state.event) {
            self.send(&mut state, event, names, data);
        }
    }

    /// Tells those who have joined the shop.
    pub(crate) fn tell_shop(&self, event: Event, data: &RawValue) {
        let mut state = self.state();
        if let Some(names) = state.event {
            self.send(&mut state, event, names, data);
        }
    }

    /// Tells a member where they stand, if that has changed or their pass is new. A pass is signed only then.
    pub(crate) fn tell_standing(
        &self,
        state: &mut State,
        mut standing: Standing,
        now: &Now,
        pass: impl FnOnce() -> Option<String>,
    ) {
        let Some(names) = state.queue else { return };
        let (shown, before) = (Shown::of(&standing), state.shown);
        let is_known = before.is_some_and(|before| !shown.is_worth_telling(&before));
        if is_known && !state.is_behind && !state.has_new_pass() {
            return;
        }
        if standing.queue_number.is_some() && standing.pass.is_none() {
            standing.pass = pass();
        }
        let is_new = before.is_none_or(|before| !before.can_enter || before.entry != shown.entry);
        let sent = if state.is_behind {
            self.restore(state, names, Some(standing), now)
        } else if shown.can_enter && is_new {
            self.send(state, Event::Admitted, names, &Called::from(standing))
        } else {
            self.send(state, Event::Position, names, &Place::from(standing))
        };
        if sent {
            state.has_shown(shown);
        }
    }

    /// Notes that a page was just told where its member stands, and tells them if their turn has come.
    pub(crate) fn tell_if_called(&self, standing: Standing) {
        let mut state = self.state();
        let shown = Shown::of(&standing);
        state.has_shown(shown);
        if let Some(names) = state.queue.filter(|_| shown.can_enter) {
            self.send(&mut state, Event::Admitted, names, &Called::from(standing));
        }
    }

    /// Tells a page that was behind everything anew, if it reads by now. One that has joined only the shop has
    /// no standing.
    pub(crate) fn restore(
        &self,
        state: &mut State,
        names: Names,
        standing: Option<Standing>,
        now: &Now,
    ) -> bool {
        state.is_behind = false;
        let concert = RestoredConcert {
            concert_id: now.id().clone(),
            standing,
            seat_ids: None,
        };
        let restored = Restored {
            concerts: vec![concert],
        };
        self.send(state, Event::Restored, names, &restored)
            && self.send(state, Event::Line, names, &now.line)
    }

    /// Sends an event, unless the socket does not read; then it is behind.
    fn send<Data: Serialize + ?Sized>(
        &self,
        state: &mut State,
        event: Event,
        names: Names,
        data: &Data,
    ) -> bool {
        if state.is_behind {
            return false;
        }
        match self.socket.emit(event.name(names), data) {
            Ok(()) => true,
            Err(SendError::Socket(SocketError::Closed)) => false,
            Err(_) => {
                state.is_behind = true;
                metrics::counter!("sunbeon_sockets_behind_total").increment(1);
                false
            }
        }
    }
}

impl State {
    /// Joins the line; where the member stands is told whatever was told before.
    pub(crate) fn join_queue(&mut self, names: Names) {
        self.queue = Some(names);
        self.shown = None;
    }

    /// Puts a socket into a room that it had not asked for itself, with the shop of a member who is inside.
    pub(crate) fn restore(&mut self, is_inside: bool) {
        self.queue.get_or_insert(Names::Colons);
        if is_inside {
            self.event.get_or_insert(Names::Colons);
        }
    }

    fn has_shown(&mut self, shown: Shown) {
        self.shown = Some(shown);
        self.pass_of = self.told.map(|told| told.0.seen);
    }

    /// Whether the member was seen long after the pass that the page has.
    fn has_new_pass(&self) -> bool {
        let now = self.told.map(|told| told.0.seen);
        now.is_some_and(|now| self.pass_of.is_none_or(|then| now - then >= NEW_PASS_MS))
    }

    /// Whether the store is to be asked by now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.ask_at.is_none_or(|at| at <= now)
    }

    pub(crate) fn ask_in(&mut self, pause: Duration) {
        self.ask_at = Some(Instant::now() + pause);
    }
}

impl Shown {
    fn of(standing: &Standing) -> Self {
        Self {
            status: standing.status,
            can_enter: standing.can_enter,
            entry: standing.entry_number,
            place: standing.queue_number,
            reason: standing.estimate_reason,
            is_long: standing.long_wait,
            is_sold_out: standing.sold_out,
            enter_at: standing.estimated_enter_at,
        }
    }

    /// Whether it differs by more than the drift of an estimate.
    fn is_worth_telling(&self, before: &Self) -> bool {
        let moved = match (self.enter_at, before.enter_at) {
            (Some(now), Some(then)) => (now.0 - then.0).abs() > WORTH_TELLING_MS,
            (now, then) => now != then,
        };
        let enter_at = before.enter_at;
        moved || Self { enter_at, ..*self } != *before
    }
}
