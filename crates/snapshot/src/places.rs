//! Standings, from the store's answers or from a place that was told.

use std::sync::Arc;

use sunbeon_domain::{ConcertId, MemberId, Standing};
use sunbeon_store::StandingFacts;
use sunbeon_tokens::Passes;

use crate::{Snapshots, Told, View};

/// What standings are made from, besides the store's answers. A cheap handle.
#[derive(Clone)]
pub struct Places {
    /// The latest snapshots.
    pub snapshots: Snapshots,
    passes: Option<Arc<Passes>>,
}

impl Places {
    /// Creates it. Without passes, none are read or handed out.
    pub fn new(snapshots: Snapshots, passes: Option<Passes>) -> Self {
        Self {
            snapshots,
            passes: passes.map(Arc::new),
        }
    }

    /// Returns the place that a member's pass tells; a pass that is not theirs, or not ours, tells none.
    pub fn read(&self, pass: &str, id: &ConcertId, member: &MemberId) -> Option<Told> {
        self.passes.as_ref()?.read(pass, id, member).map(Told)
    }

    /// Signs the pass of a place.
    pub fn sign(&self, told: &Told, id: &ConcertId, member: &MemberId) -> Option<String> {
        let passes = self.passes.as_ref()?;
        Some(passes.sign(&told.0, id, member))
    }

    /// Returns the standing by the store's answer, brought in line with what was told before.
    pub fn by_store(
        &self,
        view: &View,
        mut found: StandingFacts,
        told: Option<&Told>,
        member: &MemberId,
    ) -> Standing {
        if let Some(told) = told {
            told.limit(&mut found);
        }
        let mut standing = found.standing(&view.snapshot.line_facts);
        if let Some(told) = Told::of(&found) {
            let pass = || self.sign(&told, &found.concert.concert_id, member);
            hand_over(&mut standing, &told, pass);
        }
        standing
    }

    /// Returns the standing by a place, for which the store is not asked, with its pass.
    pub fn by_told(
        &self,
        view: &View,
        now: &Told,
        pass: impl FnOnce() -> Option<String>,
    ) -> Standing {
        let (concert, facts) = (&view.snapshot.concert, &view.snapshot.line_facts);
        let mut standing = Standing::new(concert, now.state(), facts, view.now());
        hand_over(&mut standing, now, pass);
        standing
    }
}

fn hand_over(standing: &mut Standing, told: &Told, pass: impl FnOnce() -> Option<String>) {
    if standing.queue_number.is_some() {
        standing.taken = Some(told.0.taken);
        standing.pass = pass();
    }
}
