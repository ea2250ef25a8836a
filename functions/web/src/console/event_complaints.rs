//! What is wrong with an event, in the words of its form.

use domain::field_error::FieldError;

use super::{
    event_form::{BOUNDS, MAIN, MORE, PRICING, is_time},
    event_lines::{AREAS, RATES, in_line, unread_area},
};
use crate::frame::form::Typed;

/// A complaint about a form in which that was typed: some fields are lines of a text there.
pub(super) fn for_people(error: &FieldError, typed: &Typed) -> FieldError {
    let field = error.field.strip_prefix("pricing.").unwrap_or(&error.field);
    let (areas, currency) = (typed.get(AREAS), typed.get("currency").trim().to_uppercase());
    if let Some(error) = in_line(error, areas, &currency) {
        return error;
    }
    let message = match (field, error.code) {
        (RATES, "wrong_type") => "must have a short word, percent and a name in each line".to_owned(),
        (AREAS, "wrong_type") => unread_area(areas, &currency).unwrap_or_else(|| error.message.clone()),
        ("capacity", "beside") => "must be empty where there are areas: each has its own".to_owned(),
        (PRICING, "beside") => "The tick must be off where there are areas: each has its own bounds.".to_owned(),
        ("base_price", "wrong_type" | "out_of_range") => {
            "must be an amount like 45.00, with as many digits behind the point as the currency has, and none but that point: a \
             million at most"
                .to_owned()
        }
        (_, "only_with") => "needs the tick above".to_owned(),
        (_, "wrong_type") if is_time(field) => "must be a day and a time".to_owned(),
        _ => {
            let all = MAIN.iter().chain(&MORE).chain(&BOUNDS);
            all.fold(error.message.clone(), |said, other| {
                said.replace(&format!("pricing.{}", other.name()), other.name())
                    .replace(other.name(), &format!("“{}”", other.label()))
            })
        }
    };
    FieldError { field: field.to_owned(), message, ..error.clone() }
}
