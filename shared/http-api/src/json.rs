//! JSON as clients send it: a tree that also knows a name that stands twice in an object.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    code::Code,
    fields::{Given, Value},
    problem::Problem,
};
use domain::field_error::{FieldError, Kind, Wrong};

/// Some editors and programs put it before a text in UTF-8. JSON has none, and a parser may ignore it (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What follows a byte order mark, if there is one.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// The fields of an object.
pub(super) fn object(bytes: &[u8]) -> Result<Given, Problem> {
    match serde_json::from_slice(bytes).map_err(|error| malformed(&error))? {
        Value::Object(given) => Ok(given),
        _ => Err(Problem::invalid(vec![FieldError::new("body", Wrong::Type(Kind::Object))])),
    }
}

pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(Code::MalformedJson).detail(error.to_string())
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Truth(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(u64::try_from(number).map_or(Value::BelowZero, Value::Whole))
    }

    /// JSON knows one kind of number, so `10.0` is `10` (RFC 8259, section 6), and some clients write it like that.
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(match number.fract() == 0.0 {
            true if number < 0.0 => Value::BelowZero,
            // What is too large for a `u64` becomes its largest, which no field takes either.
            true => Value::Whole(number as u64),
            false => Value::Other,
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    /// Lists have texts or objects.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(OfList(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut given = Given::new();
        while let Some(field) = object.next_entry()? {
            given.push(field);
        }
        Ok(Value::Object(given))
    }
}

/// An item of a list. No field takes a list of lists: it does not matter what is in one, nor how deep.
struct OfList(Value);

impl<'de> Deserialize<'de> for OfList {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(OfListVisitor).map(OfList)
    }
}

struct OfListVisitor;

impl<'de> Visitor<'de> for OfListVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AnyValue.expecting(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        AnyValue.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        AnyValue.visit_bool(truth)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        AnyValue.visit_u64(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        AnyValue.visit_i64(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        AnyValue.visit_f64(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        AnyValue.visit_str(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Value, A::Error> {
        AnyValue.visit_map(object)
    }
}
