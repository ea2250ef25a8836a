//! Holds every answer that a test gets against the API document: its status, code, headers and body must stand
//! there. So the whole suite shows where the document says too little.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Map, Value, json};

/// Headers that an answer may only have where the document says so.
const HEADERS_OF_THE_API: [&str; 13] = [
    "accept-patch",
    "allow",
    "content-disposition",
    "content-security-policy",
    "etag",
    "idempotent-replayed",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "cache-control",
    "www-authenticate",
];

/// The document of the code, with which the tests run.
pub(crate) struct Contract {
    document: Value,
    routes: matchit::Router<String>,
    validators: Mutex<HashMap<String, &'static Validator>>,
}

pub(crate) static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract::new(serde_json::from_str(&local::api::openapi().unwrap()).unwrap()));

impl Contract {
    pub(crate) fn new(mut document: Value) -> Self {
        say_answers_where_they_are_given(&mut document);
        let mut routes = matchit::Router::new();
        for path in document["paths"].as_object().unwrap().keys() {
            routes.insert(path, path.clone()).unwrap();
        }
        Self { document, routes, validators: Mutex::default() }
    }

    /// What is wrong with an answer; nothing for one to a path or a method that is not in the API.
    pub(crate) fn complaint(
        &self,
        method: &Method,
        path: &str,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<String> {
        let template = &self.routes.at(path).ok()?.value;
        let method = if method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
        let operation = self.document["paths"][template].get(&method)?;
        let place = format!("{} {template} {status}", method.to_uppercase());
        let said = &operation["responses"][status.to_string()];
        let complaint = match said.is_null() {
            true => Some(format!("the status is not in the document, the answer was {}", text(body))),
            false => self
                .header_complaint(said, headers)
                .or_else(|| self.body_complaint(&place, said, headers, body)),
        };
        complaint.map(|complaint| format!("{place}: {complaint}"))
    }

    fn header_complaint(&self, said: &Value, headers: &HeaderMap) -> Option<String> {
        let none = Map::new();
        let known = said["headers"].as_object().unwrap_or(&none);
        let unknown = HEADERS_OF_THE_API.into_iter().find(|name| {
            headers.contains_key(*name) && !known.keys().any(|known| known.eq_ignore_ascii_case(name))
        });
        if let Some(name) = unknown {
            return Some(format!("the header {name} is not in the document"));
        }
        known.iter().find_map(|(name, header)| {
            let header = self.resolve(header);
            match headers.get(name).map(|value| value.to_str().unwrap()) {
                None if header["required"] == true => Some(format!("the header {name} is missing")),
                Some(value) => self
                    .validator(&format!("header {name}"), &header["schema"])
                    .validate(&json!(value))
                    .err()
                    .map(|error| format!("the header {name}: {error}")),
                None => None,
            }
        })
    }

    fn body_complaint(&self, place: &str, said: &Value, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let Some(media_type) = headers.get("content-type").map(|value| value.to_str().unwrap()) else {
            // An answer to HEAD, or one without a body, as 204 and 304.
            return (!body.is_empty()).then(|| "a body without a type".to_owned());
        };
        // Parameters, like a character set, may follow the type.
        let named = media_type.split(';').next().unwrap_or_default();
        let said = &said["content"];
        let Some(content) = said.get(media_type).or_else(|| said.get(named)) else {
            return Some(format!("the type {media_type} is not in the document"));
        };
        if body.is_empty() || !media_type.ends_with("json") {
            return None;
        }
        let Ok(value) = serde_json::from_slice(body) else {
            return Some(format!("no JSON: {}", text(body)));
        };
        let problems =
            self.validator(&format!("{place} {media_type}"), &content["schema"]).iter_errors(&value);
        let problems: Vec<_> = problems.map(|error| format!("{}: {error}", error.instance_path())).collect();
        (!problems.is_empty()).then(|| format!("{} in {value}", problems.join("; ")))
    }

    /// The validator of a schema, made once.
    fn validator(&self, place: &str, schema: &Value) -> &'static Validator {
        self.validators
            .lock()
            .unwrap()
            .entry(place.to_owned())
            .or_insert_with(|| Box::leak(Box::new(validator(schema, &self.document["components"]))))
    }

    fn resolve<'a>(&'a self, header: &'a Value) -> &'a Value {
        match header["$ref"].as_str() {
            Some(path) => self.document.pointer(path.trim_start_matches('#')).unwrap(),
            None => header,
        }
    }
}

/// Puts what operations answer alike, which the document says once, to each of them.
pub(crate) fn say_answers_where_they_are_given(document: &mut Value) {
    let shared = document["components"]["responses"].clone();
    let items = document["paths"].as_object_mut().unwrap().values_mut();
    let operations = items.flat_map(|item| item.as_object_mut().unwrap().values_mut());
    for answer in
        operations.flat_map(|operation| operation["responses"].as_object_mut().unwrap().values_mut())
    {
        if let Some(path) = answer["$ref"].as_str() {
            *answer = shared[path.strip_prefix("#/components/responses/").unwrap()].clone();
        }
    }
}

/// A validator that takes no field that the schema does not name.
pub(crate) fn validator(schema: &Value, components: &Value) -> Validator {
    let mut strict = components["schemas"].clone();
    for schema in strict.as_object_mut().unwrap().values_mut() {
        if let Some(parts) = schema["allOf"].as_array() {
            *schema = together(parts, components);
        }
        let names_its_fields = schema["properties"].is_object() && schema["additionalProperties"].is_null();
        if names_its_fields {
            schema["additionalProperties"] = json!(false);
        }
    }
    let mut root = schema.clone();
    root["components"] = json!({ "schemas": strict });
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        // All times of all answers have one shape.
        .with_format("date-time", |time: &str| {
            domain::time::parse(time).map(domain::time::shown).as_deref() == Some(time)
        })
        .build(&root)
        .unwrap_or_else(|error| panic!("{error} in {schema}"))
}

/// One object with the fields of all parts: a part by itself would take none of the others'.
fn together(parts: &[Value], components: &Value) -> Value {
    // A part may require what another one requires, too; jsonschema wants to hear it once.
    let (mut properties, mut required) = (Map::new(), BTreeSet::new());
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(path) => components.pointer(path.trim_start_matches("#/components")).unwrap(),
            None => part,
        };
        properties.extend(part["properties"].as_object().unwrap().clone());
        required.extend(part["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
