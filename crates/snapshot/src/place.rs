//! A place that was told once, brought up to date.

use sunbeon_domain::{EntryState, Phase};
use sunbeon_store::{Progress, StandingFacts};
use sunbeon_tokens::Pass;

use crate::View;

/// How far a pass may be ahead of what a process knows of the line's time.
const AHEAD_MS: i64 = 5_000;

/// A place as it was told last. It never rises from one answer to the next, whoever gives it, and is
/// never below the exact one while the store has lost nothing: only takes off the front are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(pub Pass);

impl Told {
    /// The place by a snapshot, without asking the store; `None` if the store must be asked, because the
    /// member was not seen for a third of `waitingTtlSeconds`, is near the front, or may have been taken,
    /// cleared or lost.
    pub fn by_view(&self, view: &View) -> Option<Self> {
        let (pass, snapshot) = (&self.0, &view.snapshot);
        let time = snapshot.progress.line_time + view.age_ms();
        let seen_for = time - pass.seen;
        let is_fresh = seen_for >= -AHEAD_MS
            && seen_for * 3 < i64::from(snapshot.concert.policy.waiting_ttl_seconds) * 1_000;
        let is_in_line = snapshot.front.is_some_and(|front| pass.number > front)
            && snapshot
                .cleared_through
                .is_none_or(|through| pass.number > through);
        let made_since = i64::try_from(pass.number.0 / 1_000).unwrap_or(i64::MAX) >= snapshot.at.0;
        let is_known = made_since || snapshot.last.is_some_and(|last| pass.number <= last);
        let is_over = matches!(snapshot.phase(), Phase::Closed | Phase::Ended);
        let believed =
            is_fresh && is_in_line && is_known && !is_over && pass.born == snapshot.progress.born;
        let passed = snapshot.progress.taken.saturating_sub(pass.taken);
        if !believed || passed >= pass.told {
            return None;
        }
        Some(Self(Pass {
            told: pass.told - passed,
            live_ahead: pass.live_ahead.saturating_sub(passed),
            taken: pass.taken + passed,
            ..pass.clone()
        }))
    }

    /// Brings the store's answer to a member in line with what was told: the smaller of both numbers.
    /// What was taken since is not counted: while this member was away it may have been behind them.
    pub fn limit(&self, found: &mut StandingFacts) {
        let Progress { born, taken, .. } = found.progress;
        let EntryState::Waiting {
            number,
            queue_number,
            ..
        } = &mut found.state
        else {
            return;
        };
        if *number == self.0.number && born == self.0.born {
            *queue_number = (*queue_number).min(self.0.told);
            found.progress.taken = taken.max(self.0.taken);
        }
    }

    /// The state of the entry.
    pub fn state(&self) -> EntryState {
        EntryState::Waiting {
            number: self.0.number,
            queue_number: self.0.told,
            live_ahead: self.0.live_ahead,
        }
    }
}
