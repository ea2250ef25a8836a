//! What is wrong with a field of a request: a code with parameters for programs, and a sentence for people.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::endpoint_url::NoEndpointUrl;

/// A field of a request that can't be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field's path in the request, like `pricing.min_percent`; a parameter's or a header's name.
    pub field: String,
    /// What is wrong, stable, for programs.
    #[schema(value_type = String, example = "out_of_range")]
    pub code: &'static str,
    /// What the message has of numbers and names, by which a client can say it in another language. Which ones there are
    /// follows from the code.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Option<Object>, required = false, nullable = false, example = json!({ "min": 1, "max": 100 }))]
    pub params: Map<String, Value>,
    /// What it must be, for people.
    #[schema(example = "must be a whole number from 1 to 100")]
    pub message: String,
}

impl FieldError {
    /// A complaint about one field.
    pub fn new(field: impl Into<String>, wrong: Wrong) -> Self {
        let (code, params) = wrong.for_programs();
        let params = params.as_object().cloned().unwrap_or_default();
        Self { field: field.into(), code, params, message: wrong.to_string() }
    }
}

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    WholeNumber,
    /// A time as RFC 3339 has it.
    Time,
    /// An object of JSON.
    Object,
    /// A list of JSON.
    List,
    /// True or false.
    Truth,
}

/// What may be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not there.
    Missing,
    /// Nothing is called so.
    Unknown,
    /// It is there more than once.
    Twice,
    /// It is another kind of value.
    Type(Kind),
    /// The number is too small or too large.
    OutOfRange {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// The text has too few characters, or too many.
    Length {
        /// The fewest.
        min: usize,
        /// The most; `None` for any number.
        max: Option<usize>,
    },
    /// The list has too few items, or too many.
    Count {
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// It is no id of a rate.
    NoRateId,
    /// It is no id of an area.
    NoAreaId,
    /// They have too many places together.
    TooManyPlaces {
        /// The most.
        max: u32,
    },
    /// There are, and were, as many as an event may ever have.
    TooManyEver {
        /// The most.
        max: usize,
    },
    /// They are all that is left, and one must be.
    LeavesNone,
    /// They have too many rows together.
    TooManyRows {
        /// The most.
        max: usize,
    },
    /// It has a slash.
    Slash,
    /// No seat of the row has that label.
    NoSeat,
    /// They are not the rows that the area has, with others behind them.
    RowsStay,
    /// The area was taken away, and had rows.
    Gone,
    /// It stands beside another field that says the same otherwise.
    Beside(&'static str),
    /// It is none of these words.
    NotOneOf(Vec<&'static str>),
    /// It has a meaning only where another field is this.
    OnlyWith {
        /// The other.
        other: &'static str,
        /// What that must be.
        value: &'static str,
    },
    /// It is no address of mail.
    NoEmail,
    /// It is no currency that is in use.
    NoCurrency,
    /// It is no time zone.
    NoTimeZone,
    /// It is no UUID.
    NoId,
    /// It is no idempotency key.
    NoKey,
    /// It is no list of strong entity tags.
    NoTags,
    /// It has control characters; whether a text of several lines is meant.
    ControlCharacters {
        /// Whether line breaks and tabs are none of them.
        but_lines: bool,
    },
    /// Nothing is seen of it.
    Invisible,
    /// It has characters that no password has (RFC 8265).
    NoPassword,
    /// Everybody would guess it.
    CommonPassword,
    /// It is made of the address.
    PasswordOfEmail,
    /// It is not in the future.
    NotInFuture,
    /// It must be after another field.
    NotAfter(&'static str),
    /// It must not be after another field.
    After(&'static str),
    /// It must not be before another field.
    Before(&'static str),
    /// It must be before another field.
    NotBefore(&'static str),
    /// It is too far behind another field.
    TooLongAfter {
        /// The other.
        other: &'static str,
        /// How far it may be.
        days: i64,
    },
    /// It is too far before another field.
    TooLongBefore {
        /// The other.
        other: &'static str,
        /// How far it may be.
        days: i64,
    },
    /// It is below another field.
    Below(&'static str),
    /// It is more than another field says.
    MoreThan(&'static str),
    /// It can't be changed.
    Fixed,
    /// It is no address that a webhook may go to.
    NoEndpoint(NoEndpointUrl),
    /// It is as it was.
    Unchanged,
}

impl Wrong {
    /// Every code of a field, as the API guide explains them.
    pub const CODES: [&str; 43] = [
        "required",
        "unknown",
        "duplicate",
        "wrong_type",
        "out_of_range",
        "wrong_length",
        "wrong_count",
        "not_a_rate_id",
        "not_an_area_id",
        "too_many_places",
        "too_many_ever",
        "leaves_none",
        "too_many_rows",
        "slash",
        "not_a_seat",
        "rows_stay",
        "gone",
        "beside",
        "not_one_of",
        "only_with",
        "not_an_email",
        "not_a_currency",
        "not_a_time_zone",
        "not_an_id",
        "not_a_key",
        "not_an_etag",
        "control_characters",
        "invisible",
        "not_a_password",
        "common_password",
        "password_of_email",
        "not_in_future",
        "not_after",
        "after",
        "before",
        "not_before",
        "too_long_after",
        "too_long_before",
        "below",
        "more_than",
        "fixed",
        "not_an_endpoint",
        "unchanged",
    ];

    fn for_programs(&self) -> (&'static str, Value) {
        match self {
            Self::Missing => ("required", json!({})),
            Self::Unknown => ("unknown", json!({})),
            Self::Twice => ("duplicate", json!({})),
            Self::Type(kind) => ("wrong_type", json!({ "expected": kind.word() })),
            Self::OutOfRange { min, max } => ("out_of_range", json!({ "min": min, "max": max })),
            Self::Length { min, max: None } => ("wrong_length", json!({ "min": min })),
            Self::Length { min, max: Some(max) } => ("wrong_length", json!({ "min": min, "max": max })),
            Self::Count { min, max } => ("wrong_count", json!({ "min": min, "max": max })),
            Self::NoRateId => ("not_a_rate_id", json!({})),
            Self::NoAreaId => ("not_an_area_id", json!({})),
            Self::TooManyPlaces { max } => ("too_many_places", json!({ "max": max })),
            Self::TooManyEver { max } => ("too_many_ever", json!({ "max": max })),
            Self::LeavesNone => ("leaves_none", json!({})),
            Self::TooManyRows { max } => ("too_many_rows", json!({ "max": max })),
            Self::Slash => ("slash", json!({})),
            Self::NoSeat => ("not_a_seat", json!({})),
            Self::RowsStay => ("rows_stay", json!({})),
            Self::Gone => ("gone", json!({})),
            Self::Beside(other) => ("beside", json!({ "other": other })),
            Self::NotOneOf(allowed) => ("not_one_of", json!({ "allowed": allowed })),
            Self::OnlyWith { other, value } => ("only_with", json!({ "other": other, "value": value })),
            Self::NoEmail => ("not_an_email", json!({})),
            Self::NoCurrency => ("not_a_currency", json!({})),
            Self::NoTimeZone => ("not_a_time_zone", json!({})),
            Self::NoId => ("not_an_id", json!({})),
            Self::NoKey => ("not_a_key", json!({})),
            Self::NoTags => ("not_an_etag", json!({})),
            Self::ControlCharacters { .. } => ("control_characters", json!({})),
            Self::Invisible => ("invisible", json!({})),
            Self::NoPassword => ("not_a_password", json!({})),
            Self::CommonPassword => ("common_password", json!({})),
            Self::PasswordOfEmail => ("password_of_email", json!({})),
            Self::NotInFuture => ("not_in_future", json!({})),
            Self::NotAfter(other) => ("not_after", json!({ "other": other })),
            Self::After(other) => ("after", json!({ "other": other })),
            Self::Before(other) => ("before", json!({ "other": other })),
            Self::NotBefore(other) => ("not_before", json!({ "other": other })),
            Self::TooLongAfter { other, days } => ("too_long_after", json!({ "other": other, "days": days })),
            Self::TooLongBefore { other, days } => {
                ("too_long_before", json!({ "other": other, "days": days }))
            }
            Self::Below(other) => ("below", json!({ "other": other })),
            Self::MoreThan(other) => ("more_than", json!({ "other": other })),
            Self::Fixed => ("fixed", json!({})),
            Self::NoEndpoint(_) => ("not_an_endpoint", json!({})),
            Self::Unchanged => ("unchanged", json!({})),
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::WholeNumber => "whole_number",
            Self::Time => "time",
            Self::Object => "object",
            Self::List => "list",
            Self::Truth => "boolean",
        }
    }
}

impl std::error::Error for Wrong {}

/// What must be, after the field's name.
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Unknown => f.write_str("is not known here"),
            Self::Twice => f.write_str("must be there only once"),
            Self::Type(Kind::Text) => f.write_str("must be a text"),
            Self::Type(Kind::WholeNumber) => f.write_str("must be a whole number"),
            Self::Type(Kind::Time) => f.write_str(
                "must be a time with its offset, like 2031-06-12T20:00:00Z or 2031-06-12T22:00:00+02:00",
            ),
            Self::Type(Kind::Object) => f.write_str("must be a JSON object"),
            Self::Type(Kind::List) => f.write_str("must be a list"),
            Self::Type(Kind::Truth) => f.write_str("must be true or false, a boolean"),
            Self::OutOfRange { min, max } => write!(f, "must be a whole number from {min} to {max}"),
            Self::Length { min, max: None } => write!(f, "must have at least {min} characters"),
            Self::Length { min: 0, max: Some(max) } => write!(f, "must have at most {max} characters"),
            Self::Length { min, max: Some(max) } => write!(f, "must have {min} to {max} characters"),
            Self::Count { min, max } => write!(f, "must have {min} to {max} items"),
            Self::NoRateId | Self::NoAreaId => {
                f.write_str("must be 1 to 32 of the characters a to z, 0 to 9 and -")
            }
            Self::TooManyPlaces { max } => write!(f, "must have at most {max} places together"),
            Self::TooManyEver { max } => {
                write!(f, "must not be more than {max}, those counted that were taken away")
            }
            Self::LeavesNone => f.write_str("must leave one on sale at least"),
            Self::TooManyRows { max } => write!(f, "must have at most {max} rows together"),
            Self::Slash => f.write_str("must not have a slash"),
            Self::NoSeat => f.write_str("must be the label of a seat in the row"),
            Self::RowsStay => f.write_str(
                "must begin with the rows that the area has, as they are; others may stand behind them",
            ),
            Self::Gone => {
                f.write_str("must be another one: that area was taken away, and had rows or is to have some")
            }
            Self::Beside(other) => write!(f, "must be left out where there is {other}"),
            Self::NotOneOf(allowed) => write!(f, "must be {}", one_of(allowed)),
            Self::OnlyWith { other, value } => write!(f, "must be left out unless {other} is {value}"),
            Self::NoEmail => f.write_str("must be an email address, like ada@example.com"),
            Self::NoCurrency => f.write_str("must be the ISO 4217 code of a currency in use, like EUR"),
            Self::NoTimeZone => f.write_str("must be the IANA name of a time zone, like Europe/Berlin"),
            Self::NoId => f.write_str("must be a UUID"),
            Self::NoKey => {
                f.write_str("must be one key of 1 to 255 visible ASCII characters, without commas")
            }
            Self::NoTags => f.write_str("must be entity tags, like \"1\", none of them weak; or *"),
            Self::ControlCharacters { but_lines: false } => f.write_str("must not have control characters"),
            Self::ControlCharacters { but_lines: true } => {
                f.write_str("must not have control characters other than line breaks and tabs")
            }
            Self::Invisible => {
                f.write_str("must have something to be seen, not only spaces or invisible characters")
            }
            Self::NoPassword => f.write_str(
                "must not have control characters, or such as are not assigned or only join others",
            ),
            Self::CommonPassword => f.write_str(
                "must not be one of the most common passwords: take three or four words, for example",
            ),
            Self::PasswordOfEmail => f.write_str("must not be made of the email address"),
            Self::NotInFuture => f.write_str("must be in the future"),
            Self::NotAfter(other) => write!(f, "must be after {other}"),
            Self::After(other) => write!(f, "must not be after {other}"),
            Self::Before(other) => write!(f, "must not be before {other}"),
            Self::NotBefore(other) => write!(f, "must be before {other}"),
            Self::TooLongAfter { other, days } => write!(f, "must be at most {days} days after {other}"),
            Self::TooLongBefore { other, days } => write!(f, "must be at most {days} days before {other}"),
            Self::Below(other) => write!(f, "must not be below {other}"),
            Self::MoreThan(other) => write!(f, "must not be more than {other}"),
            Self::Fixed => f.write_str("can't be changed"),
            Self::NoEndpoint(reason) => reason.fmt(f),
            Self::Unchanged => f.write_str("must be another one than now"),
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[&str]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Wrong> {
        use Wrong::*;
        let kinds = [Kind::Text, Kind::WholeNumber, Kind::Time, Kind::Object, Kind::List, Kind::Truth];
        let kinds = kinds.map(Wrong::Type);
        let others = [
            Missing,
            Unknown,
            Twice,
            OutOfRange { min: 1, max: 50 },
            Length { min: 8, max: None },
            Length { min: 0, max: Some(200) },
            Length { min: 1, max: Some(200) },
            Count { min: 1, max: 10 },
            NoRateId,
            NoAreaId,
            TooManyPlaces { max: 1_000_000 },
            TooManyEver { max: 64 },
            LeavesNone,
            TooManyRows { max: 2_000 },
            Slash,
            NoSeat,
            RowsStay,
            Gone,
            Beside("areas"),
            NotOneOf(vec!["draft", "published", "cancelled"]),
            OnlyWith { other: "format", value: "csv" },
            NoEmail,
            NoCurrency,
            NoTimeZone,
            NoId,
            NoKey,
            NoTags,
            ControlCharacters { but_lines: false },
            ControlCharacters { but_lines: true },
            Invisible,
            NoPassword,
            CommonPassword,
            PasswordOfEmail,
            NotInFuture,
            NotAfter("starts_at"),
            After("starts_at"),
            Before("from"),
            NotBefore("sales_close_at"),
            TooLongAfter { other: "starts_at", days: 31 },
            TooLongBefore { other: "to", days: 366 },
            Below("pricing.min_percent"),
            MoreThan("quantity"),
            Fixed,
            NoEndpoint(NoEndpointUrl::NotHttps),
            Unchanged,
        ];
        kinds.into_iter().chain(others).collect()
    }

    #[test]
    fn every_parameter_stands_in_the_sentence() {
        for wrong in some() {
            let FieldError { params, message, .. } = FieldError::new("a", wrong);
            for (name, value) in params {
                let words = match &value {
                    Value::Array(words) => {
                        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
                    }
                    Value::String(word) => vec![word.replace('_', " ")],
                    number => vec![number.to_string()],
                };
                let is_said = words.iter().all(|word| message.replace('_', " ").contains(word));
                assert!(is_said || (name, value) == ("min".to_owned(), json!(0)), "{message}");
            }
        }
    }

    #[test]
    fn every_code_is_known() {
        let mut made: Vec<_> = some().into_iter().map(|wrong| FieldError::new("a", wrong).code).collect();
        made.sort_unstable();
        made.dedup();
        let mut known = Wrong::CODES.to_vec();
        known.sort_unstable();
        assert_eq!(made, known);
    }

    #[test]
    fn words_are_listed_as_people_do() {
        let said = |words: &[&'static str]| Wrong::NotOneOf(words.to_vec()).to_string();
        assert_eq!(said(&["hour"]), "must be hour");
        assert_eq!(said(&["hour", "day"]), "must be hour or day");
        assert_eq!(said(&["draft", "published", "cancelled"]), "must be draft, published or cancelled");
    }
}
