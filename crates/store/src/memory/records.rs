//! What a line remembers of each entry, session and opening.

use sunbeon_domain::{EntryNumber, UnixMs};

use crate::{LimitedBy, TokenFacts};

/// The most entries that a verb looks at.
pub(super) const WORK: usize = 1_000;

/// How an entry was taken off the front.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenBy {
    Open,
    Schedule,
}

/// The record of an entry in admitting.
pub(super) struct Pop {
    pub(super) number: EntryNumber,
    /// When it was taken.
    pub(super) at: UnixMs,
    /// The same as a reading of `slotTime`.
    pub(super) reading: i64,
    pub(super) by: TakenBy,
}

/// What came of an opening with an idempotency key.
pub(super) struct Opened {
    pub(super) batch_size: u32,
    pub(super) taken: u32,
    pub(super) finished: bool,
    pub(super) limited_by: LimitedBy,
    /// When it may be forgotten.
    pub(super) until: UnixMs,
}

/// The record of a READY or ENTERED member.
pub(super) enum Session {
    Ready {
        number: EntryNumber,
        /// A reading of `claimTime`.
        until: i64,
    },
    Entered {
        facts: TokenFacts,
        /// Readings of `slotTime`.
        until: i64,
        begun: i64,
    },
}

/// Where a member stands once all that has run out is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    None,
    Lapsed,
    Waiting(EntryNumber),
    Away(EntryNumber),
    Admitting(EntryNumber),
    Ready(EntryNumber, UnixMs),
    Entered(EntryNumber, UnixMs),
}
