//! The answer to "where am I in line?".

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Concert, ConcertId, EntryNumber, Estimate, EstimateReason, LineFacts, Phase, Stock, UnixMs,
    poll_after_ms,
};

/// A member's status in one concert, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// In line.
    Waiting,
    /// Called; the member has limited time to fetch the booking token.
    Ready,
    /// The booking token is issued.
    Entered,
    /// Not in this line.
    NotInQueue,
    /// The sale is over.
    BookingClosed,
}

/// The state of a member's entry, as the store knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryState {
    /// No entry.
    None,
    /// In line.
    Waiting {
        /// The entry.
        number: EntryNumber,
        /// The number of entries up to and including this one, counting those away.
        queue_number: u64,
        /// The number of entries before this one that are not away.
        live_ahead: u64,
    },
    /// Taken off the front; the ENTER message is on its way.
    Admitting {
        /// The entry.
        number: EntryNumber,
    },
    /// Called.
    Ready {
        /// The entry.
        number: EntryNumber,
        /// The end of the time to fetch the booking token.
        until: UnixMs,
    },
    /// The booking token is issued.
    Entered {
        /// The entry.
        number: EntryNumber,
        /// The end of the booking token.
        until: UnixMs,
    },
}

impl EntryState {
    /// Returns the entry, if there is one.
    pub fn number(&self) -> Option<EntryNumber> {
        match *self {
            Self::None => None,
            Self::Waiting { number, .. }
            | Self::Admitting { number }
            | Self::Ready { number, .. }
            | Self::Entered { number, .. } => Some(number),
        }
    }
}

/// The answer to "where am I in line?". Fields that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!(
    {"concertId": "demo", "concertTitle": "Demo Concert", "queueNumber": 4,
    "totalWaitingCount": 4, "estimatedWaitTime": 1, "estimatedEnterTime": "14:00:05",
    "estimatedWaitSeconds": 5, "estimatedEnterAt": "2026-11-20T05:00:05.000Z", "longWait": false,
    "pollAfterMs": 1000, "taken": 44, "pass": "AAZgqZ1dNAAAAAAAAAAABA",
    "status": "WAITING", "canEnter": false, "entryNumber": 1_763_614_800_000_000_u64}))]
pub struct Standing {
    /// The concert.
    pub concert_id: ConcertId,
    /// Its title.
    pub concert_title: String,
    /// The number of entries up to and including mine. Only while WAITING, like all fields up to
    /// `pass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_number: Option<u64>,
    /// Everyone in line, including those away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_waiting_count: Option<u64>,
    /// The estimate in whole minutes, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_wait_time: Option<u64>,
    /// The estimate as local time in the concert's zone, such as "14:30:00".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_enter_time: Option<String>,
    /// The estimate in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_wait_seconds: Option<u64>,
    /// The estimate as a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_enter_at: Option<UnixMs>,
    /// Whether the estimate exceeds the concert's `maxWaitTimeMinutes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_wait: Option<bool>,
    /// Why the estimate is longer than the pace of the line suggests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate_reason: Option<EstimateReason>,
    /// Milliseconds until the next poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_after_ms: Option<u64>,
    /// How many entries had ever been taken off the front; the snapshot tells how many have by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
    /// A signed statement of the place; sent in `X-Queue-Pass` with the next poll, it makes that cheap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
    /// The status.
    pub status: Status,
    /// True only for READY and ENTERED.
    pub can_enter: bool,
    /// The entry number, if there is an entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_number: Option<EntryNumber>,
    /// READY: the end of the time to fetch the token. ENTERED: the end of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMs>,
    /// A text from the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Whether everything is sold and nothing held that could come back. Left out if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sold_out: bool,
    /// What is left, if the shop reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<Stock>,
}

impl Standing {
    /// Returns the standing of a member whose entry is in the given state.
    pub fn new(concert: &Concert, state: EntryState, line_facts: &LineFacts, now: UnixMs) -> Self {
        let phase = concert.phase(now);
        let over = matches!(phase, Phase::Closed | Phase::Ended);
        let (status, number, until) = match state {
            EntryState::Entered { number, until } => (Status::Entered, Some(number), Some(until)),
            EntryState::Ready { .. } if phase == Phase::Closed => {
                (Status::BookingClosed, None, None)
            }
            EntryState::Ready { number, until } => (Status::Ready, Some(number), Some(until)),
            _ if over => (Status::BookingClosed, None, None),
            EntryState::Waiting { number, .. } | EntryState::Admitting { number } => {
                (Status::Waiting, Some(number), None)
            }
            EntryState::None => (Status::NotInQueue, None, None),
        };
        let mut standing = Self {
            concert_id: concert.concert_id.clone(),
            concert_title: concert.policy.title.clone(),
            queue_number: None,
            total_waiting_count: None,
            estimated_wait_time: None,
            estimated_enter_time: None,
            estimated_wait_seconds: None,
            estimated_enter_at: None,
            long_wait: None,
            estimate_reason: None,
            poll_after_ms: None,
            taken: None,
            pass: None,
            status,
            can_enter: matches!(status, Status::Ready | Status::Entered),
            entry_number: number,
            expires_at: until,
            notice: concert.policy.notice.clone(),
            sold_out: line_facts.sold_out,
            stock: line_facts.stock.clone(),
        };
        if status == Status::Waiting {
            standing.describe_wait(concert, state, line_facts, now);
        }
        standing
    }

    fn describe_wait(
        &mut self,
        concert: &Concert,
        state: EntryState,
        line_facts: &LineFacts,
        now: UnixMs,
    ) {
        let policy = &concert.policy;
        let (queue_number, estimate) = match state {
            EntryState::Waiting {
                queue_number,
                live_ahead,
                ..
            } => (
                queue_number,
                Estimate::new(live_ahead, line_facts, policy, now),
            ),
            _ => (1, Estimate::at(now)),
        };
        self.queue_number = Some(queue_number);
        // What is known of the line may be older than the place in it.
        let total = line_facts.line_length.max(queue_number);
        self.total_waiting_count = Some(total);
        self.poll_after_ms = Some(poll_after_ms(queue_number, total, policy));
        self.estimate_reason = estimate.reason;
        if let Some(enter_at) = estimate.at {
            let wait = u64::try_from(enter_at.0 - now.0).unwrap_or(0);
            let seconds = wait.div_ceil(1000);
            self.estimated_wait_seconds = Some(seconds);
            self.estimated_wait_time = Some(seconds.div_ceil(60));
            self.estimated_enter_at = Some(enter_at);
            self.estimated_enter_time = Some(enter_at.local_time(&policy.time_zone));
            self.long_wait = Some(estimate.is_long(policy, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Policy;

    fn concert() -> Concert {
        Concert {
            concert_id: ConcertId::parse("123").unwrap(),
            version: 1,
            closed: false,
            policy: Policy {
                title: "콘서트 제목".into(),
                ..Policy::default()
            },
        }
    }

    const NOW: UnixMs = UnixMs(1_763_616_600_000); // 14:30:00 in Seoul
    const NUMBER: EntryNumber = EntryNumber(1_763_616_000_000_001);

    fn standing(concert: &Concert, state: EntryState) -> serde_json::Value {
        let line_facts = LineFacts {
            line_length: 150,
            ..LineFacts::default()
        };
        let standing = Standing::new(concert, state, &line_facts, NOW);
        serde_json::to_value(standing).unwrap()
    }

    #[test]
    fn a_waiting_member_sees_number_total_and_time() {
        let place = EntryState::Waiting {
            number: NUMBER,
            queue_number: 15,
            live_ahead: 14,
        };
        assert_eq!(
            standing(&concert(), place),
            json!({
                "concertId": "123", "concertTitle": "콘서트 제목", "queueNumber": 15,
                "totalWaitingCount": 150, "estimatedWaitTime": 1, "estimatedWaitSeconds": 60,
                "estimatedEnterTime": "14:31:00", "estimatedEnterAt": "2025-11-20T05:31:00.000Z",
                "longWait": false, "pollAfterMs": 2000, "status": "WAITING", "canEnter": false,
                "entryNumber": NUMBER
            })
        );
    }

    #[test]
    fn the_estimate_never_lies_before_the_start() {
        let mut concert = concert();
        concert.policy.booking_start_at = Some(NOW + 600_000);
        let place = EntryState::Waiting {
            number: NUMBER,
            queue_number: 15,
            live_ahead: 14,
        };
        let got = standing(&concert, place);
        assert_eq!(got["estimatedWaitTime"], 11);
        assert_eq!(got["estimatedEnterTime"], "14:41:00");
    }

    #[test]
    fn a_wait_beyond_the_limit_is_flagged() {
        let place = |queue_number| EntryState::Waiting {
            number: NUMBER,
            queue_number,
            live_ahead: queue_number - 1,
        };
        assert_eq!(standing(&concert(), place(2400))["longWait"], false);
        assert_eq!(standing(&concert(), place(2401))["longWait"], true);
    }

    #[test]
    fn only_waiting_members_have_queue_fields() {
        let place = EntryState::Ready {
            number: NUMBER,
            until: NOW + 300_000,
        };
        assert_eq!(
            standing(&concert(), place),
            json!({
                "concertId": "123", "concertTitle": "콘서트 제목", "status": "READY",
                "canEnter": true, "entryNumber": NUMBER, "expiresAt": "2025-11-20T05:35:00.000Z"
            })
        );
        assert_eq!(
            standing(&concert(), EntryState::None)["status"],
            "NOT_IN_QUEUE"
        );
    }

    #[test]
    fn after_a_close_only_those_inside_can_enter() {
        let mut concert = concert();
        concert.closed = true;
        let ready = EntryState::Ready {
            number: NUMBER,
            until: NOW + 1,
        };
        let entered = EntryState::Entered {
            number: NUMBER,
            until: NOW + 1,
        };
        assert_eq!(standing(&concert, ready)["status"], "BOOKING_CLOSED");
        assert_eq!(standing(&concert, entered)["status"], "ENTERED");
        assert_eq!(
            standing(&concert, EntryState::None)["status"],
            "BOOKING_CLOSED"
        );
        concert.closed = false;
        concert.policy.booking_end_at = Some(NOW);
        assert_eq!(standing(&concert, ready)["status"], "READY");
        assert_eq!(
            standing(&concert, EntryState::None)["status"],
            "BOOKING_CLOSED"
        );
    }
}
