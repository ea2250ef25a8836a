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
    let comes = |id: &str| event.area_called(Some(id)).is_none();
    if rows.is_empty() && !details.areas.iter().any(|area| comes(&area.id)) {
        return Ok(());
    }
    let layout = catalogue::layout(&protocol.catalogue, event).await?;
    let mut errors = Vec::new();
    for (index, area) in details.areas.iter().enumerate() {
        let mut complain =
            |field: &str, wrong| errors.push(FieldError::new(format!("areas.{index}.{field}"), wrong));
        let Some(known) = event.area_called(Some(&area.id)) else {
            // Its number is for ever that of the one which was taken away.
            let number = (0..).zip(&event.area_states).find(|(_, state)| state.id == area.id);
            let had_rows = |number| layout.rows_of(number).next().is_some();
            if number.is_some_and(|(number, _)| area.rows > 0 || had_rows(number)) {
                complain("id", Wrong::Gone);
            }
            continue;
        };
        let Some(rows) = rows.get(&area.id) else { continue };
        let mut given = rows.iter();
        if !known.is_numbered() {
            complain("rows", Wrong::Fixed);
        } else if !layout.rows_of(known.key.number).all(|row| given.next() == Some(row)) {
            complain("rows", Wrong::RowsStay);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
