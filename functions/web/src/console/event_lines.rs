//! Rates and areas in the form of an event: a line each, in a text that people type. Below an area whose seats have names stand its
//! rows, see `row_lines`.

use std::ops::RangeInclusive;

use administration::AreaInput;
use domain::{
    event::{CAPACITY_MAX, PRICE_MAX, Pricing},
    field_error::{FieldError, Kind, Wrong},
    money::{decimal, minor_units},
    rate::Rate,
};
use http_api::fields::{Value, text};

use super::row_lines::{self, ROW, TypedRow, Unread, in_row};

pub(crate) const RATES: &str = "rates";
pub(crate) const AREAS: &str = "areas";
/// Stands where bounds could, before a name that begins like some.
const NO_BOUNDS: &str = "-";
/// Stands for the number of places where rows say it.
const BY_ROWS: &str = "rows";
/// Among the rows of an area: where the system chooses, it leaves no single seat free.
const NO_SINGLE_SEATS: &str = "no single seats";
const LIKE: &str = "be a short word, places, a price and a name, like floor 500 45.00 Floor";
const BELOW: &str = "stand below an area that has rows in place of its places";

/// Rates as people type them.
pub(crate) fn rates(value: Value) -> Result<Vec<Rate>, Wrong> {
    of_lines(&text(value)?, rate)
}

/// Areas as people type them, their prices in that currency.
pub(crate) fn areas(value: Value, currency: &str) -> Result<Vec<AreaInput>, Wrong> {
    let typed = typed_areas(&text(value)?, currency).map_err(|_| Wrong::Type(Kind::List))?;
    Ok(typed.into_iter().map(TypedArea::input).collect())
}

/// An area, and where it is typed.
struct TypedArea {
    line: usize,
    area: AreaInput,
    rows: Vec<TypedRow>,
}

impl TypedArea {
    /// Without any rows, an area keeps those that it has.
    fn input(self) -> AreaInput {
        let rows: Vec<_> = self.rows.into_iter().map(|typed| typed.row).collect();
        AreaInput { rows: Some(rows).filter(|rows| !rows.is_empty()), ..self.area }
    }
}

fn typed_areas(typed: &str, currency: &str) -> Result<Vec<TypedArea>, Unread> {
    let (mut areas, mut rows): (Vec<TypedArea>, usize) = (Vec::new(), 0);
    for (line, text) in (1..).zip(typed.lines().map(str::trim)).filter(|(_, text)| !text.is_empty()) {
        let Some(row) = text.strip_prefix(ROW) else {
            let area = area(text, currency).ok_or(Unread { line, must: LIKE })?;
            areas.push(TypedArea { line, area, rows: Vec::new() });
            continue;
        };
        let numbered = areas.last_mut().filter(|above| above.area.capacity.is_none());
        let above = numbered.ok_or(Unread { line, must: BELOW })?;
        if row.trim() == NO_SINGLE_SEATS {
            above.area.no_single_seats = Some(true);
        } else {
            let before = above.rows.len();
            row_lines::add_line(line, row, rows - before, &mut above.rows)?;
            rows += above.rows.len() - before;
        }
    }
    Ok(areas)
}

/// Which line of these areas can't be read, and what it must be.
pub(crate) fn unread_area(typed: &str, currency: &str) -> Option<String> {
    typed_areas(typed, currency).err().map(|unread| unread.said())
}

fn of_lines<T>(typed: &str, one: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Wrong> {
    let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| one(line).ok_or(Wrong::Type(Kind::List))).collect()
}

fn rate(line: &str) -> Option<Rate> {
    let (id, rest) = word(line)?;
    let (percent, name) = word(rest)?;
    let percent = percent.trim_end_matches('%').parse().ok()?;
    Some(Rate { id: id.to_owned(), percent, name: name.to_owned() })
}

fn area(line: &str, currency: &str) -> Option<AreaInput> {
    let (id, rest) = word(line)?;
    let (capacity, rest) = word(rest)?;
    let (base_price, rest) = word(rest)?;
    let capacity = match capacity {
        BY_ROWS => None,
        number => Some(whole_or_more(number.parse().ok()?, 1..=CAPACITY_MAX)),
    };
    let base_price = whole_or_more(minor_units(base_price, currency)?, 0..=PRICE_MAX);
    let (pricing, name) = match word(rest) {
        Some((NO_BOUNDS, name)) => (None, name),
        Some((bounds, name)) => pricing(bounds).map_or((None, rest), |bounds| (Some(bounds), name)),
        None => (None, rest),
    };
    Some(AreaInput {
        id: id.to_owned(),
        name: name.to_owned(),
        // What is not written among its rows is not so.
        no_single_seats: capacity.is_none().then_some(false),
        capacity,
        base_price,
        pricing,
        rows: None,
    })
}

/// What is more than can be is as much as is said to be too much.
fn whole_or_more(number: u64, range: RangeInclusive<u32>) -> u32 {
    u32::try_from(number).unwrap_or(range.end().saturating_add(1))
}

fn pricing(bounds: &str) -> Option<Pricing> {
    let (min, max) = bounds.trim_end_matches('%').split_once('-')?;
    Some(Pricing { min_percent: min.parse().ok()?, max_percent: max.parse().ok()? })
}

/// Whether a name would be read as bounds and another name.
fn begins_like_bounds(name: &str) -> bool {
    word(name).is_some_and(|(first, _)| first == NO_BOUNDS || pricing(first).is_some())
}

fn word(line: &str) -> Option<(&str, &str)> {
    line.split_once(char::is_whitespace).map(|(word, rest)| (word, rest.trim()))
}

pub(crate) fn written_rates(rates: &[Rate]) -> String {
    let one = |Rate { id, name, percent }: &Rate| format!("{id} {percent} {name}");
    rates.iter().map(one).collect::<Vec<_>>().join("\n")
}

pub(crate) fn written_areas(areas: &[AreaInput], currency: &str) -> String {
    let one = |area: &AreaInput| {
        let AreaInput { id, name, capacity, base_price, pricing, rows, no_single_seats } = area;
        let price = decimal((*base_price).into(), currency).unwrap_or_default();
        let places = capacity.map_or_else(|| BY_ROWS.to_owned(), |places| places.to_string());
        let bounds = match pricing {
            Some(bounds) => format!("{}-{} ", bounds.min_percent, bounds.max_percent),
            None if begins_like_bounds(name) => format!("{NO_BOUNDS} "),
            None => String::new(),
        };
        let mut lines = vec![format!("{id} {places} {price} {bounds}{name}")];
        if capacity.is_none() && *no_single_seats == Some(true) {
            lines.push(format!("{ROW} {NO_SINGLE_SEATS}"));
        }
        lines.extend(rows.iter().flatten().map(row_lines::written));
        lines.join("\n")
    };
    areas.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// What is wrong in a line of one of them, in the words of the form. `typed` are the areas, whose rows take lines, too.
pub(crate) fn in_line(error: &FieldError, typed: &str, currency: &str) -> Option<FieldError> {
    let of = |field: &'static str| {
        let place = error.field.strip_prefix(field)?.strip_prefix('.')?;
        Some((field, place.split_once('.')?))
    };
    let (field, (index, part)) = of(RATES).or_else(|| of(AREAS))?;
    let index = index.parse::<usize>().unwrap_or_default();
    let areas = typed_areas(typed, currency).unwrap_or_default();
    let area = areas.get(index).filter(|_| field == AREAS);
    if let Some(message) = area.and_then(|area| in_row(error, part, &area.rows)) {
        return Some(FieldError { field: field.to_owned(), message, ..error.clone() });
    }
    let line = area.map_or(index + 1, |area| area.line);
    let mut said = error.message.replace("pricing.min_percent", "the lowest price");
    let part = match (part, error.code) {
        ("id", _) => "short word",
        ("capacity", "required") => {
            said = "are missing: write them below it, like + A 24".to_owned();
            "rows"
        }
        ("capacity", "fixed") => {
            said = "is that of its rows: write rows in its place".to_owned();
            "number of places"
        }
        ("rows", "rows_stay") => {
            said = "stay as they are: leave them out here, and add others on the page of the area".to_owned();
            "rows"
        }
        ("rows", "fixed") => {
            said = "can't come later, as its places have no names".to_owned();
            "rows"
        }
        ("capacity", _) => "number of places",
        ("base_price", _) => {
            said = "must not be more than a million".to_owned();
            "price"
        }
        ("pricing.min_percent", _) => "lowest price",
        ("pricing.max_percent", _) => "highest price",
        (part, _) => part,
    };
    let message = format!("have something to mend in line {line}: its {part} {said}");
    Some(FieldError { field: field.to_owned(), message, ..error.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_typed_as_they_are_written() {
        let typed = "floor 500 45.00 Floor\nbox-1 8 120.50 80-200 Box 1\nfree 3 0.00 7-up lounge\n\
                     row 9 1.00 - 80-150 Row\nlast 1 1.00 - - Row";
        let areas = areas(Value::Parameter(typed.to_owned()), "EUR").unwrap();
        let said: Vec<_> =
            areas.iter().map(|area| (&*area.id, area.pricing.is_some(), &*area.name)).collect();
        assert_eq!(
            said,
            [
                ("floor", false, "Floor"),
                ("box-1", true, "Box 1"),
                ("free", false, "7-up lounge"),
                ("row", false, "80-150 Row"),
                ("last", false, "- Row")
            ]
        );
        assert_eq!((areas[1].capacity, areas[1].base_price), (Some(8), 12_050));
        assert_eq!(written_areas(&areas, "EUR"), typed);
    }

    #[test]
    fn rows_stand_below_their_area() {
        let typed = "floor 500 45.00 Floor\nbalcony rows 65.00 80-150 Balcony\n+ no single seats\n+ A 24 : 1,24\n+ B 1,2,5\nbox rows 90.00 Box";
        let areas = areas(Value::Parameter(typed.to_owned()), "EUR").unwrap();
        let said: Vec<_> = areas
            .iter()
            .map(|area| (area.capacity, area.rows.as_ref().map(Vec::len), area.no_single_seats))
            .collect();
        assert_eq!(said, [(Some(500), None, None), (None, Some(2), Some(true)), (None, None, Some(false))]);
        assert_eq!(written_areas(&areas, "EUR"), typed);
    }

    #[test]
    fn what_is_wrong_in_a_row_is_told_by_its_line() {
        let typed =
            "floor 500 45.00 Floor\n\nbalcony rows 65.00 Balcony\n+ A..C 24\n+ B 5\nbox rows 1.00 Box";
        let said =
            |field: &str, wrong| in_line(&FieldError::new(field, wrong), typed, "EUR").unwrap().message;
        assert_eq!(
            said("areas.1.rows.3.name", Wrong::Twice),
            "have something to mend in line 5: its row's name is there already"
        );
        assert_eq!(
            said("areas.2.capacity", Wrong::Missing),
            "have something to mend in line 6: its rows are missing: write them below it, like + A 24"
        );
        assert!(said("areas.1.rows", Wrong::RowsStay).contains("in line 3: its rows stay as they are"));
        let unread = |typed| unread_area(typed, "EUR").unwrap();
        assert!(unread("a rows 1.00 A\n+ B").starts_with("can't be read in line 2: it must be like A 24"));
        assert!(unread("a 5 1.00 A\n+ B 4").contains("line 2: it must stand below an area"));
        assert!(unread("a rows").contains("line 1"));
    }

    #[test]
    fn a_line_that_says_too_little_or_is_no_number_is_none() {
        for typed in
            ["floor", "floor 500", "floor 500 45.00", "floor many 45.00 Floor", "floor 500 dear Floor"]
        {
            assert!(areas(Value::Parameter(typed.to_owned()), "EUR").is_err(), "{typed}");
        }
        let much = areas(Value::Parameter("floor 9000000000 9000000000.00 Floor".to_owned()), "EUR").unwrap();
        assert!(much[0].capacity > Some(CAPACITY_MAX) && much[0].base_price > PRICE_MAX);
    }
}
