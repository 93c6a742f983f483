//! First come, first served? Decided from the client's observations in O(n log n).

use std::collections::HashSet;

/// The times of one member's `enter`. `T` is any clock.
#[derive(Debug, Clone, Copy)]
pub struct Entry<T> {
    /// When the request was sent.
    pub sent: T,
    /// When its answer had arrived.
    pub answered: T,
    /// The entry number in the answer.
    pub number: u64,
}

/// The times of one member's stay in line.
#[derive(Debug, Clone, Copy)]
pub struct Stay<T> {
    /// The entry number.
    pub number: u64,
    /// The latest moment at which the member was certainly still in line.
    pub waited_at: Option<T>,
    /// The earliest moment at which the member was certainly admitted.
    pub ready_at: Option<T>,
}

/// Counts the members whose entry number is smaller than one that had already been answered when
/// they asked, and the members who share a number with another.
///
/// If A's answer had arrived before B's request was sent, A came first, whatever the network did;
/// nothing is claimed about requests that overlapped. The sweep visits the requests in the order
/// they were sent and carries the largest number answered before.
pub fn numbered_out_of_order<T: Ord + Copy>(entries: &[Entry<T>]) -> usize {
    let mut by_sent: Vec<_> = entries.iter().collect();
    let mut by_answered = by_sent.clone();
    by_sent.sort_by_key(|entry| entry.sent);
    by_answered.sort_by_key(|entry| entry.answered);
    let mut answered = by_answered.into_iter().peekable();
    let mut greatest = 0;
    let overtakers = by_sent.into_iter().filter(|entry| {
        while let Some(earlier) = answered.next_if(|earlier| earlier.answered < entry.sent) {
            greatest = greatest.max(earlier.number);
        }
        entry.number < greatest
    });
    let overtakers = overtakers.count();
    let distinct: HashSet<_> = entries.iter().map(|entry| entry.number).collect();
    overtakers + entries.len() - distinct.len()
}

/// Counts the members seen admitted while somebody with a smaller entry number was certainly still
/// in line.
///
/// B counts if B's READY answer had arrived (`ready_at`) before a moment at which some A with a
/// smaller number was certainly waiting (`waited_at`). Polling must not produce false proof, so:
///
/// - `ready_at` is when B's first READY answer had *arrived*: B was admitted before that.
/// - `waited_at` is when A's last request answered WAITING was *sent*: A was still in line after
///   that. A poll with a pass is answered from a view of the line, so its age is taken off.
/// - For A, only answers with a queue number above 1 count. A member who was taken off the front
///   but whose message is still in flight shows WAITING at 1, and the messages of one batch arrive
///   in any order: the order was decided when the batch was taken.
///
/// Together with [`numbered_out_of_order`] this covers every A whose answer arrived before B asked.
/// The sweep visits the members by number and carries the latest `waited_at`.
pub fn admitted_out_of_order<T: Ord + Copy>(stays: &[Stay<T>]) -> usize {
    let mut by_number: Vec<_> = stays.iter().collect();
    by_number.sort_by_key(|stay| stay.number);
    let mut latest = None;
    let overtakers = by_number.into_iter().filter(|stay| {
        let overtaken = stay
            .ready_at
            .is_some_and(|ready| latest.is_some_and(|wait| wait > ready));
        latest = latest.max(stay.waited_at);
        overtaken
    });
    overtakers.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(u64, u64, u64)]) -> usize {
        let entry = |&(sent, answered, number)| Entry {
            sent,
            answered,
            number,
        };
        numbered_out_of_order(&list.iter().map(entry).collect::<Vec<_>>())
    }

    fn stays(list: &[(u64, Option<u64>, Option<u64>)]) -> usize {
        let stay = |&(number, waited_at, ready_at)| Stay {
            number,
            waited_at,
            ready_at,
        };
        admitted_out_of_order(&list.iter().map(stay).collect::<Vec<_>>())
    }

    #[test]
    fn overlapping_requests_may_be_numbered_either_way() {
        assert_eq!(entries(&[(0, 10, 2), (5, 12, 1), (10, 20, 3)]), 0);
        assert_eq!(entries(&[]), 0);
    }

    #[test]
    fn a_later_request_with_a_smaller_number_is_found() {
        assert_eq!(entries(&[(0, 10, 7), (11, 20, 5), (30, 40, 8)]), 1);
        assert_eq!(entries(&[(30, 40, 1), (11, 20, 5), (0, 10, 7)]), 2);
    }

    #[test]
    fn a_number_given_twice_is_found() {
        assert_eq!(entries(&[(0, 10, 7), (5, 20, 7)]), 1);
    }

    #[test]
    fn everyone_in_order_is_clean() {
        assert_eq!(
            stays(&[
                (1, Some(5), Some(10)),
                (2, Some(9), Some(11)),
                (3, Some(20), None)
            ]),
            0
        );
    }

    #[test]
    fn a_member_admitted_before_the_one_in_front_is_found() {
        assert_eq!(stays(&[(1, Some(12), Some(15)), (2, None, Some(10))]), 1);
        assert_eq!(
            stays(&[
                (3, Some(1), Some(2)),
                (2, None, Some(10)),
                (1, Some(12), None)
            ]),
            2
        );
        assert_eq!(stays(&[(1, Some(10), Some(15)), (2, None, Some(10))]), 0);
    }

    #[test]
    fn a_hundred_thousand_members_can_be_checked() {
        let list: Vec<_> = (0..100_000).map(|n| (n, Some(n), Some(n + 1))).collect();
        assert_eq!(stays(&list), 0);
        let list: Vec<_> = (0..100_000).map(|n| (n, n + 50, 100_000 - n)).collect();
        assert!(entries(&list) > 99_000);
    }
}
