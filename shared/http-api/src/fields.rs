//! How every body and every query is read: field by field, so that a client hears of all that is wrong at once.
//!
//! serde's derive would stop at the first field of another type, and say so in words for programmers.

use std::ops::RangeInclusive;

use domain::{
    field_error::{FieldError, Kind, Wrong},
    time,
};
use jiff::Timestamp;
use uuid::Uuid;

/// What a request body may have, unless the fields that it may have need more ([`Read::BODY_BYTES_MAX`]).
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Fields complained about in one answer at most.
const ERRORS_MAX: usize = 32;

/// What a client sent, as names with their values.
pub type Given = Vec<(String, Value)>;

/// A value, as far as it matters to any field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON's null.
    Null,
    /// A whole number.
    Whole(u64),
    /// A whole number below zero.
    BelowZero,
    /// A text of JSON.
    Text(String),
    /// What stands in a query, which may mean a number, too.
    Parameter(String),
    /// An object.
    Object(Given),
    /// A list.
    List(Vec<Value>),
    /// True or false.
    Truth(bool),
    /// What no field takes, as a number that is not whole.
    Other,
}

/// What can be read of a body or a query.
pub trait Read: Sized {
    /// How large a body may be: as large as the limits of its fields let it, however its JSON is written (a character may take
    /// 12 bytes, as `\u` and four digits twice).
    const BODY_BYTES_MAX: usize = BODY_BYTES_MAX;

    /// Takes what it needs; `None` if that is not there, or not acceptable, which the fields know then.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// Reads all that was given; or else says of every field what is wrong with it.
///
/// # Errors
/// What is wrong.
pub fn read<T: Read>(given: Given) -> Result<T, Vec<FieldError>> {
    read_by(given, T::read)
}

/// The same by a reader that knows more than what is given.
pub(super) fn read_by<T>(
    given: Given,
    read: impl FnOnce(&mut Fields) -> Option<T>,
) -> Result<T, Vec<FieldError>> {
    let mut fields = Fields::new(given, String::new());
    let value = read(&mut fields);
    match (value, fields.complaints()) {
        (Some(value), complaints) if complaints.is_empty() => Ok(value),
        (_, complaints) => Err(complaints),
    }
}

/// Fields that are being read: whoever is asked for is taken away, and what is left at the end is not known.
#[derive(Debug)]
pub struct Fields {
    given: Given,
    /// What stands before their names: empty, or the field that they are within, with a point.
    within: String,
    complaints: Vec<FieldError>,
}

impl Fields {
    fn new(given: Given, within: String) -> Self {
        Self { given, within, complaints: Vec::new() }
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Wrong>) -> Option<T> {
        match self.take(name) {
            Some(value) => self.read(name, value, read),
            None => {
                self.complain(name, Wrong::Missing);
                None
            }
        }
    }

    /// A field that may be left out, or be null, which is the same.
    pub fn optional<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Wrong>) -> Option<T> {
        self.nullable(name, read).flatten()
    }

    /// A field that may be left out, but not be null.
    pub fn given<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Wrong>) -> Option<T> {
        let value = self.take(name)?;
        self.read(name, value, read)
    }

    /// Whether a field is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, value)| given == name && !matches!(value, Value::Null))
    }

    /// Whether something is wrong with a field, as far as is known yet.
    pub fn has_complaint(&self, name: &str) -> bool {
        let field = format!("{}{name}", self.within);
        self.complaints.iter().any(|complaint| complaint.field == field)
    }

    /// A field that may be left out, or be null, which is another thing.
    pub fn nullable<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, Wrong>,
    ) -> Option<Option<T>> {
        match self.take(name)? {
            Value::Null => Some(None),
            value => self.read(name, value, read).map(Some),
        }
    }

    /// An object within, that may be left out or be null.
    pub fn object<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> Option<Option<T>> {
        let given = self.nullable(name, |value| match value {
            Value::Object(given) => Ok(given),
            _ => Err(Wrong::Type(Kind::Object)),
        })?;
        Some(given.map(|given| {
            let mut fields = Self::new(given, format!("{}{name}.", self.within));
            let object = read(&mut fields);
            self.complaints.extend(fields.complaints());
            object
        }))
    }

    /// A list of objects, that may be left out or be null. One that can't be read is as good as left out.
    pub fn objects<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Option<Vec<T>>> {
        let items = self.nullable(name, |value| match value {
            Value::List(items) => Ok(items),
            _ => Err(Wrong::Type(Kind::List)),
        })?;
        let Some(items) = items else { return Some(None) };
        let (mut objects, count) = (Vec::new(), items.len());
        for (index, item) in items.into_iter().enumerate() {
            let Value::Object(given) = item else {
                self.complain(&format!("{name}.{index}"), Wrong::Type(Kind::Object));
                continue;
            };
            let mut fields = Self::new(given, format!("{}{name}.{index}.", self.within));
            objects.extend(read(&mut fields));
            self.complaints.extend(fields.complaints());
        }
        (objects.len() == count).then_some(Some(objects))
    }

    /// Says what is wrong with a field.
    pub fn complain(&mut self, name: &str, wrong: Wrong) {
        self.complaints.push(FieldError::new(format!("{}{name}", self.within), wrong));
    }

    /// All that is wrong, what is left among it: for a value that is of use in part only. Asked again, there is nothing more.
    pub fn complaints(&mut self) -> Vec<FieldError> {
        for (name, _) in std::mem::take(&mut self.given) {
            self.complain(&name, Wrong::Unknown);
        }
        let mut complaints = std::mem::take(&mut self.complaints);
        complaints.truncate(ERRORS_MAX);
        complaints
    }

    fn read<T>(
        &mut self,
        name: &str,
        value: Value,
        read: impl FnOnce(Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        read(value).map_err(|wrong| self.complain(name, wrong)).ok()
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.given.iter().position(|(given, _)| given == name)?;
        let (_, value) = self.given.remove(at);
        let others = self.given.len();
        self.given.retain(|(given, _)| given != name);
        if self.given.len() < others {
            self.complain(name, Wrong::Twice);
        }
        Some(value)
    }
}

/// A text.
///
/// # Errors
/// When it is none.
pub fn text(value: Value) -> Result<String, Wrong> {
    match value {
        Value::Text(text) | Value::Parameter(text) => Ok(text),
        _ => Err(Wrong::Type(Kind::Text)),
    }
}

/// A text of so many characters.
pub fn text_of(chars: RangeInclusive<usize>) -> impl Fn(Value) -> Result<String, Wrong> {
    move |value| {
        let text = text(value)?;
        match chars.contains(&text.chars().count()) {
            true => Ok(text),
            false => Err(Wrong::Length { min: *chars.start(), max: Some(*chars.end()) }),
        }
    }
}

/// A whole number that a `u32` holds. Whether it is within these bounds, somebody else says who knows more.
pub fn whole(range: RangeInclusive<u32>) -> impl Fn(Value) -> Result<u32, Wrong> {
    move |value| match value {
        Value::Whole(number) => u32::try_from(number).map_err(|_| out_of(&range)),
        Value::BelowZero => Err(out_of(&range)),
        Value::Parameter(text) => {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            match digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                true => Err(Wrong::Type(Kind::WholeNumber)),
                false => text.parse().map_err(|_| out_of(&range)),
            }
        }
        _ => Err(Wrong::Type(Kind::WholeNumber)),
    }
}

/// A whole number within these bounds.
pub fn whole_within(range: RangeInclusive<u32>) -> impl Fn(Value) -> Result<u32, Wrong> {
    move |value| {
        let number = whole(range.clone())(value)?;
        if range.contains(&number) { Ok(number) } else { Err(out_of(&range)) }
    }
}

fn out_of(range: &RangeInclusive<u32>) -> Wrong {
    Wrong::OutOfRange { min: *range.start(), max: *range.end() }
}

/// An instant, as RFC 3339 writes it.
///
/// # Errors
/// When it is none.
pub fn instant(value: Value) -> Result<Timestamp, Wrong> {
    text(value).ok().and_then(|text| time::parse(&text)).ok_or(Wrong::Type(Kind::Time))
}

/// One of several words, each of which stands for a `T`.
pub fn word<T: Copy + 'static>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> impl Fn(Value) -> Result<T, Wrong> {
    move |value| {
        let meant = text(value).ok().and_then(|text| all.iter().copied().find(|one| as_str(*one) == text));
        meant.ok_or_else(|| Wrong::NotOneOf(all.iter().copied().map(as_str).collect()))
    }
}

/// A list of words, each of which stands for a `T`; what stands there twice counts once.
pub fn words_of<T: Copy + PartialEq + 'static>(
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> impl Fn(Value) -> Result<Vec<T>, Wrong> {
    move |value| {
        let Value::List(items) = value else { return Err(Wrong::Type(Kind::List)) };
        let mut meant = Vec::new();
        for item in items {
            let one = word(all, as_str)(Value::Text(text(item)?))?;
            if !meant.contains(&one) {
                meant.push(one);
            }
        }
        Ok(meant)
    }
}

/// True or false.
///
/// # Errors
/// When it is neither.
pub fn truth(value: Value) -> Result<bool, Wrong> {
    match value {
        Value::Truth(truth) => Ok(truth),
        _ => Err(Wrong::Type(Kind::Truth)),
    }
}

/// A list of texts.
///
/// # Errors
/// When it is none.
pub fn texts(value: Value) -> Result<Vec<String>, Wrong> {
    let Value::List(items) = value else { return Err(Wrong::Type(Kind::List)) };
    items.into_iter().map(text).collect()
}

/// A UUID.
///
/// # Errors
/// When it is none.
pub fn uuid(value: Value) -> Result<Uuid, Wrong> {
    text(value).ok().and_then(|text| text.parse().ok()).ok_or(Wrong::NoId)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Code, json};

    const ANY: RangeInclusive<u32> = 0..=u32::MAX;

    #[derive(Debug)]
    struct Ticket {
        name: String,
        seats: u32,
        at: Timestamp,
        range: Option<(u32, u32)>,
        class: Option<bool>,
    }

    impl Read for Ticket {
        fn read(fields: &mut Fields) -> Option<Self> {
            let (name, seats) =
                (fields.required("name", text_of(1..=5)), fields.required("seats", whole(ANY)));
            let at = fields.required("at", instant);
            let range = fields.object("range", |range| {
                let (low, high) = (range.required("low", whole(ANY)), range.required("high", whole(ANY)));
                low.zip(high)
            });
            let class =
                fields.optional("class", word(&[true, false], |one| if one { "stalls" } else { "balcony" }));
            Some(Self { name: name?, seats: seats?, at: at?, range: range.flatten().flatten(), class })
        }
    }

    fn parse(body: &str) -> Result<Ticket, Vec<FieldError>> {
        read(json::object(body.as_bytes()).unwrap())
    }

    /// The bad fields, each with its code.
    fn wrong(body: &str) -> Vec<(String, &'static str)> {
        let mut wrong: Vec<_> =
            parse(body).unwrap_err().into_iter().map(|error| (error.field, error.code)).collect();
        wrong.sort();
        wrong
    }

    fn named(fields: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        fields.iter().map(|(field, code)| ((*field).to_owned(), *code)).collect()
    }

    const GOOD: &str = r#""name": "a", "seats": 1, "at": "2027-01-01T00:00:00Z""#;

    #[test]
    fn what_is_right_is_read() {
        let ticket =
            parse(&format!(r#"{{{GOOD}, "range": {{"low": 2.0, "high": 1e3}}, "class": "balcony"}}"#));
        let Ticket { name, seats, at, range, class } = ticket.unwrap();
        assert_eq!((name.as_str(), seats, at.as_second()), ("a", 1, 1_798_761_600));
        assert_eq!((range, class), (Some((2, 1_000)), Some(false)));
        assert_eq!(parse(&format!(r#"{{{GOOD}, "range": null, "class": null}}"#)).unwrap().range, None);
    }

    #[test]
    fn all_that_is_wrong_is_named_together() {
        let missing = named(&[("at", "required"), ("name", "required"), ("seats", "required")]);
        assert_eq!(wrong("{}"), missing);
        let body = r#"{"name": "too long", "seats": "many", "at": "2027-01-01T00:00:60Z", "colour": "red",
            "range": {"low": -1, "up": 2, "low": 1}, "class": "pit"}"#;
        assert_eq!(
            wrong(body),
            named(&[
                ("at", "wrong_type"),
                ("class", "not_one_of"),
                ("colour", "unknown"),
                ("name", "wrong_length"),
                ("range.high", "required"),
                ("range.low", "duplicate"),
                ("range.low", "out_of_range"),
                ("range.up", "unknown"),
                ("seats", "wrong_type"),
            ])
        );
    }

    #[test]
    fn a_field_sent_twice_is_named_once() {
        assert_eq!(
            wrong(&format!(r#"{{{GOOD}, "name": "b", "name": "c"}}"#)),
            named(&[("name", "duplicate")])
        );
    }

    #[test]
    fn a_word_of_several_is_named_whatever_stands_there() {
        for class in ["7", "-1.5", "true", "[]", "[\"stalls\"]", "{}", "{\"stalls\": 1}", "\"pit\"", "\"\""] {
            let error = parse(&format!(r#"{{{GOOD}, "class": {class}}}"#)).unwrap_err();
            assert_eq!(error.len(), 1, "{class}");
            assert_eq!(error[0].params["allowed"], json!(["stalls", "balcony"]), "{class}");
        }
    }

    #[test]
    fn no_more_is_complained_about_than_can_be_mended_at_once() {
        let body: String = (0..100).map(|n| format!(r#", "f{n}": 1"#)).collect();
        assert_eq!(wrong(&format!("{{{GOOD}{body}}}")).len(), ERRORS_MAX);
    }

    #[test]
    fn a_whole_number_may_have_a_point_but_no_fraction() {
        let code = |number: &str| match read_seats(&format!(r#"{{"seats": {number}}}"#)) {
            Ok(number) => number.to_string(),
            Err(code) => code.to_owned(),
        };
        for (number, expected) in [
            ("10", "10"),
            ("10.0", "10"),
            ("1e3", "1000"),
            ("4294967295.0", "4294967295"),
            ("-0.0", "0"),
            ("-1", "out_of_range"),
            ("-1.0", "out_of_range"),
            ("4294967296", "out_of_range"),
            ("1e300", "out_of_range"),
            ("1.5", "wrong_type"),
            ("\"1\"", "wrong_type"),
            ("null", "wrong_type"),
            ("true", "wrong_type"),
            ("[1]", "wrong_type"),
        ] {
            assert_eq!(code(number), expected, "{number}");
        }
    }

    fn read_seats(body: &str) -> Result<u32, &'static str> {
        let mut fields = Fields::new(json::object(body.as_bytes()).unwrap(), String::new());
        fields.required("seats", whole(ANY)).ok_or_else(|| fields.complaints()[0].code)
    }

    #[test]
    fn broken_json_is_no_bad_field_wherever_it_breaks() {
        for body in
            [r#"{"seats": "many""#, r#"{"class": 7"#, r#"{"colour": "red", }"#, r#"{"name": 7} x"#, "", " "]
        {
            assert_eq!(json::object(body.as_bytes()).unwrap_err().code(), Code::MalformedJson, "{body}");
        }
        for body in ["[]", "[1]", "1", "\"a\"", "null"] {
            assert_eq!(json::object(body.as_bytes()).unwrap_err().code(), Code::ValidationFailed, "{body}");
        }
    }

    /// Any JSON, with the fields of a ticket more often than chance would have them.
    fn some_json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(json!("2031-06-12T20:00:00Z")),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let name = "name|seats|at|range|class|low|high|.{0,6}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..8).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn is_accepted_or_refused_well(bytes: &[u8]) {
        let refused = json::object(bytes).and_then(|given| read::<Ticket>(given).map_err(Problem::invalid));
        if let Err(problem) = refused {
            match problem.code() {
                Code::MalformedJson => {}
                Code::ValidationFailed => assert!((1..=ERRORS_MAX).contains(&problem.errors().len())),
                other => panic!("{other:?}"),
            }
        }
    }

    use crate::Problem;

    proptest! {
        #[test]
        fn any_bytes_are_accepted_or_refused_well(bytes: Vec<u8>, text in "[{}\\[\\]\",:0-9a-z\\\\]{0,60}") {
            is_accepted_or_refused_well(&bytes);
            is_accepted_or_refused_well(text.as_bytes());
        }

        #[test]
        fn any_json_is_accepted_or_refused_well(body in some_json(), cut: prop::sample::Index) {
            let text = body.to_string();
            is_accepted_or_refused_well(text.as_bytes());
            is_accepted_or_refused_well(&text.as_bytes()[..cut.index(text.len())]);
        }

        #[test]
        fn every_number_of_seats_is_read_as_it_was_written(seats: u32) {
            for json in [format!("{seats}"), format!("{seats}.0"), format!("{seats}.000"), format!("{seats}e0")] {
                prop_assert_eq!(read_seats(&format!(r#"{{"seats": {json}}}"#)), Ok(seats));
            }
            prop_assert_eq!(whole(ANY)(Value::Parameter(seats.to_string())), Ok(seats));
        }
    }

    #[test]
    fn a_body_nested_too_deep_is_refused() {
        for open in ["[", "{\"range\":", "{\"a\":"] {
            is_accepted_or_refused_well(open.repeat(4_000).as_bytes());
        }
        let depth = 4_000;
        let nested = format!(r#"{{"seats": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(wrong(&nested).contains(&("seats".to_owned(), "wrong_type")));
    }
}
