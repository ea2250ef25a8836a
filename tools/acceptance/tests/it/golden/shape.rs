//! The shape of what is kept: the same value with names in place of what is another one each time (`{event}`, `{now}`), and
//! back. What Redis keeps as JSON is shown as JSON, so that people can read it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) type Item = HashMap<String, AttributeValue>;

const HOUR_MS: i64 = 3_600_000;
/// What `{later}` stands for when a value is made of a shape. It is later than `{start}`, which is in a month.
const LATER: SignedDuration = SignedDuration::from_hours(24 * 31);
/// Counters of an hour, in the items of shards and of days.
const COUNTERS: [&str; 9] = ["b", "t", "a", "cb", "ct", "ca", "rb_", "r_", "ra_"];
/// From so many characters on a word is a hash.
const HASH_CHARS_MIN: usize = 40;

/// Names of the ids and times of one test.
#[derive(Clone)]
pub(crate) struct Names {
    ids: Vec<(String, &'static str)>,
    starts_at: Timestamp,
    /// What was before it, and what is still to come, have different names.
    pub(crate) now: Timestamp,
}

impl Names {
    pub(crate) fn new(starts_at: Timestamp, now: Timestamp) -> Self {
        Self { ids: Vec::new(), starts_at, now }
    }

    /// Calls an id by that name, without braces.
    pub(crate) fn call(&mut self, id: impl ToString, name: &'static str) {
        self.ids.push((id.to_string(), name));
    }

    /// The id of that name.
    pub(super) fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    pub(crate) fn id(&self, name: &str) -> String {
        let known = self.ids.iter().find(|(_, known)| *known == name);
        known.unwrap_or_else(|| panic!("nothing is called {name}")).0.clone()
    }

    /// The shape of an item.
    pub(crate) fn of_item(&self, item: &Item) -> Value {
        let attributes = item.iter().map(|(name, value)| (self.of_name(name), self.of_attribute(value)));
        let mut shape: Map<String, Value> = attributes.collect();
        // How long something took is another number each time.
        for (_, value) in shape.iter_mut().filter(|(name, _)| name.ends_with("_ms")) {
            *value = json!({ "N": "{ms}" });
        }
        // Parts of a table that follow from an id, which is another one each time.
        if let Some(bucket) = shape.get_mut("event_bucket") {
            *bucket = json!({ "S": "{event}#{bucket}" });
        }
        // In thirty days, as the event starts.
        if let Some(forget_at) = shape.get_mut("forget_at") {
            *forget_at = json!({ "N": "{later_s}" });
        }
        for name in ["due_bucket", "list"] {
            let kept = shape.get_mut(name);
            let Some((list, part)) = kept.as_ref().and_then(|kept| kept["S"].as_str()?.split_once('#'))
            else {
                continue;
            };
            // An endpoint has one of its own.
            if part.parse::<u32>().is_ok() {
                let list = json!({ "S": format!("{list}#{{part}}") });
                kept.into_iter().for_each(|kept| kept.clone_from(&list));
            }
        }
        for (part, name) in [("month", "{month}"), ("request_id", "{request_id}")] {
            if let Some(value) = shape.get_mut(part) {
                *value = json!({ "S": name });
            }
        }
        if let Some(key) = shape.get_mut("shard_id")
            && let Some((_, day)) =
                key["S"].as_str().and_then(|key| key.strip_prefix("all#")?.split_once('#'))
        {
            *key = json!({ "S": format!("all#{{part}}#{day}") });
            // Two events may meet there, or not.
            for (_, count) in shape.iter_mut().filter(|(name, _)| *name != "shard_id") {
                *count = json!({ "N": "{count}" });
            }
        }
        Value::Object(shape)
    }

    fn of_attribute(&self, value: &AttributeValue) -> Value {
        match value {
            AttributeValue::S(text) => json!({ "S": self.of_text(text) }),
            AttributeValue::N(number) => json!({ "N": self.of_text(number) }),
            AttributeValue::Bool(bool) => json!({ "BOOL": bool }),
            AttributeValue::Null(_) => json!({ "NULL": true }),
            AttributeValue::L(list) => {
                json!({ "L": list.iter().map(|one| self.of_attribute(one)).collect::<Vec<_>>() })
            }
            AttributeValue::M(map) => json!({ "M": self.of_item(map) }),
            AttributeValue::Ss(texts) => {
                json!({ "SS": texts.iter().map(|text| self.of_text(text)).collect::<Vec<_>>() })
            }
            AttributeValue::Ns(numbers) => {
                let mut numbers: Vec<u64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
                numbers.sort_unstable();
                json!({ "NS": numbers.iter().map(u64::to_string).collect::<Vec<_>>() })
            }
            other => panic!("an attribute of a new type: {other:?}"),
        }
    }

    /// The shape of a value of Redis: as JSON, if it is an object or a list.
    pub(crate) fn of_kept(&self, kept: &str) -> Value {
        match serde_json::from_str(kept) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => json!({ "json": self.of_json(value) }),
            _ => Value::String(self.of_text(kept)),
        }
    }

    pub(crate) fn of_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.of_text(&text)),
            Value::Number(number) => {
                let shape = self.of_text(&number.to_string());
                if shape.starts_with('{') { Value::String(shape) } else { Value::Number(number) }
            }
            Value::Array(items) => items.into_iter().map(|item| self.of_json(item)).collect(),
            Value::Object(fields) => {
                let fields =
                    fields.into_iter().map(|(name, value)| (self.of_text(&name), self.of_json(value)));
                Value::Object(fields.collect())
            }
            other => other,
        }
    }

    /// The name of an attribute or a field; an hour's counter is named after the hour.
    fn of_name(&self, name: &str) -> String {
        let (counter, counted) = match name.split_once('_') {
            Some((counter @ ("r" | "rb" | "ra"), counted)) => (&name[..=counter.len()], counted),
            _ => name.split_at(name.find(|char: char| char.is_ascii_digit()).unwrap_or(name.len())),
        };
        let (hour, currency) =
            counted.split_once('_').map_or((counted, None), |(hour, currency)| (hour, Some(currency)));
        let is_counter = COUNTERS.contains(&counter);
        if !is_counter || hour.parse::<u32>().is_err() {
            return self.of_text(name);
        }
        let hour = if hour.len() > 2 { "{hour}" } else { "{hour_of_day}" };
        format!("{counter}{hour}{}", currency.map(|code| format!("_{code}")).unwrap_or_default())
    }

    pub(crate) fn of_text(&self, text: &str) -> String {
        if text.starts_with("$argon2id$") {
            return "{password_hash}".to_owned();
        }
        let mut shape = String::new();
        let mut rest = text;
        // How long somebody held seats in vain is another number each time.
        if let Some((ms, since)) = text.split_once(" since ")
            && ms.parse::<u64>().is_ok()
        {
            shape.push_str("{ms}");
            rest = &text[text.len() - since.len() - " since ".len()..];
        }
        while let Some(first) = rest.chars().next() {
            let (name, length) = self.named(rest).unwrap_or_else(|| (first.to_string(), first.len_utf8()));
            shape.push_str(&name);
            rest = &rest[length..];
        }
        shape
    }

    /// What stands at the start of a text, if it is another one each time, and how long it is.
    fn named(&self, text: &str) -> Option<(String, usize)> {
        if let Some(id) = text.get(..36).filter(|id| Uuid::try_parse(id).is_ok()) {
            let known = self.ids.iter().find(|(known, _)| known == id);
            return Some((format!("{{{}}}", known.map_or("uuid", |(_, name)| name)), 36));
        }
        let run = |is_in: fn(char) -> bool| text.find(|char| !is_in(char)).unwrap_or(text.len());
        let instant = text.get(..run(|char| char.is_ascii_digit() || "-:.TZ".contains(char)))?;
        if instant.parse::<Timestamp>().is_ok() {
            return Some(("{instant}".to_owned(), instant.len()));
        }
        if text.get(..10).is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok()) {
            return Some(("{today}".to_owned(), 10));
        }
        let word = run(|char| char.is_ascii_alphanumeric() || "+/_-".contains(char));
        let is_id = |at: usize| text.get(at..at + 36).is_some_and(|id| Uuid::try_parse(id).is_ok());
        if word >= HASH_CHARS_MIN && !(0..word).any(is_id) {
            return Some(("{hash}".to_owned(), word));
        }
        let digits = run(|char| char.is_ascii_digit());
        self.number(&text[..digits]).map(|name| (name.to_owned(), digits))
    }

    fn number(&self, digits: &str) -> Option<&'static str> {
        let value: i64 = digits.parse().ok()?;
        let now = self.now.as_millisecond();
        let now_or_later = |now, is, later| if value <= now { is } else { later };
        match digits.len() {
            _ if value == self.starts_at.as_millisecond() => Some("{start}"),
            10 if value == self.starts_at.as_second() => Some("{start_s}"),
            13 => Some(now_or_later(now, "{now}", "{later}")),
            12 if digits.starts_with("00") => Some("{later_s_of_12_digits}"),
            10 => Some(now_or_later(now / 1_000, "{now_s}", "{later_s}")),
            6 if (value - now / HOUR_MS).abs() < 100 => Some("{hour}"),
            5 if (value - now / HOUR_MS / 24).abs() < 10 => Some("{day}"),
            11.. => Some("{rank}"),
            _ => None,
        }
    }

    /// A value of a shape. What the test has no name for is made up.
    pub(crate) fn fill_text(&self, shape: &str) -> String {
        let (now, later) = (self.now, self.now + LATER);
        let mut text = shape.to_owned();
        for (id, name) in &self.ids {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        while text.contains("{uuid}") {
            text = text.replacen("{uuid}", &Uuid::now_v7().to_string(), 1);
        }
        let hour = now.as_millisecond() / HOUR_MS;
        for (name, value) in [
            ("{start}", self.starts_at.as_millisecond().to_string()),
            ("{start_s}", self.starts_at.as_second().to_string()),
            ("{now}", now.as_millisecond().to_string()),
            ("{later}", later.as_millisecond().to_string()),
            ("{now_s}", now.as_second().to_string()),
            ("{later_s}", later.as_second().to_string()),
            ("{later_s_of_12_digits}", format!("{:012}", later.as_second())),
            ("{instant}", now.to_string()),
            ("{today}", now.to_string()[..10].to_owned()),
            ("{month}", now.to_string()[..7].to_owned()),
            ("{request_id}", "a-request".to_owned()),
            ("{hour}", hour.to_string()),
            ("{hour_of_day}", (hour % 24).to_string()),
            ("{day}", (hour / 24).to_string()),
            ("{ms}", "5".to_owned()),
            ("{count}", "3".to_owned()),
            ("{bucket}", "7".to_owned()),
            ("{part}", "1".to_owned()),
            ("{rank}", (1_i64 << 40).to_string()),
            ("{hash}", "A".repeat(HASH_CHARS_MIN)),
        ] {
            text = text.replace(name, &value);
        }
        text
    }

    pub(crate) fn fill_json(&self, shape: &Value) -> Value {
        match shape {
            Value::String(text) if text.starts_with('{') && text.ends_with('}') => {
                let filled = self.fill_text(text);
                filled.parse::<i64>().map_or(Value::String(filled), Value::from)
            }
            Value::String(text) => Value::String(self.fill_text(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(fields) => {
                // A part of a key of DynamoDB is a text, also where it is a number.
                let fill = |name: &str, value: &Value| match value {
                    Value::String(number) if name == "N" => Value::String(self.fill_text(number)),
                    _ => self.fill_json(value),
                };
                let fields = fields.iter().map(|(name, value)| (self.fill_text(name), fill(name, value)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }

    /// What Redis keeps.
    pub(crate) fn fill_kept(&self, shape: &Value) -> String {
        match shape {
            Value::String(text) => self.fill_text(text),
            other => self.fill_json(&other["json"]).to_string(),
        }
    }

    pub(crate) fn fill_item(&self, shape: &Value) -> Item {
        let attributes = shape.as_object().unwrap().iter();
        attributes.map(|(name, value)| (self.fill_text(name), self.fill_attribute(value))).collect()
    }

    fn fill_attribute(&self, shape: &Value) -> AttributeValue {
        let (kind, value) = shape.as_object().and_then(only).unwrap_or_else(|| panic!("{shape}"));
        match (kind.as_str(), value) {
            ("S", Value::String(text)) => AttributeValue::S(self.fill_text(text)),
            ("N", Value::String(number)) => AttributeValue::N(self.fill_text(number)),
            ("BOOL", Value::Bool(bool)) => AttributeValue::Bool(*bool),
            ("NULL", _) => AttributeValue::Null(true),
            ("L", Value::Array(items)) => {
                AttributeValue::L(items.iter().map(|item| self.fill_attribute(item)).collect())
            }
            ("M", map) => AttributeValue::M(self.fill_item(map)),
            ("SS", Value::Array(texts)) => AttributeValue::Ss(
                texts.iter().map(|text| self.fill_text(text.as_str().expect("a text"))).collect(),
            ),
            ("NS", Value::Array(numbers)) => AttributeValue::Ns(
                numbers.iter().map(|number| number.as_str().expect("a number").to_owned()).collect(),
            ),
            _ => panic!("no attribute: {shape}"),
        }
    }
}

fn only(fields: &Map<String, Value>) -> Option<(&String, &Value)> {
    fields.iter().next().filter(|_| fields.len() == 1)
}
