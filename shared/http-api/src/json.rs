//! JSON into a type, with a complaint for each bad field, not just the first.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use super::{code::Code, problem::Problem};
use domain::field_error::FieldError;

/// Fields complained about in one answer at most.
const ERRORS_MAX: usize = 32;

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde takes an array for a struct, too: its fields in their order. No client means that.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let _: IgnoredAny = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        return Err(Problem::invalid(vec![FieldError::new("body", "must be a JSON object")]));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize::<_, T>(&mut json);
    match parsed {
        Ok(value) => json.end().map(|()| value).map_err(|error| malformed(&error)),
        Err(error) => Err(refusal::<T>(bytes, field_of(error.path()), error.inner())),
    }
}

/// What is wrong with a body that is no `T`: its JSON, or else its fields. The error alone does not tell. serde_json says that a
/// number is bad syntax where a word of several was asked for, and stops at a bad field before bad syntax behind it.
fn refusal<T: DeserializeOwned>(bytes: &[u8], path: String, error: &serde_json::Error) -> Problem {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return malformed(&error);
    }
    let first = error.is_data().then(|| complaint(path, error));
    match serde_json::from_slice(bytes) {
        Ok(body) => match first.or_else(|| next_complaint::<T>(&body)) {
            Some(first) => Problem::invalid(all_complaints::<T>(first, body)),
            None => malformed(error),
        },
        // What is nested too deep for more is bad enough by its first complaint.
        Err(_) => first.map_or_else(|| malformed(error), |first| Problem::invalid(vec![first])),
    }
}

/// serde stops at the first bad field. So that a client hears of all of them at once, each bad one is taken away, or
/// given a value that passes, and the rest is tried again.
fn all_complaints<T: DeserializeOwned>(first: FieldError, mut body: Value) -> Vec<FieldError> {
    let mut complaints = vec![first];
    // Not until there are that many: a field whose name can't be told from serde's message is met again and again.
    for _ in 1..ERRORS_MAX {
        let Some(found) = next_complaint::<T>(&body) else { break };
        if !complaints.iter().any(|known| known.field == found.field) {
            complaints.push(found.clone());
        }
        let stand_ins =
            [None, Some(json!("1970-01-01T00:00:00Z")), Some(json!(1)), Some(json!(true)), Some(json!({}))];
        let passes = |stand_in: &Option<Value>| {
            let tried = with_field(body.clone(), &found.field, stand_in.clone());
            next_complaint::<T>(&tried).is_none_or(|next| next.field != found.field)
        };
        let Some(stand_in) = stand_ins.iter().find(|stand_in| passes(stand_in)).cloned() else { break };
        body = with_field(body, &found.field, stand_in);
    }
    complaints
}

fn next_complaint<T: DeserializeOwned>(body: &Value) -> Option<FieldError> {
    let error = serde_path_to_error::deserialize::<_, T>(body).err()?;
    Some(complaint(field_of(error.path()), error.inner()))
}

/// The body with a field set to that value, or taken away.
fn with_field(mut body: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer = if parent.is_empty() { String::new() } else { format!("/{}", parent.replace('.', "/")) };
    if let Some(Value::Object(fields)) = body.pointer_mut(&pointer) {
        match value {
            Some(value) => drop(fields.insert(name.to_owned(), value)),
            None => drop(fields.remove(name)),
        }
    }
    body
}

/// The name of the field at that path. The word of an enum is on the path, too, as if it were a field of its field.
fn field_of(path: &Path) -> String {
    let mut field = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } if field.is_empty() => field.push_str(key),
            Segment::Map { key } => field.extend([".", key.as_str()]),
            Segment::Seq { index } => field += &format!("[{index}]"),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    if field.is_empty() { ".".to_owned() } else { field }
}

fn complaint(path: String, error: &serde_json::Error) -> FieldError {
    let message = error.to_string();
    // serde names a missing, unknown or duplicate field in its message, not in its path.
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next())
        .map(str::to_owned);
    let field = match (named, path.as_str()) {
        (Some(named), ".") => named,
        (Some(named), path) if path.rsplit('.').next() == Some(&named) => path.to_owned(),
        (Some(named), path) => format!("{path}.{named}"),
        (None, ".") => "body".to_owned(),
        (None, path) => path.to_owned(),
    };
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    FieldError::new(field, message)
}

pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Code::MalformedJson).detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Ticket {
        name: String,
        seats: u32,
        at: jiff::Timestamp,
        vip: bool,
        range: Option<Range>,
        class: Option<Class>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Class {
        Stalls,
        Balcony,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Range {
        low: u32,
        high: u32,
    }

    fn fields(body: &str) -> Vec<String> {
        let problem = parse::<Ticket>(body.as_bytes()).unwrap_err();
        let mut fields: Vec<_> = problem.errors().into_iter().map(|error| error.field).collect();
        fields.sort();
        fields
    }

    #[test]
    fn every_missing_field_is_named() {
        assert_eq!(fields("{}"), ["at", "name", "seats", "vip"]);
    }

    #[test]
    fn missing_unknown_and_mistyped_fields_are_named_together() {
        let body =
            r#"{"name": 7, "seats": "many", "vip": null, "colour": "red", "range": {"low": -1, "up": 2}}"#;
        assert_eq!(
            fields(body),
            ["at", "colour", "name", "range.high", "range.low", "range.up", "seats", "vip"]
        );
    }

    #[test]
    fn a_word_of_several_is_named_whatever_stands_there() {
        let ticket = r#""name": "a", "seats": 1, "at": "2027-01-01T00:00:00Z", "vip": true"#;
        for class in [
            "7",
            "-1.5",
            "true",
            "[]",
            "[\"stalls\"]",
            "{}",
            "{\"stalls\": 1}",
            "{\"x\": 1}",
            "\"pit\"",
            "\"\"",
        ] {
            assert_eq!(fields(&format!(r#"{{{ticket}, "class": {class}}}"#)), ["class"], "{class}");
            assert_eq!(
                fields(&format!(r#"{{"class": {class}}}"#)),
                ["at", "class", "name", "seats", "vip"],
                "{class}"
            );
        }
    }

    #[test]
    fn broken_json_is_no_bad_field_wherever_it_breaks() {
        for body in [r#"{"seats": "many""#, r#"{"class": 7"#, r#"{"colour": "red", }"#, r#"{"name": 7} x"#] {
            assert_eq!(parse::<Ticket>(body.as_bytes()).unwrap_err().code(), Code::MalformedJson, "{body}");
        }
    }

    #[test]
    fn a_field_sent_twice_is_named() {
        let body = r#"{"name": "a", "name": "b", "seats": 1, "at": "2027-01-01T00:00:00Z", "vip": true}"#;
        assert_eq!(fields(body), ["name"]);
    }

    /// Any JSON, with the fields of a ticket more often than chance would have them.
    fn some_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            Just(json!("2031-06-12T20:00:00Z")),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let name = "name|seats|at|vip|range|class|low|high|.{0,6}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..8).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn is_accepted_or_refused_well(bytes: &[u8]) {
        if let Err(problem) = parse::<Ticket>(bytes) {
            match problem.code() {
                Code::MalformedJson => {}
                Code::ValidationFailed => {
                    let errors = problem.errors();
                    assert!((1..=ERRORS_MAX).contains(&errors.len()), "{errors:?}");
                    assert!(errors.iter().all(|error| !error.message.is_empty()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

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
    }

    #[test]
    fn names_that_look_like_something_else_are_refused_at_once() {
        for name in ["x`y", "`", "a.b", ".", "range.", "`x`", "missing field `name`", "a`range.low"] {
            let body =
                json!({ name: 1, "x": 2, "a": { "b": 3, "b`c": 4 }, "range": { "low": "`", "low`": 1 } });
            is_accepted_or_refused_well(body.to_string().as_bytes());
            let nested = json!({ "range": { name: 1, "x": 2, "low": 1 }, "name": 1 });
            is_accepted_or_refused_well(nested.to_string().as_bytes());
        }
    }

    #[test]
    fn a_body_nested_too_deep_is_refused() {
        for open in ["[", "{\"range\":", "{\"a\":"] {
            is_accepted_or_refused_well(open.repeat(4_000).as_bytes());
        }
    }
}
