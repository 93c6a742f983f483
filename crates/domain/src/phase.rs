//! The phases of a concert.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Concert, Identity, MemberId, Mode, UnixMs};

/// The phase decides what each verb may do. The first that applies wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// An admin closed the concert permanently.
    Closed,
    /// `bookingEndAt` has passed.
    Ended,
    /// Lining up has not started.
    Early,
    /// Members may line up; booking has not started.
    Before,
    /// Booking has started, and admission is paused.
    Paused,
    /// Booking has started.
    Open,
}

impl Phase {
    /// Returns whether a member passes a gate without having been admitted, because nobody lines up
    /// and `enter` would call everybody at once.
    pub fn is_open_to(self, mode: Mode, identity: Identity, member: &MemberId) -> bool {
        self == Self::Open && mode == Mode::Off && identity.allows(member)
    }
}

impl Concert {
    /// Returns when lining up starts; `None` means from creation.
    pub fn opens_at(&self) -> Option<UnixMs> {
        let hours = i64::from(self.policy.join_start_hours);
        self.policy
            .booking_start_at
            .map(|start| start + -hours * 3_600_000)
    }

    /// Returns the phase at the given moment.
    pub fn phase(&self, now: UnixMs) -> Phase {
        let policy = &self.policy;
        if self.closed {
            Phase::Closed
        } else if policy.booking_end_at.is_some_and(|end| now >= end) {
            Phase::Ended
        } else if self.opens_at().is_some_and(|opens| now < opens) {
            Phase::Early
        } else if policy.booking_start_at.is_some_and(|start| now < start) {
            Phase::Before
        } else if policy.paused {
            Phase::Paused
        } else {
            Phase::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConcertId, Policy};

    #[test]
    fn a_sale_is_open_to_all_exactly_when_enter_lets_everybody_straight_in() {
        let [member, guest] = ["42", "guest:1"].map(|id| MemberId::parse(id).unwrap());
        for phase in [
            Phase::Closed,
            Phase::Ended,
            Phase::Early,
            Phase::Before,
            Phase::Paused,
            Phase::Open,
        ] {
            for mode in [Mode::Queue, Mode::Threshold, Mode::Off] {
                let opens = phase == Phase::Open && mode == Mode::Off;
                let to = |identity, who| phase.is_open_to(mode, identity, who);
                assert_eq!(to(Identity::Member, &member), opens);
                assert_eq!(to(Identity::Guest, &member), opens);
                assert_eq!(to(Identity::Guest, &guest), opens);
                assert!(!to(Identity::Member, &guest));
            }
        }
    }

    #[test]
    fn the_first_phase_that_applies_wins() {
        let mut concert = Concert {
            concert_id: ConcertId::parse("c").unwrap(),
            version: 1,
            closed: false,
            policy: Policy::default(),
        };
        assert_eq!(concert.phase(UnixMs(0)), Phase::Open);
        concert.policy.booking_start_at = Some(UnixMs(5 * 3_600_000));
        concert.policy.booking_end_at = Some(UnixMs(6 * 3_600_000));
        let hours = |h: f64| UnixMs((h * 3_600_000.0) as i64);
        assert_eq!(concert.phase(hours(0.9)), Phase::Early);
        assert_eq!(concert.phase(hours(1.0)), Phase::Before);
        assert_eq!(concert.phase(hours(5.0)), Phase::Open);
        concert.policy.paused = true;
        assert_eq!(concert.phase(hours(4.9)), Phase::Before);
        assert_eq!(concert.phase(hours(5.0)), Phase::Paused);
        assert_eq!(concert.phase(hours(6.0)), Phase::Ended);
        concert.closed = true;
        assert_eq!(concert.phase(hours(0.0)), Phase::Closed);
    }
}
