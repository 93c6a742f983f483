//! What a line remembers of each entry, session and opening.

use sunbeon_domain::{EntryNumber, UnixMs};

use crate::{LimitedBy, TokenFacts};

/// How an entry was taken off the front.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenBy {
    Open,
    Schedule,
}

/// The record of an entry in line or admitting.
pub(super) struct Entry {
    pub(super) number: EntryNumber,
    pub(super) name: String,
    /// Once admitting: when and by whom it was taken.
    pub(super) taken: Option<(UnixMs, TakenBy)>,
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
    Ready { number: EntryNumber, until: UnixMs },
    Entered { facts: TokenFacts },
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
