//! Rows: the seats of a numbered area, and what they are called. A row is one inventory shard, always: parts of one would break
//! neighbours at their border.

use std::borrow::{Borrow, Cow};

use serde::{Deserialize, Serialize};

use super::id::AreaNumber;

/// Rows of one event at most.
pub const ROWS_MAX: usize = 2_000;
/// Seats of one row at most.
pub const SEATS_PER_ROW_MAX: usize = 200;
/// Seats of an event's rows together at most.
pub const NUMBERED_SEATS_MAX: u32 = 100_000;
/// Characters of a row's name at most.
pub const ROW_NAME_CHARS_MAX: usize = 32;
/// Characters of a seat's label at most.
pub const LABEL_CHARS_MAX: usize = 8;
/// Characters of a seat's name at most: that of its row, a hyphen, and its label.
pub const SEAT_NAME_CHARS_MAX: usize = ROW_NAME_CHARS_MAX + 1 + LABEL_CHARS_MAX;
/// Bytes of rows, about, that are kept in one item: DynamoDB takes 400 KB, and reads 1 MB at a time.
const PART_BYTES: usize = 100_000;

/// Some seats of one row, by their places in it, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub struct SeatSet([u64; 4]);

impl SeatSet {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether that seat is one of them.
    pub fn has(&self, seat: u8) -> bool {
        self.0[usize::from(seat / 64)] >> (seat % 64) & 1 == 1
    }

    /// Adds a seat. Answers whether it is new.
    pub fn add(&mut self, seat: u8) -> bool {
        let is_new = !self.has(seat);
        self.0[usize::from(seat / 64)] |= 1 << (seat % 64);
        is_new
    }

    /// Those that are in the other set, too.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// Those that are not in the other set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// They, and those of the other set.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// They, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = u8> + use<> {
        let seats = *self;
        (0..=u8::MAX).filter(move |seat| seats.has(*seat))
    }
}

impl Extend<u8> for SeatSet {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, seats: I) {
        for seat in seats {
            self.add(seat);
        }
    }
}

impl FromIterator<u8> for SeatSet {
    fn from_iter<I: IntoIterator<Item = u8>>(seats: I) -> Self {
        let mut set = Self::default();
        set.extend(seats);
        set
    }
}

impl From<Vec<u8>> for SeatSet {
    fn from(seats: Vec<u8>) -> Self {
        seats.into_iter().collect()
    }
}

impl From<SeatSet> for Vec<u8> {
    fn from(seats: SeatSet) -> Self {
        seats.iter().collect()
    }
}

/// What the seats of a row are called, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Labels {
    /// So many, from `1` on.
    Numbers(u8),
    /// These.
    Listed(Vec<String>),
}

impl Labels {
    /// Of seats that are called so. Numbers from 1 on are kept as how many they are.
    pub fn listed(labels: Vec<String>) -> Self {
        let are_numbers = (1..).zip(&labels).all(|(number, label): (u32, _)| number.to_string() == *label);
        match u8::try_from(labels.len()) {
            Ok(count) if are_numbers => Self::Numbers(count),
            _ => Self::Listed(labels),
        }
    }

    /// How many seats that are.
    pub fn count(&self) -> usize {
        match self {
            Self::Numbers(count) => usize::from(*count),
            Self::Listed(labels) => labels.len(),
        }
    }

    /// The label of a seat.
    pub fn label(&self, seat: u8) -> Cow<'_, str> {
        match self {
            Self::Numbers(_) => Cow::Owned((u32::from(seat) + 1).to_string()),
            Self::Listed(labels) => Cow::Borrowed(labels.get(usize::from(seat)).map_or("", String::as_str)),
        }
    }

    /// The labels, in the order of the seats.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.count()).filter_map(|seat| u8::try_from(seat).ok()).map(|seat| self.label(seat))
    }
}

/// A row of seats. Neighbours are those that stand beside each other in its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What it is called, unique in its area.
    pub name: String,
    /// What its seats are called, each unique in the row.
    pub labels: Labels,
    /// Those of them that are meant for people who need them.
    #[serde(default, skip_serializing_if = "SeatSet::is_empty")]
    pub accessible: SeatSet,
}

impl Row {
    /// How many seats it has.
    pub fn seats(&self) -> u32 {
        u32::try_from(self.labels.count()).unwrap_or(u32::MAX)
    }

    /// The seat of that label.
    pub fn seat(&self, label: &str) -> Option<u8> {
        let place = self.labels.iter().position(|known| known == label)?;
        u8::try_from(place).ok()
    }

    /// What a seat of it is called, like `A-7`.
    pub fn seat_name(&self, seat: u8) -> String {
        format!("{}-{}", self.name, self.labels.label(seat))
    }

    fn bytes(&self) -> usize {
        let labels = match &self.labels {
            Labels::Numbers(_) => 4,
            Labels::Listed(labels) => labels.iter().map(|label| label.len() + 1).sum(),
        };
        self.name.len() + labels + 2 * usize::try_from(self.accessible.count()).unwrap_or(0) + 32
    }
}

/// Where a seat of that name stands, like `A-7`: in which of these rows, and which of its seats it is. Rows and labels may have hyphens
/// of their own.
pub fn place_of_seat<R: Borrow<Row>>(rows: &[R], name: &str) -> Option<(usize, u8)> {
    rows.iter().enumerate().find_map(|(at, row)| {
        let row = row.borrow();
        let label = name.strip_prefix(&row.name)?.strip_prefix('-')?;
        Some((at, row.seat(label)?))
    })
}

/// Seats of these rows together.
pub fn seats_of(rows: &[Row]) -> u32 {
    rows.iter().map(Row::seats).fold(0, u32::saturating_add)
}

/// Rows of an area, best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRows {
    /// The area's number.
    pub area: AreaNumber,
    /// Rows that stand behind those that it has in parts before.
    pub rows: Vec<Row>,
}

/// A part of an event's layout: rows that were added to its areas together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayoutPart {
    /// The areas that got some.
    pub areas: Vec<AreaRows>,
}

/// Rows that areas get, in parts that an item can hold. A part has as many areas as it has room for: all parts of a new event are
/// written in one transaction.
pub fn in_parts<'a>(areas: impl IntoIterator<Item = (AreaNumber, &'a [Row])>) -> Vec<LayoutPart> {
    let rows = areas.into_iter().flat_map(|(area, rows)| rows.iter().map(move |row| (area, row)));
    let (mut parts, mut bytes): (Vec<LayoutPart>, usize) = (Vec::new(), PART_BYTES);
    for (area, row) in rows {
        bytes += row.bytes();
        if bytes > PART_BYTES {
            bytes = row.bytes();
            parts.push(LayoutPart::default());
        }
        let Some(part) = parts.last_mut() else { continue };
        match part.areas.last_mut().filter(|last| last.area == area) {
            Some(last) => last.rows.push(row.clone()),
            None => part.areas.push(AreaRows { area, rows: vec![row.clone()] }),
        }
    }
    parts
}

/// All rows of an event's areas, as its parts have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout(Vec<LayoutPart>);

impl Layout {
    /// Of these parts, in the order in which they were added.
    pub fn new(parts: Vec<LayoutPart>) -> Self {
        Self(parts)
    }

    /// The rows of an area, best first: that of its shard at place 0, and so on.
    pub fn rows_of(&self, area: AreaNumber) -> impl Iterator<Item = &Row> {
        let areas = self.0.iter().flat_map(|part| &part.areas);
        areas.filter(move |rows| rows.area == area).flat_map(|rows| &rows.rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(name: &str, labels: Labels) -> Row {
        Row { name: name.to_owned(), labels, accessible: SeatSet::default() }
    }

    #[test]
    fn numbers_from_one_on_are_kept_as_how_many_they_are() {
        let labels =
            |labels: &[&str]| Labels::listed(labels.iter().map(|label| (*label).to_owned()).collect());
        assert_eq!(labels(&["1", "2", "3"]), Labels::Numbers(3));
        for other in [&["2", "3"][..], &["1", "3"], &["01", "2"], &["a"]] {
            assert_eq!(
                labels(other),
                Labels::Listed(other.iter().map(|label| (*label).to_owned()).collect())
            );
        }
        let listed = row("A", labels(&["1", "3", "5a"]));
        assert_eq!((listed.seats(), listed.seat("5a"), listed.seat("2")), (3, Some(2), None));
        let numbers = row("B", Labels::Numbers(200));
        assert_eq!((numbers.seat("200"), numbers.seat("201"), numbers.seat("0")), (Some(199), None, None));
        assert!(numbers.labels.iter().eq((1..=200).map(|number| number.to_string())));
    }

    #[test]
    fn a_row_is_kept_as_it_was_written() {
        let mut row = row("A", Labels::Numbers(3));
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"name":"A","labels":3}"#);
        row.accessible = [0, 2].into_iter().collect();
        row.labels = Labels::Listed(vec!["x".into(), "y".into(), "z".into()]);
        let kept = r#"{"name":"A","labels":["x","y","z"],"accessible":[0,2]}"#;
        assert_eq!(serde_json::to_string(&row).unwrap(), kept);
        assert_eq!(serde_json::from_str::<Row>(kept).unwrap(), row);
    }

    #[test]
    fn the_longest_rows_make_parts_that_an_item_can_hold_and_none_is_lost() {
        let label = |seat: usize| format!("\u{1F3AD}{seat:07}");
        let rows: Vec<Row> = (0..100)
            .map(|number| {
                row(&number.to_string(), Labels::Listed((0..SEATS_PER_ROW_MAX).map(label).collect()))
            })
            .collect();
        let parts = in_parts([(3, &rows[..])]);
        assert!(parts.len() > 1);
        for part in &parts {
            assert!(serde_json::to_string(part).unwrap().len() < 200_000);
        }
        let layout = Layout::new(parts);
        assert!(layout.rows_of(3).eq(&rows) && layout.rows_of(0).next().is_none());
    }

    #[test]
    fn small_areas_share_a_part() {
        let rows: Vec<Vec<Row>> = (1..=50).map(|seats| vec![row("A", Labels::Numbers(seats)); 2]).collect();
        let parts = in_parts((0..).zip(rows.iter().map(Vec::as_slice)));
        assert_eq!(parts.len(), 1);
        let layout = Layout::new(parts);
        for (area, rows) in (0..).zip(&rows) {
            assert!(layout.rows_of(area).eq(rows), "{area}");
        }
        assert!(in_parts([]).is_empty() && in_parts([(0, &[][..])]).is_empty());
    }

    proptest! {
        #[test]
        fn a_set_is_a_set(seats: Vec<u8>, other: Vec<u8>) {
            let (set, of_other): (SeatSet, SeatSet) = (seats.iter().copied().collect(), other.iter().copied().collect());
            let (mut sorted, mut both) = (seats.clone(), seats.clone());
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), sorted.clone());
            prop_assert_eq!(set.count() as usize, sorted.len());
            prop_assert_eq!(set.is_empty(), sorted.is_empty());
            let (mut either, mut only) = (seats.clone(), seats.clone());
            both.retain(|seat| other.contains(seat));
            only.retain(|seat| !other.contains(seat));
            either.extend(&other);
            prop_assert_eq!(set.and(&of_other), both.into_iter().collect());
            prop_assert_eq!(set.without(&of_other), only.into_iter().collect());
            prop_assert_eq!(set.or(&of_other), either.into_iter().collect());
            prop_assert_eq!(serde_json::from_str::<SeatSet>(&serde_json::to_string(&set).unwrap()).unwrap(), set);
        }
    }
}
