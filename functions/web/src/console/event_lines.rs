//! Rates and areas in the form of an event: a line each, in a text that people type.

use std::ops::RangeInclusive;

use administration::AreaInput;
use domain::{
    event::{CAPACITY_MAX, PRICE_MAX, Pricing},
    field_error::{FieldError, Kind, Wrong},
    money::{decimal, minor_units},
    rate::Rate,
};
use http_api::fields::{Value, text};

pub(crate) const RATES: &str = "rates";
pub(crate) const AREAS: &str = "areas";
/// Stands where bounds could, before a name that begins like some.
const NO_BOUNDS: &str = "-";

/// Rates as people type them.
pub(crate) fn rates(value: Value) -> Result<Vec<Rate>, Wrong> {
    of_lines(&text(value)?, rate)
}

/// Areas as people type them, their prices in that currency.
pub(crate) fn areas(value: Value, currency: &str) -> Result<Vec<AreaInput>, Wrong> {
    of_lines(&text(value)?, |line| area(line, currency))
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
    let capacity = whole_or_more(capacity.parse().ok()?, 1..=CAPACITY_MAX);
    let base_price = whole_or_more(minor_units(base_price, currency)?, 0..=PRICE_MAX);
    let (pricing, name) = match word(rest) {
        Some((NO_BOUNDS, name)) => (None, name),
        Some((bounds, name)) => pricing(bounds).map_or((None, rest), |bounds| (Some(bounds), name)),
        None => (None, rest),
    };
    Some(AreaInput {
        id: id.to_owned(),
        name: name.to_owned(),
        capacity: Some(capacity),
        base_price,
        pricing,
        rows: None,
        no_single_seats: None,
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
        let AreaInput { id, name, capacity, base_price, pricing, .. } = area;
        let price = decimal((*base_price).into(), currency).unwrap_or_default();
        let capacity = capacity.unwrap_or_default();
        let bounds = match pricing {
            Some(bounds) => format!("{}-{} ", bounds.min_percent, bounds.max_percent),
            None if begins_like_bounds(name) => format!("{NO_BOUNDS} "),
            None => String::new(),
        };
        format!("{id} {capacity} {price} {bounds}{name}")
    };
    areas.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// What is wrong in a line of one of them, in the words of the form.
pub(crate) fn in_line(error: &FieldError) -> Option<FieldError> {
    let of = |field: &'static str| {
        let place = error.field.strip_prefix(field)?.strip_prefix('.')?;
        Some((field, place.split_once('.')?))
    };
    let (field, (line, part)) = of(RATES).or_else(|| of(AREAS))?;
    let line = line.parse::<usize>().unwrap_or_default() + 1;
    let part = match part {
        "id" => "short word",
        "capacity" => "number of places",
        "base_price" => "price",
        "pricing.min_percent" => "lowest price",
        "pricing.max_percent" => "highest price",
        part => part,
    };
    let mut said = error.message.replace("pricing.min_percent", "the lowest price");
    if part == "price" {
        said = "must not be more than a million".to_owned();
    }
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
