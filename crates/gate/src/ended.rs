//! Sessions that ended early, for shops that hold something for them.

use sunbeon_domain::{ConcertId, EntryNumber};

use crate::Gate;

impl Gate {
    /// Returns whether the session of this entry is known to have ended before its token: by exit,
    /// removal or completion. `false` while the gate is blind, and once the token has expired.
    pub fn has_ended(&self, concert: &ConcertId, entry: EntryNumber) -> bool {
        let revoked = self.0.revoked.current();
        revoked.is_some_and(|revoked| revoked.contains(&entry.token_id(concert)))
    }
}
