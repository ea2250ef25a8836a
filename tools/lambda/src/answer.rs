//! What a function answered, held against what is stated.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// An answer in the form in which answers are stated: API Gateway's answers with each header once, its name in lower
/// case, and a JSON body as JSON; what a job answers as it is.
#[must_use]
pub fn readable(answer: &Value) -> Value {
    if answer["statusCode"].is_null() {
        return answer.clone();
    }
    let mut headers = Map::new();
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), values[0].clone());
    }
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers.insert(name.to_lowercase(), value.clone());
    }
    let text = answer["body"].as_str().unwrap_or_default();
    let bytes = match answer["isBase64Encoded"].as_bool() {
        Some(true) => BASE64_STANDARD.decode(text).unwrap_or_default(),
        _ => text.as_bytes().to_vec(),
    };
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
    json!({ "statusCode": answer["statusCode"], "headers": headers, "body": body })
}

/// The first place where an answer is not what is stated; `None` if it is. What the statement does not speak of may be
/// anything.
#[must_use]
pub fn difference(stated: &Value, answer: &Value) -> Option<String> {
    differs("", stated, answer)
}

fn differs(place: &str, stated: &Value, answer: &Value) -> Option<String> {
    match (stated, answer) {
        (Value::Object(stated), Value::Object(_)) => stated
            .iter()
            .find_map(|(name, stated)| differs(&format!("{place}.{name}"), stated, &answer[name.as_str()])),
        (Value::Array(stated), Value::Array(items)) if stated.len() == items.len() => stated
            .iter()
            .zip(items)
            .enumerate()
            .find_map(|(index, (stated, item))| differs(&format!("{place}[{index}]"), stated, item)),
        _ if stated == answer => None,
        _ => Some(format!("{}: stated {stated}, got {answer}", place.trim_start_matches('.'))),
    }
}
