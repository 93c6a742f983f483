//! Entries whose sessions ended early.

use sunbeon_domain::EntryNumber;

/// Entry numbers, each until no token of it is good any longer: 12 bytes for each, in order.
#[derive(Default)]
pub(crate) struct Numbers {
    numbers: Vec<u64>,
    /// Of each, in seconds since the epoch.
    untils: Vec<u32>,
}

impl Numbers {
    pub(crate) fn contains(&self, entry: EntryNumber) -> bool {
        self.numbers.binary_search(&entry.0).is_ok()
    }

    /// Takes in numbers with their ends, in any order, some of them known.
    pub(crate) fn take_in(&mut self, mut new: Vec<[u64; 2]>) {
        if !new.is_sorted() {
            new.sort_unstable();
        }
        let Some([lowest, _]) = new.first() else {
            return;
        };
        // Mostly they are above all that are here, and nothing has to move.
        let from = self.numbers.partition_point(|number| number < lowest);
        let numbers = self.numbers.split_off(from);
        let untils = self.untils.split_off(from);
        self.numbers.reserve_exact(numbers.len() + new.len());
        self.untils.reserve_exact(numbers.len() + new.len());
        let mut known = numbers.into_iter().zip(untils).peekable();
        for [number, until] in new {
            while let Some((number, until)) = known.next_if(|(known, _)| *known <= number) {
                self.push(number, until);
            }
            self.push(number, u32::try_from(until).unwrap_or(u32::MAX));
        }
        for (number, until) in known {
            self.push(number, until);
        }
        self.fit();
    }

    /// Adds one that is not below the last; of one that is the last, the later end counts.
    fn push(&mut self, number: u64, until: u32) {
        match (self.numbers.last(), self.untils.last_mut()) {
            (Some(last), Some(last_until)) if *last == number => {
                *last_until = until.max(*last_until);
            }
            _ => {
                self.numbers.push(number);
                self.untils.push(until);
            }
        }
    }

    /// Forgets those of which no token is good any longer. `now` is in seconds since the epoch.
    pub(crate) fn forget(&mut self, now: i64) {
        let mut kept = 0;
        for at in 0..self.numbers.len() {
            if i64::from(self.untils[at]) > now {
                self.numbers[kept] = self.numbers[at];
                self.untils[kept] = self.untils[at];
                kept += 1;
            }
        }
        self.numbers.truncate(kept);
        self.untils.truncate(kept);
        self.fit();
    }

    /// Gives room back that is more than a quarter of what is needed.
    fn fit(&mut self) {
        let needed = self.numbers.len();
        if self.numbers.capacity() > needed + needed / 4 {
            self.numbers.shrink_to_fit();
            self.untils.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Numbers {
        fn bytes(&self) -> usize {
            8 * self.numbers.capacity() + 4 * self.untils.capacity()
        }
    }

    proptest! {
        #[test]
        fn what_was_taken_in_is_known_until_its_later_end(
            batches in prop::collection::vec(
                prop::collection::vec((0..60_u64, 0..100_u64).prop_map(|(n, till)| [n, till]), 0..20),
                0..8,
            ),
            now in 0..100_i64,
        ) {
            let (mut numbers, mut model) = (Numbers::default(), BTreeMap::<u64, u64>::new());
            for batch in batches {
                for [number, until] in &batch {
                    let known = model.entry(*number).or_default();
                    *known = (*known).max(*until);
                }
                numbers.take_in(batch);
                for number in 0..60 {
                    prop_assert_eq!(
                        numbers.contains(EntryNumber(number)),
                        model.contains_key(&number)
                    );
                }
            }
            numbers.forget(now);
            for number in 0..60 {
                let is_known = model.get(&number).is_some_and(|until| *until as i64 > now);
                prop_assert_eq!(numbers.contains(EntryNumber(number)), is_known);
            }
        }
    }

    #[test]
    fn a_number_takes_at_most_sixteen_bytes() {
        let mut numbers = Numbers::default();
        let mut taken = 0;
        for part in 1..40_u64 {
            // Some above all, some in between.
            let new = (0..part * 100).map(|i| [(i * 7_919 + part) << 20, 1_000 + part]);
            let new: Vec<_> = new.collect();
            taken += new.len();
            numbers.take_in(new);
            assert!(numbers.bytes() <= 16 * numbers.numbers.len(), "{taken}");
        }
        numbers.forget(1_020);
        let left = numbers.numbers.len();
        assert!(left < taken && numbers.bytes() <= 16 * left);
        numbers.forget(2_000);
        assert_eq!(numbers.bytes(), 0);
    }
}
