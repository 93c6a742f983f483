//! A visit, and a visitor who was let in.

use sunbeon_domain::{ConcertId, EntryNumber, MemberId, UnixMs};
use sunbeon_tokens::Claims;

/// A request as the origin understands it: only the origin knows its routes and its logins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// The member who is logged in; nobody passes without a login.
    pub member: Option<MemberId>,
    /// The concert, if the path names one; otherwise that of the booking token is used.
    pub concert: Option<ConcertId>,
}

/// A visitor whom the gate let in; in the extensions of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The concert. Compare it with the one that the request refers to.
    pub concert: ConcertId,
    /// The member.
    pub member: MemberId,
    /// The entry; `None` where nobody lines up (mode `off`, or a gate that fails open).
    pub entry_number: Option<EntryNumber>,
    /// When the booking token expires; `None` without a token.
    pub until: Option<UnixMs>,
}

impl Admitted {
    pub(crate) fn by(claims: &Claims) -> Self {
        Self {
            concert: claims.cid.clone(),
            member: claims.sub.clone(),
            entry_number: Some(claims.ent),
            until: Some(UnixMs(claims.exp.saturating_mul(1_000))),
        }
    }

    /// Lets a member in without an entry.
    pub(crate) fn unnumbered(member: &MemberId, concert: &ConcertId) -> Self {
        Self {
            concert: concert.clone(),
            member: member.clone(),
            entry_number: None,
            until: None,
        }
    }
}
