//! Why an event is cancelled, as an admin writes it.

use domain::{event::REASON_CHARS_MAX, field_error::Wrong, text};
use http_api::fields::{Value, text_of};

/// A reason, which may be empty.
///
/// # Errors
/// When it is no text of one line, or too long.
pub fn reason(value: Value) -> Result<String, Wrong> {
    let reason = text_of(0..=REASON_CHARS_MAX)(value)?;
    match text::is_line(&reason) {
        true => Ok(reason.trim().to_owned()),
        false => Err(Wrong::ControlCharacters { but_lines: false }),
    }
}
