//! What makes counted time go on, or stand still.

use sunbeon_domain::Phase;

use super::line::Line;
use crate::{Beat, Held, Role};

/// From so many members on, silence means that something keeps them away.
const CROWD: u64 = 20;
/// The line of a sale that has ended is cleared after so much of `slotTime`.
const END_MS: i64 = 10_000;

impl Line {
    /// `slot` goes on; a line whose sale has ended long enough is cleared.
    pub(super) fn beat_slots(&mut self) {
        let now = self.now;
        self.times.slot.go_on(now, false);
        let slot = self.times.slot.time;
        if self.phase != Phase::Ended {
            self.times.ended = 0;
        } else if self.times.ended == 0 {
            self.times.ended = slot;
        } else if slot >= self.times.ended + END_MS && !self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn beat(&mut self, beat: Beat) {
        self.beat_slots();
        if beat.heard {
            self.times.heard = self.times.slot.time;
        }
        let (now, silent) = (self.now, self.is_silent());
        let (waiting, ready) = (self.waiting_ms(), self.ready_ms());
        let times = &mut self.times;
        match beat.role {
            Role::WaitingRoom => {
                if times.line.is_gap(now) {
                    times.line.stand = waiting;
                    times.claim.stand = ready;
                }
                let passed = times.line.go_on(now, silent);
                if self.phase == Phase::Open {
                    times.keep += passed;
                }
            }
            Role::Token if times.line.is_there(now) => {
                if times.claim.is_gap(now) {
                    times.claim.stand = ready;
                }
                times.claim.go_on(now, silent);
            }
            Role::Token | Role::Realtime => {}
        }
    }

    /// A crowd of whom nobody is heard is kept away by something.
    pub(super) fn is_silent(&self) -> bool {
        let (line, claim) = (self.times.line.time, self.times.claim.time);
        let crowd = || self.seen.count_above(line) + self.ready.count_above(claim);
        self.times.is_quiet(&self.concert.policy) && crowd() >= CROWD
    }

    /// Which of those that a member needs is away, if one is; members themselves included.
    pub(super) fn who_is_away(&self) -> Option<Held> {
        if !self.times.line.is_there(self.now) {
            Some(Held::WaitingRoomAway)
        } else if !self.times.claim.is_there(self.now) {
            Some(Held::TokenAway)
        } else {
            self.is_silent().then_some(Held::Silence)
        }
    }
}
