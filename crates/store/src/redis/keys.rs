//! Every key of a concert. The line is `concert:<id>`; all others carry the tag `{concert:<id>}`,
//! which Redis Cluster hashes to the same slot.

use sunbeon_domain::{ConcertId, MemberId};

/// The set of the ids of all concerts in force.
pub(super) const CONCERTS: &str = "concerts";

/// The ids of the concerts whose line is live, for a second.
pub(super) const LIVE: &str = "live";

/// A key that is written to see whether writes are taken; it says nothing.
pub(super) const PROBE: &str = "probe";

/// Others like [`PROBE`], of which each server of a cluster has some.
pub(super) fn probe(number: u32) -> String {
    format!("probe:{number}")
}

const TAGGED: [&str; 14] = [
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
    "live",
];

/// The line, which is where all keys of its concert are.
pub(super) fn line(id: &ConcertId) -> String {
    format!("concert:{id}")
}

/// The fifteen keys that every verb takes, in the order of the scripts' prelude.
pub(super) fn concert(id: &ConcertId) -> Vec<String> {
    let tagged = TAGGED.iter().map(|name| format!("{{concert:{id}}}:{name}"));
    std::iter::once(line(id)).chain(tagged).collect()
}

/// The record of a READY or ENTERED member.
pub(super) fn user(id: &ConcertId, member: &MemberId) -> String {
    format!("user:{{concert:{id}}}:{member}")
}

/// Which members had a page of the shop open, and when.
pub(super) fn pages(id: &ConcertId) -> String {
    format!("{{concert:{id}}}:pages")
}

/// What came of an opening with an idempotency key.
pub(super) fn opened(id: &ConcertId, key: &str) -> String {
    format!("{{concert:{id}}}:opened:{key}")
}

/// Is there while the line is live.
pub(super) fn live(id: &ConcertId) -> String {
    format!("{{concert:{id}}}:live")
}

/// A concert's policy.
pub(super) fn policy(id: &ConcertId) -> String {
    format!("{{concert:{id}}}:policy")
}
