#![doc = include_str!("../README.md")]

mod keys;
mod rotate;
mod verify;

pub use jsonwebtoken::jwk::JwkSet;
pub use keys::{InvalidKeys, SigningKeys, UnknownKey};
pub use rotate::CannotRetire;
use serde::{Deserialize, Serialize};
use sunbeon_domain::{ConcertId, EntryNumber, MemberId};
pub use verify::{InvalidJwks, InvalidToken, Verifier};

/// The `aud` of every booking token.
pub const AUDIENCE: &str = "sunbeon-gate";

/// What a booking token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// Who was admitted.
    pub sub: MemberId,
    /// To which concert.
    pub cid: ConcertId,
    /// By which entry.
    pub ent: EntryNumber,
    /// Its own id.
    pub jti: String,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// From when on it is no longer good, in seconds since the epoch.
    pub exp: i64,
}
