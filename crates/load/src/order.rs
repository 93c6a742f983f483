//! Was the line first come, first served? Answered from the client's side, in O(n log n).

use std::collections::HashSet;

/// How one member's answer to `enter` lay in time. `T` is any clock.
#[derive(Debug, Clone, Copy)]
pub struct Entry<T> {
    /// When the request was sent.
    pub sent: T,
    /// When its answer had arrived.
    pub answered: T,
    /// The entry number in it.
    pub number: u64,
}

/// How one member's stay in line lay in time.
#[derive(Debug, Clone, Copy)]
pub struct Stay<T> {
    /// The entry number.
    pub number: u64,
    /// The latest moment at which the member was surely still in line.
    pub waited_at: Option<T>,
    /// The earliest moment at which the member was surely admitted.
    pub ready_at: Option<T>,
}

/// Members whose entry number is not above the numbers of all who had their answer before they
/// asked, and members who share a number with another.
///
/// If A's answer had arrived before B's request was sent, A came first, whatever the network did;
/// of requests that overlapped nothing is said. The sweep goes through the requests by the time
/// they were sent and carries the greatest number answered before.
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

/// Members seen admitted while somebody with a smaller entry number was surely still in line.
///
/// B is such a member if an answer that said READY had arrived (`ready_at`) before the moment to
/// which a WAITING answer of some A with a smaller number testifies (`waited_at`). For that to
/// be proof and not a matter of polling:
///
/// - `ready_at` is when B's first READY answer had *arrived*: B was admitted before it.
/// - `waited_at` is when A's last request answered WAITING was *sent*: A was still in line after
///   it.
/// - Only answers with a queue number above 1 count for A. A member who was taken off the front
///   and whose message is still under way shows WAITING at 1, and messages of one batch arrive in
///   any order: the order was decided when the batch was taken.
///
/// With [`numbered_out_of_order`] this covers every A whose answer arrived before B asked. The
/// sweep goes through the members by number and carries the latest `waited_at`.
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
    fn one_admitted_before_the_member_in_front_is_found() {
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
    fn a_hundred_thousand_members_take_no_time() {
        let list: Vec<_> = (0..100_000).map(|n| (n, Some(n), Some(n + 1))).collect();
        assert_eq!(stays(&list), 0);
        let list: Vec<_> = (0..100_000).map(|n| (n, n + 50, 100_000 - n)).collect();
        assert!(entries(&list) > 99_000);
    }
}
