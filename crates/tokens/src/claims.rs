//! The claims of a booking token.

use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};

/// The `aud` of every booking token.
pub const AUDIENCE: &str = "sunbeon-gate";

/// The `typ` of booking tokens, so that nothing expecting an access token accepts one by mistake
/// (RFC 8725 §3.11).
pub const TYPE: &str = "booking+jwt";

/// The claims of a booking token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// The member who was admitted.
    pub sub: MemberId,
    /// The concert.
    pub cid: ConcertId,
    /// The entry that was admitted. Once its session has ended, no token of it is valid.
    pub ent: EntryNumber,
    /// The token's id, the same in every token of one entry.
    pub jti: String,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// The second since the epoch from which it is no longer valid.
    pub exp: i64,
}
