//! What is due on a line.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sunbeon_domain::Concert;
use utoipa::ToSchema;

use super::TakenEntry;

/// What a [`Store::tick`](crate::Store::tick) did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// The concert in force.
    pub concert: Arc<Concert>,
    /// Entries taken by schedule, front first.
    pub entries: Vec<TakenEntry>,
    /// Whether the bound on work cut the take short, so that the rest of it is due at once.
    pub more: bool,
    /// Live entries still waiting.
    pub still_waiting: u64,
    /// In how long somebody who waits may be taken by schedule, in milliseconds: 0 if something holds a take
    /// that is due; `None` if nobody waits or there will be no take.
    pub next_take_ms: Option<u64>,
    /// Entries whose ENTER message is due to be sent again.
    pub due_again: Vec<TakenEntry>,
    /// What had expired.
    pub swept: Swept,
}

/// The expired entries that were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CleanupResult, example = json!({"away": 0, "lapsed": 0, "unclaimed": 0, "expired": 0, "more": false}))]
pub struct Swept {
    /// Waiting members now away.
    pub away: u64,
    /// Lapsed.
    pub lapsed: u64,
    /// READY, never claimed.
    pub unclaimed: u64,
    /// ENTERED, expired.
    pub expired: u64,
    /// Whether there may be more to remove.
    pub more: bool,
}
