//! Rows that an area gets behind those that it has.

use std::collections::BTreeMap;

use domain::{
    error::Error,
    event::{DetailsWithRows, Event},
    field_error::{FieldError, Wrong},
    row::{ROWS_MAX, Row, seats_of},
};

use crate::{RowInput, rows_of};

/// The event's details with these rows behind those that the area `has`.
///
/// # Errors
/// What is wrong with the new rows, which are counted from 0: `rows.0.name`; with it what could not be read of them.
pub fn with_more_rows(
    event: &Event,
    area: &str,
    has: &[Row],
    new: &[RowInput],
    unread: Vec<FieldError>,
) -> Result<DetailsWithRows, Error> {
    if new.is_empty() {
        return Err(Error::invalid_field("rows", Wrong::Count { min: 1, max: ROWS_MAX }));
    }
    if has.len() + new.len() > ROWS_MAX {
        return Err(Error::invalid_field("rows", Wrong::TooManyRows { max: ROWS_MAX }));
    }
    let all: Vec<RowInput> = has.iter().map(RowInput::from).chain(new.iter().cloned()).collect();
    let (all, errors) = rows_of(&all, "", &[]);
    let read = errors.into_iter().map(|error| of_new(error, has.len()));
    let read: Vec<FieldError> =
        read.filter(|error| unread.iter().all(|known| known.field != error.field)).collect();
    if !unread.is_empty() || !read.is_empty() {
        return Err(Error::Invalid(unread.into_iter().chain(read).collect()));
    }
    let mut details = event.details.clone();
    for kept in details.areas.iter_mut().filter(|kept| kept.id == area) {
        kept.rows = u16::try_from(all.len()).unwrap_or(u16::MAX);
        // Some of those that are there may be out of sale.
        kept.capacity += seats_of(all.get(has.len()..).unwrap_or_default());
    }
    let details = details.with_sums_of_areas();
    Ok(DetailsWithRows { details, rows: BTreeMap::from([(area.to_owned(), all)]) })
}

/// A complaint about one of the new rows.
fn of_new(error: FieldError, has: usize) -> FieldError {
    let Some((index, rest)) = error.field.strip_prefix("rows.").and_then(|field| field.split_once('.'))
    else {
        return error;
    };
    let index = index.parse::<usize>().unwrap_or_default().saturating_sub(has);
    FieldError { field: format!("rows.{index}.{rest}"), ..error }
}
