//! Sessions of members whose page of the shop is gone.

use sunbeon_domain::MemberId;

use super::{line::Line, ordered::Ordered, records::Session};

/// How many sessions end in one step.
const WORK: usize = 1_000;
/// While nobody tells of pages for longer, none counts as gone.
const UNTOLD_MS: i64 = 5_000;

/// The pages of a shop, by readings of `slotTime`.
#[derive(Default)]
pub(super) struct Pages {
    /// When a member's page was there; of one who holds something, the end of the session, which is later.
    here: Ordered<MemberId>,
    /// When somebody told of pages last, and since when without a gap.
    told: Option<(i64, i64)>,
}

impl Line {
    pub(super) fn note_pages(&mut self, members: &[MemberId]) -> u64 {
        let Some(idle) = self.concert.policy.idle_shop_seconds else {
            self.pages.here.clear();
            return 0;
        };
        self.beat_slots();
        let slot = self.times.slot.time;
        let since = match self.pages.told {
            Some((at, since)) if slot - at <= UNTOLD_MS => since,
            _ => slot,
        };
        self.pages.told = Some((slot, since));
        for member in members {
            if self.is_inside(member) {
                self.page_until(member, slot);
            }
        }
        let gone = slot - i64::from(idle) * 1_000;
        if gone < since || self.counts().waiting == 0 {
            return 0;
        }
        let mut ended = 0;
        for member in self.pages.here.due(gone, WORK) {
            self.pages.here.remove(&member);
            if self.is_inside(&member) {
                self.end_now(&member);
                ended += 1;
            }
        }
        ended
    }

    /// A member's page is there, or need not be, until a reading of `slotTime`.
    fn page_until(&mut self, member: &MemberId, until: i64) {
        let known = self.pages.here.score(member);
        if known.is_none_or(|known| known < until) {
            self.pages.here.set(member, until);
        }
    }

    /// A member holds something and may leave the page.
    pub(super) fn need_no_page(&mut self, member: &MemberId) {
        if self.concert.policy.idle_shop_seconds.is_some()
            && let Some(until) = self.inside.score(member)
        {
            self.page_until(member, until);
        }
    }

    /// A new session: its page was never there.
    pub(super) fn forget_page(&mut self, member: &MemberId) {
        self.pages.here.remove(member);
    }

    fn is_inside(&self, member: &MemberId) -> bool {
        let until = self.inside.score(member).unwrap_or(0);
        until > self.times.slot.time
    }

    fn end_now(&mut self, member: &MemberId) {
        let slot = self.times.slot.time;
        self.inside.set(member, slot);
        if let Some(Session::Entered { until, .. }) = self.sessions.get_mut(member) {
            *until = slot;
        }
    }
}
