//! Sessions that ended before their tokens: what `feed.lua` is on Redis.

use std::collections::{BTreeMap, HashSet};

use sunbeon_domain::EntryNumber;

use super::records::WORK;
use crate::{FeedPage, FeedPlace, Revoked};

/// How many of the oldest are looked at in one sweep.
pub(super) const LOOK: usize = 100;
/// How long one is told after no token of its entry can live.
const FORGET_S: i64 = 3_600;
/// How long after that what no sweep has forgotten is collected.
const COLLECT_S: i64 = 7 * 86_400;

#[derive(Default)]
pub(super) struct Feed {
    /// By their orders.
    listed: BTreeMap<u64, (EntryNumber, i64)>,
    known: HashSet<(EntryNumber, i64)>,
    /// When all of it is collected (s).
    lasts: i64,
}

impl Feed {
    pub(super) fn add(&mut self, number: EntryNumber, until: i64, now_us: u64) {
        if !self.known.insert((number, until)) {
            return;
        }
        let highest = self.listed.last_key_value().map_or(0, |(order, _)| *order);
        self.listed.insert(now_us.max(highest + 1), (number, until));
        self.lasts = self.lasts.max(until + FORGET_S + COLLECT_S);
    }

    /// Forgets what ended an hour ago of the oldest; says how many.
    pub(super) fn forget(&mut self, now_s: i64) -> usize {
        let oldest = self.listed.iter().take(LOOK);
        let over: Vec<_> = oldest
            .filter(|(_, (_, until))| until + FORGET_S <= now_s)
            .map(|(order, _)| *order)
            .collect();
        for order in &over {
            if let Some(forgotten) = self.listed.remove(order) {
                self.known.remove(&forgotten);
            }
        }
        over.len()
    }

    /// Whether nothing of it is left by now.
    pub(super) fn is_collected(&self, now_s: i64) -> bool {
        self.listed.is_empty() || self.lasts <= now_s
    }

    pub(super) fn page(&self, after: Option<FeedPlace>) -> FeedPage {
        let held = after.filter(|place| {
            let at_order = self.listed.get(&place.order);
            at_order.is_some_and(|(number, _)| *number == place.number)
        });
        let from = held.map_or(0, |place| place.order + 1);
        let behind = self.listed.range(from..).take(WORK);
        FeedPage {
            goes_on: held.is_some(),
            oldest: self.listed.keys().next().copied(),
            revoked: behind
                .map(|(order, (number, until))| Revoked {
                    place: FeedPlace {
                        order: *order,
                        number: *number,
                    },
                    until: *until,
                })
                .collect(),
        }
    }
}
