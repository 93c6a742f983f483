//! The nearest equal seats: of the same section and price as one that somebody else was quicker to take.

use std::collections::{BTreeMap, BTreeSet};

use sunbeon_database::{Result, Transaction, statements, values};
use sunbeon_domain::ConcertId;

use super::{Holding, SeatId, Section};

statements! {
    LIKE = "SELECT concert_id, section, seat_row, seat_number, price FROM seats WHERE seat_id = $1";
    /// Whoever looks for seats in a section waits for the one before, so that a crowd that lost the same
    /// seat does not choose the same others.
    IN_TURN = "SELECT {in turn, alone}";
    FREE_LIKE = "SELECT seat_id, seat_row, seat_number FROM seats WHERE concert_id = $1 \
        AND section = $2 AND price = $3 AND (holder IS NULL OR held_until_ms <= (SELECT {now}))";
}

/// A seat's row and number.
type Place = (u32, u32);

/// Chooses free seats like this one, and makes others who look in the same section wait until the end of
/// the transaction. The seats are not locked.
pub(super) async fn nearest(
    tx: &mut Transaction,
    concert: &ConcertId,
    like: &SeatId,
    count: usize,
) -> Result<std::result::Result<BTreeSet<SeatId>, Holding>> {
    let found: Option<(ConcertId, Section, u32, u32, u64)> = tx.row(&LIKE, values![like]).await?;
    let Some((belongs_to, section, row, number, price)) = found else {
        return Ok(Err(Holding::Unknown(like.clone())));
    };
    if belongs_to != *concert {
        return Ok(Err(Holding::OtherConcert(belongs_to)));
    }
    tx.execute(&IN_TURN, values![format!("{concert}.{section}")])
        .await?;
    let price = i64::try_from(price).unwrap_or(i64::MAX);
    let values = values![concert, &section, price];
    let free: Vec<(SeatId, u32, u32)> = tx.rows(&FREE_LIKE, values).await?;
    let mut free: BTreeMap<Place, SeatId> = free
        .into_iter()
        .map(|(id, row, number)| ((row, number), id))
        .collect();
    let chosen = choose(&free.keys().copied().collect(), (row, number), count);
    let chosen: BTreeSet<_> = chosen
        .iter()
        .filter_map(|place| free.remove(place))
        .collect();
    Ok(if chosen.is_empty() {
        Err(Holding::SoldOut)
    } else {
        Ok(chosen)
    })
}

/// How far a seat is from another; a row is as far as two seats.
fn distance(one: Place, other: Place) -> u32 {
    2 * one.0.abs_diff(other.0) + one.1.abs_diff(other.1)
}

/// Chooses so many of the free seats, near the wanted one: side by side in one row, or else wherever they
/// are. None if there are fewer.
fn choose(free: &BTreeSet<Place>, wanted: Place, count: usize) -> Vec<Place> {
    let places: Vec<_> = free.iter().copied().collect();
    let are_side_by_side = |run: &&[Place]| {
        let ((first_row, first), (last_row, last)) = (run[0], run[count - 1]);
        first_row == last_row && (last - first) as usize == count - 1
    };
    let far = |run: &&[Place]| -> u32 { run.iter().map(|place| distance(*place, wanted)).sum() };
    if count == 0 || count > places.len() {
        return Vec::new();
    }
    let together = places
        .windows(count)
        .filter(are_side_by_side)
        .min_by_key(far);
    if let Some(run) = together {
        return run.to_vec();
    }
    let mut nearest = places;
    nearest.sort_by_key(|place| distance(*place, wanted));
    nearest.truncate(count);
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The free seats of a drawing, `.`, and those that are chosen near row 2, number 3.
    fn chosen(drawing: [&str; 3], count: usize) -> Vec<Place> {
        let rows = (1..).zip(drawing);
        let free = rows.flat_map(|(row, seats)| {
            let seats = (1..).zip(seats.chars());
            let free = seats.filter(|(_, seat)| *seat == '.');
            free.map(move |(number, _)| (row, number))
        });
        choose(&free.collect(), (2, 3), count)
    }

    #[test]
    fn the_wanted_seat_itself_is_the_nearest() {
        assert_eq!(chosen([".....", ".....", "....."], 1), [(2, 3)]);
        let three = chosen([".....", ".....", "....."], 3);
        assert_eq!(three, [(2, 2), (2, 3), (2, 4)]);
    }

    #[test]
    fn a_seat_beside_is_nearer_than_one_in_front() {
        assert_eq!(chosen(["..#..", ".#x#.", "....."], 1), [(2, 1)]);
        assert_eq!(chosen([".....", "..x#.", "....."], 1), [(2, 2)]);
    }

    #[test]
    fn seats_side_by_side_are_preferred_to_nearer_ones_apart() {
        let two = chosen([".....", "#.x.#", "#####"], 2);
        assert_eq!(two, [(1, 2), (1, 3)]);
        let apart = chosen(["#####", "#.x.#", "#####"], 2);
        assert_eq!(apart, [(2, 2), (2, 4)]);
    }

    #[test]
    fn no_row_goes_on_in_the_next() {
        assert_eq!(
            chosen(["####.", ".####", "...##"], 3),
            [(3, 1), (3, 2), (3, 3)]
        );
        assert_eq!(chosen(["####.", ".####", "..###"], 3).len(), 3);
    }

    #[test]
    fn fewer_than_wanted_are_none() {
        assert!(chosen(["#####", "#.x.#", "#####"], 3).is_empty());
        assert!(chosen(["#####", "##x##", "#####"], 1).is_empty());
        assert!(chosen([".....", ".....", "....."], 0).is_empty());
    }
}
