//! Counted time: deadlines are readings of counters that only go forward.

use sunbeon_domain::{Policy, UnixMs};

/// A beat adds at most this.
const STEP_MS: i64 = 2_000;
/// A role whose latest beat is older is away.
const DEAF_MS: i64 = 15_000;
/// How long a crowd may be unheard.
const SILENCE_MS: i64 = 15_000;

/// A counter of milliseconds, and the beat that it was last moved by.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub(super) time: i64,
    beat: i64,
    /// What is left of a standstill after a gap.
    pub(super) stand: i64,
}

impl Counter {
    fn new(now: UnixMs) -> Self {
        Self {
            time: 0,
            beat: now.0,
            stand: 0,
        }
    }

    /// What a beat now would add.
    fn step(self, now: UnixMs) -> i64 {
        (now.0 - self.beat).clamp(0, STEP_MS)
    }

    /// The reading as a beat now would leave it: for new deadlines, and for what is shown. What has
    /// ended is decided by `time`, so that it never comes back.
    pub(super) fn reading(self, now: UnixMs) -> i64 {
        self.time + self.step(now)
    }

    /// Whether there was no beat for too long.
    pub(super) fn is_gap(self, now: UnixMs) -> bool {
        now.0 - self.beat > DEAF_MS
    }

    /// Whether the latest beat is not too old. One far ahead is from before a step of the clock.
    pub(super) fn is_there(self, now: UnixMs) -> bool {
        (now.0 - self.beat).abs() <= DEAF_MS
    }

    /// A beat: so much of the step counts.
    pub(super) fn go_on(&mut self, now: UnixMs, silent: bool) -> i64 {
        let step = if silent { 0 } else { self.step(now) };
        let counts = (step - self.stand).max(0);
        self.stand = (self.stand - step).max(0);
        self.time += counts;
        self.beat = now.0;
        counts
    }
}

/// The counted times of a line.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// By waiting-room's beat.
    pub(super) line: Counter,
    /// As `line`, but only while the sale is open.
    pub(super) keep: i64,
    /// By token's beat.
    pub(super) claim: Counter,
    /// By anybody's beat.
    pub(super) slot: Counter,
    /// The reading of `slot` when a member was last heard.
    pub(super) heard: i64,
    /// The reading of `slot` when a beat first found the end past; 0 if none has.
    pub(super) ended: i64,
}

impl Times {
    pub(super) fn new(now: UnixMs) -> Self {
        let counter = Counter::new(now);
        Self {
            line: counter,
            keep: 0,
            claim: counter,
            slot: counter,
            heard: 0,
            ended: 0,
        }
    }

    /// The line becomes live: an idle one has no gap and no standstill.
    pub(super) fn wake(&mut self, now: UnixMs) {
        for counter in [&mut self.line, &mut self.claim] {
            counter.beat = now.0;
            counter.stand = 0;
        }
    }

    /// A reading of `slot` as a moment of the clock.
    pub(super) fn moment(&self, reading: i64, now: UnixMs) -> UnixMs {
        now + (reading - self.slot.reading(now))
    }

    /// Whether nobody was heard for too long, and not for so long that it no longer matters.
    pub(super) fn is_quiet(&self, policy: &Policy) -> bool {
        let quiet = (self.slot.time - self.heard) * 3;
        let ready = i64::from(policy.ready_ttl_seconds) * 1_000;
        let most = (SILENCE_MS * 3).min(ready);
        let keep = i64::from(policy.keep_place_minutes) * 60_000;
        quiet >= most && quiet < most + keep * 3
    }
}
