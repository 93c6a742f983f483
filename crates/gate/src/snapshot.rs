//! A concert's public snapshot, or why there is none.

use serde::Deserialize;
use sunbeon_client::Error;
use sunbeon_domain::{Identity, MemberId, Mode, Phase};
use tokio::time::Instant;

/// The knowledge of a concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Concert(Concert),
    NoConcert,
}

/// Why a concert is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Sunbeon could not be reached.
    Unreachable,
    /// Sunbeon was not asked, because the gate already asks too much; or Sunbeon said so itself.
    NoTurn,
}

impl From<&Error> for Unknown {
    fn from(error: &Error) -> Self {
        match error.is_down() {
            true => Self::Unreachable,
            false => Self::NoTurn,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Concert {
    pub(crate) mode: Mode,
    pub(crate) state: Phase,
    /// Older servers omit it.
    #[serde(default)]
    pub(crate) identity: Identity,
}

impl Concert {
    /// Returns whether a member passes without having been admitted.
    pub(crate) fn is_open_to(&self, member: &MemberId) -> bool {
        self.state.is_open_to(self.mode, self.identity, member)
    }
}

/// The result of fetching a snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Fetched {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) failed: Option<Unknown>,
}
