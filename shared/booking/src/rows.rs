//! Rows: which of them an admin may add.

use std::collections::BTreeMap;

use crate::Protocol;
use domain::{
    error::Error,
    event::{Event, EventDetails},
    field_error::{FieldError, Wrong},
    row::Row,
};

/// Whether these rows may be those of the areas that are named with them: an area keeps the rows that it has, as they are, and gets
/// others behind them. One that was taken away comes back with other seats than those that were sold, so it does not come back.
pub(super) async fn check(
    protocol: &Protocol,
    event: &Event,
    details: &EventDetails,
    rows: &BTreeMap<String, Vec<Row>>,
) -> Result<(), Error> {
    let comes = |id: &str| event.details.areas.iter().all(|area| area.id != id);
    if rows.is_empty() && !details.areas.iter().any(|area| comes(&area.id)) {
        return Ok(());
    }
    let layout = catalogue::layout(&protocol.catalogue, event).await?;
    let mut errors = Vec::new();
    for (index, area) in details.areas.iter().enumerate() {
        let number = (0..).zip(&event.area_states).find(|(_, state)| state.id == area.id);
        let Some((number, _)) = number else { continue };
        let mut before = layout.rows_of(number).peekable();
        if comes(&area.id) {
            if before.peek().is_some() || area.rows > 0 {
                errors.push(FieldError::new(format!("areas.{index}.id"), Wrong::Gone));
            }
        } else if let Some(rows) = rows.get(&area.id) {
            let mut rows = rows.iter();
            if !before.all(|row| rows.next() == Some(row)) {
                errors.push(FieldError::new(format!("areas.{index}.rows"), Wrong::RowsStay));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
