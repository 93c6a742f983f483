//! What a concert's public snapshot says, or why there is none.

use serde::Deserialize;
use sunbeon_client::Error;
use sunbeon_domain::{Identity, MemberId, Mode, Phase};
use tokio::time::Instant;

/// What is known of a concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Concert(Concert),
    NoConcert,
}

/// Why nothing is known of a concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Sunbeon was asked and cannot be reached.
    Unreachable,
    /// Sunbeon was not asked, for too much is asked of it already; or it said so itself.
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
    /// Whether a member passes without having been admitted.
    pub(crate) fn is_open_to(&self, member: &MemberId) -> bool {
        self.state.is_open_to(self.mode, self.identity, member)
    }
}

/// How a fetch of a snapshot went.
#[derive(Clone, Copy)]
pub(crate) struct Fetched {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) failed: Option<Unknown>,
}
