//! Sessions that ended early, for shops that hold something for them.

use sunbeon_domain::{ConcertId, EntryNumber};

use crate::{Gate, feeds::Sight};

impl Gate {
    /// Returns whether the session of this entry is known to have ended before its token: by exit,
    /// removal or completion. `false` while the gate has not heard of it, and once the token has
    /// expired. From the first time that a concert is asked for, the gate follows it.
    pub fn has_ended(&self, concert: &ConcertId, entry: EntryNumber) -> bool {
        self.0.feeds.follow(concert).sight(entry) == Sight::Ended
    }
}
