//! What the feed of ended sessions answers.

use sunbeon_domain::EntryNumber;

/// A place in a concert's feed of sessions that ended before their tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPlace {
    /// Increases from one session to the next.
    pub order: u64,
    /// The session's entry. Only both together name a place: after a failover an order may be reused.
    pub number: EntryNumber,
}

/// A session that ended before its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Where it is in the feed, and its entry.
    pub place: FeedPlace,
    /// When the last token of the entry has expired, in seconds since the epoch.
    pub until: i64,
}

/// Part of a concert's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// Whether the page continues after the place given, rather than starting from the beginning.
    pub goes_on: bool,
    /// The order of the oldest session in the feed.
    pub oldest: Option<u64>,
    /// The sessions, oldest first.
    pub revoked: Vec<Revoked>,
}
