//! Every key of a concert. The line is `concert:<id>`; all others carry the tag `{concert:<id>}`,
//! which Redis Cluster hashes to the same slot.

use sunbeon_domain::{ConcertId, MemberId};

/// The set of the ids of all concerts in force.
pub(super) const CONCERTS: &str = "concerts";

/// The ids of the concerts whose line is live, for a second.
pub(super) const LIVE: &str = "live";

/// A key that is written to see whether writes are taken; it says nothing.
pub(super) const PROBE: &str = "probe";

const TAGGED: [&str; 13] = [
    "away",
    "seen",
    "lapses",
    "names",
    "admitting",
    "pops",
    "ready",
    "inside",
    "cooling",
    "owed",
    "revoked",
    "policy",
    "state",
];

/// The fourteen keys that every verb takes, in the order of the scripts' prelude.
pub(super) fn concert(id: &ConcertId) -> Vec<String> {
    let tagged = TAGGED.iter().map(|name| format!("{{concert:{id}}}:{name}"));
    std::iter::once(format!("concert:{id}"))
        .chain(tagged)
        .collect()
}

/// The record of a READY or ENTERED member.
pub(super) fn user(id: &ConcertId, member: &MemberId) -> String {
    format!("user:{{concert:{id}}}:{member}")
}

/// What came of an opening with an idempotency key.
pub(super) fn opened(id: &ConcertId, key: &str) -> String {
    format!("{{concert:{id}}}:opened:{key}")
}

/// Counts the keys that a live line has any of; see `is_idle` of `line.lua`.
pub(super) fn count_live(id: &ConcertId) -> redis::Cmd {
    let mut exists = redis::cmd("EXISTS");
    exists.arg(format!("concert:{id}"));
    for name in ["away", "admitting", "ready", "inside", "cooling", "owed"] {
        exists.arg(format!("{{concert:{id}}}:{name}"));
    }
    exists
}

/// Reads a concert's policy.
pub(super) fn policy(id: &ConcertId) -> redis::Cmd {
    let mut get = redis::cmd("GET");
    get.arg(format!("{{concert:{id}}}:policy"));
    get
}
