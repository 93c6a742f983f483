//! A place that was told once, brought up to date.

use sunbeon_domain::{EntryState, Phase};
use sunbeon_store::{Progress, StandingFacts};
use sunbeon_tokens::Pass;

use crate::View;

/// How far a pass may be ahead of what a process knows of the line's time.
const AHEAD_MS: i64 = 5_000;

/// A place as it was told last. It never rises from one answer to the next, whoever gives it, and is
/// never below the exact one while the store has lost nothing: only takes off the front are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told(pub Pass);

impl Told {
    /// What the store tells of a member in line; `None` if they are not.
    pub fn of(found: &StandingFacts) -> Option<Self> {
        let EntryState::Waiting {
            number,
            queue_number,
            live_ahead,
        } = found.state
        else {
            return None;
        };
        Some(Self(Pass {
            number,
            told: queue_number,
            live_ahead,
            taken: found.progress.taken,
            born: found.progress.born,
            seen: found.progress.line_time,
        }))
    }

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
            ..*pass
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

#[cfg(test)]
mod tests {
    use sunbeon_domain::{Concert, ConcertId, EntryNumber, MemberId, Policy, UnixMs};
    use sunbeon_store::{Admission, MemoryStore, Opening, Recent, Snapshot, Store};

    use super::*;

    /// 2026-11-20T05:00:00Z, in microseconds.
    const START: u64 = 1_795_150_800_000_000;

    /// A line of ten of whom two were taken, and what the sixth was told before.
    async fn sixth() -> (Recent, Pass) {
        let store = MemoryStore::with_clock(|| START);
        let id = ConcertId::parse("c").unwrap();
        let concert = Concert {
            concert_id: id.clone(),
            version: 3,
            closed: false,
            policy: Policy {
                waiting_ttl_seconds: 30,
                ..Policy::default()
            },
        };
        store.put_concert(&concert).await.unwrap();
        for who in 0..10 {
            let member = MemberId::parse(format!("m{who}")).unwrap();
            store.enter(&id, &member, "").await.unwrap();
        }
        let by = Opening {
            batch_size: 2,
            taken: 0,
            key: None,
        };
        let taken = store.admit(&id, by).await.unwrap();
        assert!(matches!(taken, Admission::Taken(_)));
        let pass = Pass {
            number: EntryNumber(START + 5),
            told: 6,
            live_ahead: 5,
            taken: 0,
            born: 3,
            seen: 0,
        };
        (store.recent(&id, None).await.unwrap(), pass)
    }

    /// The queue number by a snapshot and a pass that differ from those of [`sixth`].
    async fn told(change: impl FnOnce(&mut Snapshot, &mut Pass)) -> Option<u64> {
        let (mut recent, mut pass) = sixth().await;
        change(&mut recent.snapshot, &mut pass);
        let told = Told(pass).by_view(&View::new(recent))?;
        assert_eq!(told.0.taken.max(2), told.0.taken);
        Some(told.0.told)
    }

    #[tokio::test]
    async fn what_was_taken_since_is_subtracted_and_nothing_else() {
        assert_eq!(told(|_, _| ()).await, Some(4));
        assert_eq!(told(|_, pass| pass.taken = 1).await, Some(5));
        // The snapshot of another process may be older than the pass.
        assert_eq!(told(|_, pass| pass.taken = 9).await, Some(6));
    }

    #[tokio::test]
    async fn whoever_may_have_been_taken_is_not_told_a_place() {
        let front =
            |front: u64| told(move |snapshot, _| snapshot.front = Some(EntryNumber(START + front)));
        assert_eq!(front(4).await, Some(4));
        assert_eq!(front(5).await, None);
        assert_eq!(front(6).await, None);
        assert_eq!(told(|snapshot, _| snapshot.front = None).await, None);
        assert_eq!(told(|snapshot, _| snapshot.progress.taken = 6).await, None);
    }

    #[tokio::test]
    async fn a_pass_is_good_for_a_third_of_the_waiting_time() {
        let seen = |seen| {
            told(move |snapshot, pass| (snapshot.progress.line_time, pass.seen) = (60_000, seen))
        };
        assert_eq!(seen(50_500).await, Some(4));
        assert_eq!(seen(50_000).await, None);
        assert_eq!(
            seen(64_000).await,
            Some(4),
            "another process knows a later time"
        );
        assert_eq!(seen(66_000).await, None, "of another line");
    }

    #[tokio::test]
    async fn a_pass_of_a_line_that_is_no_more_says_nothing() {
        let through = |number: u64| Some(EntryNumber(START + number));
        let cleared = |number| told(move |snapshot, _| snapshot.cleared_through = through(number));
        assert_eq!(cleared(4).await, Some(4));
        assert_eq!(cleared(5).await, None);
        assert_eq!(told(|_, pass| pass.born = 2).await, None);
        let closed = |snapshot: &mut Snapshot, _: &mut Pass| {
            let mut concert = Concert::clone(&snapshot.concert);
            concert.closed = true;
            snapshot.concert = concert.into();
        };
        assert_eq!(told(closed).await, None);
    }

    #[tokio::test]
    async fn an_entry_that_the_store_has_lost_is_not_told_a_place() {
        let lost = |at: i64| {
            told(move |snapshot, _| {
                snapshot.last = Some(EntryNumber(START + 4));
                snapshot.at = UnixMs((START / 1_000) as i64 + at);
            })
        };
        assert_eq!(lost(0).await, Some(4), "it was made after the snapshot");
        assert_eq!(lost(1).await, None);
    }
}
