//! An example of a schema, put together from the examples of its parts.

use serde_json::{Map, Value, json};

const INSTANT: &str = "2031-06-12T20:00:00.000Z";
const UUID: &str = "019ae3c1-8f5b-7a0e-9c52-6d1f0a7b3e48";

/// A value of the schema; none where the schema does not say enough. `schemas` are those that it may refer to.
pub(super) fn sample(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(example) = schema.get("example").or_else(|| schema.get("default")) {
        return Some(example.clone());
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return sample(&schemas[name], schemas);
    }
    for choice in ["enum", "oneOf", "anyOf"] {
        if let Some(first) = schema[choice].as_array().and_then(|choices| choices.first()) {
            return if choice == "enum" { Some(first.clone()) } else { sample(first, schemas) };
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| sample(part, schemas));
        let fields = parts.filter_map(|part| part.as_object().cloned()).flatten();
        return Some(Value::Object(fields.collect()));
    }
    match kind(schema) {
        "object" => Some(Value::Object(object(schema, schemas))),
        "array" => Some(Value::Array(sample(&schema["items"], schemas).into_iter().collect())),
        "boolean" => Some(json!(true)),
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or(json!(1))),
        "string" => Some(json!(match schema["format"].as_str() {
            Some("date-time") => INSTANT,
            Some("uuid") => UUID,
            _ => "text",
        })),
        _ => None,
    }
}

/// Values that may be null and have no example are. An object is shown: its own fields have examples.
fn object(schema: &Value, schemas: &Value) -> Map<String, Value> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let value = |field: &Value| {
        if field["type"].is_array() && field.get("example").is_none() {
            Some(Value::Null)
        } else {
            sample(field, schemas)
        }
    };
    fields.filter_map(|(name, field)| Some((name.clone(), value(field)?))).collect()
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    }
}
