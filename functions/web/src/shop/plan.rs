//! Which seats of an area a page shows, and which of them are ticked: by their names, and by the rows that they stand in.

use std::ops::Range;

use domain::row::{Row, SEATS_PER_ROW_MAX, place_of_seat};
use stores::redis::scripts::RowFree;

use crate::frame::seat_map::{Look, SeatMap};
use maud::{Markup, html};

/// Seats of one page, about.
const SEATS_SHOWN: usize = 400;

/// Rows that are shown together: from that one on, up to that one.
pub(crate) type Part = Range<usize>;

/// A seat: its row, and its place in it.
pub(crate) type Place = (usize, usize);

/// The rows of an area, and what is free in each.
pub(crate) struct Plan<'a> {
    pub(crate) rows: Vec<&'a Row>,
    free: &'a [RowFree],
}

impl<'a> Plan<'a> {
    /// Rows that were added in this moment may be known to one of the two only.
    pub(crate) fn new(mut rows: Vec<&'a Row>, free: &'a [RowFree]) -> Self {
        rows.truncate(free.len());
        let free = &free[..rows.len()];
        Self { rows, free }
    }

    /// The seat of that name.
    pub(crate) fn place(&self, name: &str) -> Option<Place> {
        place_of_seat(&self.rows, name).map(|(row, seat)| (row, usize::from(seat)))
    }

    pub(crate) fn name(&self, (row, seat): Place) -> String {
        let label = self.rows[row].labels.iter().nth(seat).unwrap_or_default();
        format!("{}-{label}", self.rows[row].name)
    }

    pub(crate) fn is_free(&self, (row, seat): Place) -> bool {
        self.free.get(row).is_some_and(|row| row.free.as_bytes().get(seat) == Some(&b'1'))
    }

    /// How many seats of these rows are free.
    pub(crate) fn left(&self, part: &Part) -> usize {
        let of = |row: &RowFree| row.free.bytes().filter(|seat| *seat == b'1').count();
        self.free.iter().take(part.end).skip(part.start).map(of).sum()
    }

    /// How many seats these rows have.
    pub(crate) fn seats(&self, part: &Part) -> usize {
        self.rows[part.clone()].iter().map(|row| row.labels.count()).sum()
    }

    pub(crate) fn first_free_row(&self) -> Option<usize> {
        self.free.iter().position(|row| row.free.contains('1'))
    }

    /// What is offered to whoever chose these: all of it, if it is free; else as many free neighbours, as near as there are.
    pub(crate) fn offered(&self, wanted: Vec<Place>) -> Vec<Place> {
        match wanted.first() {
            Some(first) if !wanted.iter().all(|place| self.is_free(*place)) => {
                self.neighbours(*first, wanted.len()).unwrap_or_default()
            }
            _ => wanted,
        }
    }

    /// So many free seats side by side, in the same row or the nearest one that has them, as near to that seat as they are.
    fn neighbours(&self, (row, seat): Place, wanted: usize) -> Option<Vec<Place>> {
        let in_row = |at: usize| {
            let free = self.free[at].free.as_bytes();
            let runs =
                free.windows(wanted).enumerate().filter(|(_, run)| run.iter().all(|seat| *seat == b'1'));
            runs.map(|(first, _)| first).min_by_key(|first| first.abs_diff(seat))
        };
        let mut order: Vec<usize> = (0..self.free.len()).collect();
        order.sort_by_key(|at| at.abs_diff(row));
        let (at, first) = order.into_iter().find_map(|at| Some((at, in_row(at)?)))?;
        Some((first..first + wanted).map(|seat| (at, seat)).collect())
    }

    /// Rows in parts of about as many seats as a page shows.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let mut seats = SEATS_SHOWN;
        for (at, row) in self.rows.iter().enumerate() {
            seats += row.labels.count();
            match parts.last_mut() {
                Some(part) if seats <= SEATS_SHOWN => part.end = at + 1,
                _ => {
                    seats = row.labels.count();
                    parts.push(at..at + 1);
                }
            }
        }
        parts
    }

    /// What rows are called together.
    pub(crate) fn called(&self, part: &Part) -> String {
        match part.len() {
            1 => format!("Row {}", self.rows[part.start].name),
            _ => format!("Rows {} to {}", self.rows[part.start].name, self.rows[part.end - 1].name),
        }
    }

    /// The map of all rows, and what is drawn on it of their seats.
    pub(crate) fn map(&self, ticked: &[Place]) -> (SeatMap, Markup) {
        let map = SeatMap::of(self.rows.iter().map(|row| row.labels.count()));
        let is_accessible = |row: usize, seat: usize| {
            u8::try_from(seat).is_ok_and(|seat| self.rows[row].accessible.has(seat))
        };
        let seats = html! {
            (map.seats(Look::Taken, |_, _| true))
            (map.seats(Look::Free, |row, seat| self.is_free((row, seat))))
            (map.seats(Look::Yours, |row, seat| ticked.contains(&(row, seat))))
            (map.seats(Look::Accessible, is_accessible))
        };
        (map, seats)
    }
}

/// Seats that a form of this page can tick: those of its rows, and those that were ticked among others before.
pub(crate) fn fields() -> impl Iterator<Item = String> {
    (0..SEATS_SHOWN + SEATS_PER_ROW_MAX).map(field)
}

/// The field of a seat.
pub(crate) fn field(number: usize) -> String {
    format!("seat.{number}")
}

#[cfg(test)]
mod tests {
    use domain::row::{Labels, SeatSet};

    use super::*;

    fn rows(free: &[&str]) -> (Vec<Row>, Vec<RowFree>) {
        let row = |(number, free): (usize, &&str)| {
            let labels = Labels::Numbers(u8::try_from(free.len()).unwrap());
            let row = Row { name: format!("{number}"), labels, accessible: SeatSet::default() };
            let free = RowFree { name: number.to_string(), free: (*free).to_owned() };
            (row, free)
        };
        free.iter().enumerate().map(row).unzip()
    }

    fn with<T>(free: &[&str], look: impl FnOnce(&Plan<'_>) -> T) -> T {
        let (rows, free) = rows(free);
        look(&Plan { rows: rows.iter().collect(), free: &free })
    }

    #[test]
    fn the_nearest_free_neighbours_are_offered() {
        with(&["11111", "10011", "11011"], |hall| {
            let same_row = Some(vec![(1, 3), (1, 4)]);
            assert_eq!(hall.neighbours((1, 1), 2), same_row, "in the same row, if it has them");
            let nearest = Some(vec![(0, 1), (0, 2), (0, 3)]);
            assert_eq!(hall.neighbours((1, 1), 3), nearest, "else in the nearest one");
            assert_eq!(hall.neighbours((2, 2), 1), Some(vec![(2, 1)]));
            assert_eq!(hall.neighbours((0, 0), 6), None);
            assert_eq!(hall.offered(vec![(0, 0), (2, 4)]), [(0, 0), (2, 4)], "what is free stays");
        });
    }

    #[test]
    fn seats_are_found_by_their_names_also_where_rows_have_hyphens() {
        let (mut rows, free) = rows(&["11", "11"]);
        rows[0].name = "A".to_owned();
        rows[1].name = "A-1".to_owned();
        let plan = Plan::new(rows.iter().collect(), &free);
        assert_eq!(
            ["A-2", "A-1-2", "A-3", "B-1", "A"].map(|name| plan.place(name)),
            [Some((0, 1)), Some((1, 1)), None, None, None]
        );
        assert_eq!(plan.name((1, 1)), "A-1-2");
    }

    #[test]
    fn a_row_that_only_one_store_knows_yet_is_not_there() {
        let (rows, free) = rows(&["0", "111"]);
        for plan in [Plan::new(vec![&rows[0]], &free), Plan::new(rows.iter().collect(), &free[..1])] {
            assert_eq!((plan.first_free_row(), plan.offered(vec![(0, 0)])), (None, Vec::new()));
            assert_eq!((plan.parts().len(), plan.rows.len(), plan.left(&(0..2))), (1, 1, 0));
        }
    }

    #[test]
    fn a_hall_comes_in_parts_that_a_page_can_show() {
        let row = "1".repeat(200);
        with(&[&row, &row, &row, "1", "0"], |hall| {
            assert_eq!(hall.parts(), [0..2, 2..5]);
            assert_eq!((hall.seats(&(2..5)), hall.left(&(2..5))), (202, 201));
            assert_eq!((hall.called(&(2..5)), hall.called(&(4..5))), ("Rows 2 to 4".into(), "Row 4".into()));
        });
    }
}
