//! Arranges the completed document for those who make clients of it: what several answers have in common stands once, under
//! a name that a generator can give to a type, and nothing is left to be guessed.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::problem::PROBLEM_JSON;

/// As many codes as a name can tell; of more, it tells the operation.
const CODES_IN_NAME_MAX: usize = 3;
const PROBLEM: &str = "Problem";

/// Arranges the document.
pub fn arrange(document: &mut Value) {
    document["servers"] = json!([{ "url": "/", "description": "Where this document is." }]);
    for operation in operations(document) {
        shorten_summary(operation);
        let said = operation["security"].take();
        operation["security"] = if said.is_null() { json!([]) } else { said };
    }
    name_problems(document);
    share_answers(document);
    require_what_is_always_sent(document);
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut)
}

/// A summary is a sentence; what comes after it describes.
fn shorten_summary(operation: &mut Value) {
    let whole = operation["summary"].as_str().unwrap_or_default().replace('\n', " ");
    let (first, rest) = whole.split_once(". ").unwrap_or((&whole, ""));
    let said = [rest, operation["description"].as_str().unwrap_or_default()];
    let description: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
    let (summary, description) = (first.trim_end_matches('.').to_owned(), description.join("\n\n"));
    operation["summary"] = json!(summary);
    if !description.is_empty() {
        operation["description"] = json!(description);
    }
}

/// Gives each set of codes a schema of its own.
fn name_problems(document: &mut Value) {
    let mut named = Map::new();
    for operation in operations(document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for (status, answer) in operation["responses"].as_object_mut().into_iter().flatten() {
            name_problem(&id, status, answer, &mut named);
        }
    }
    for answer in document["components"]["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        // They have a code each, which is name enough.
        name_problem("", "", answer, &mut named);
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(named);
    }
}

fn name_problem(operation: &str, status: &str, answer: &mut Value, named: &mut Map<String, Value>) {
    let Some(schema) = answer.pointer_mut(&format!("/content/{}/schema", PROBLEM_JSON.replace('/', "~1")))
    else {
        return;
    };
    let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array().cloned().unwrap_or_default();
    let codes: Vec<String> = codes.iter().filter_map(Value::as_str).map(pascal_case).collect();
    let name = if codes.len() <= CODES_IN_NAME_MAX {
        codes.join("Or") + PROBLEM
    } else {
        let reason =
            status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason());
        pascal_case(operation) + &reason.unwrap_or_default().replace(' ', "")
    };
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    named.insert(name, std::mem::replace(schema, reference));
}

fn pascal_case(snake_case: &str) -> String {
    let words = snake_case.split('_').filter_map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    });
    words.collect()
}

/// What several operations answer alike stands once.
fn share_answers(document: &mut Value) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for answer in problem_answers(document) {
        *times.entry(answer.to_string()).or_default() += 1;
    }
    let mut often: Vec<(String, usize)> = times.into_iter().filter(|(_, times)| *times > 1).collect();
    often.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let mut shared: BTreeMap<String, String> = BTreeMap::new();
    for (answer, _) in often {
        // What few say of the same codes in other words stays with them.
        if let Some(name) = name_of(&answer)
            && !shared.values().any(|taken| *taken == name)
        {
            shared.insert(answer, name);
        }
    }
    let mut answers = Map::new();
    for answer in problem_answers(document) {
        if let Some(name) = shared.get(&answer.to_string()) {
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            answers.insert(name.clone(), std::mem::replace(answer, reference));
        }
    }
    if let Some(responses) = document["components"]["responses"].as_object_mut() {
        responses.extend(answers);
    }
}

fn problem_answers(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let answers = operations(document)
        .filter_map(|operation| operation["responses"].as_object_mut())
        .flat_map(Map::values_mut);
    answers.filter(|answer| {
        let content = answer["content"].as_object();
        content.is_some_and(|content| content.len() == 1 && content.contains_key(PROBLEM_JSON))
    })
}

/// An answer is called as its problem's schema is, without the word.
fn name_of(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let schema = answer["content"][PROBLEM_JSON]["schema"]["$ref"].as_str()?;
    let name = schema.rsplit('/').next()?;
    Some(name.strip_suffix(PROBLEM).unwrap_or(name).to_owned())
}

/// All fields of an answer are there, if null. A schema that is also for requests, which may leave some out, gets a second
/// one for these.
fn require_what_is_always_sent(document: &mut Value) {
    let bodies = |document: &mut Value, part: &str| -> Vec<Value> {
        operations(document).map(|operation| operation[part].clone()).collect()
    };
    // A problem has the members of its code only, and a field's complaint those of its own.
    let mut schemas = document["components"]["schemas"].clone();
    schemas[PROBLEM] = Value::Null;
    let asked = reached(&bodies(document, "requestBody"), &schemas);
    let mut answered = reached(&bodies(document, "responses"), &schemas);
    answered.remove(PROBLEM);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for name in answered {
        let Some(schema) = schemas.get_mut(&name) else { continue };
        let before = schema.clone();
        require_all_fields(schema);
        if *schema != before && asked.contains(&name) {
            let input = format!("{name}Input");
            for asked in &asked {
                if let Some(schema) = schemas.get_mut(asked) {
                    refer_to(schema, &name, &input);
                }
            }
            schemas.insert(input, before);
        }
    }
}

/// Also those of the parts that it is put together from.
fn require_all_fields(schema: &mut Value) {
    let fields: BTreeSet<String> =
        schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    if !fields.is_empty() {
        schema["required"] = json!(fields);
    }
    let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
    parts.into_iter().flatten().for_each(require_all_fields);
}

/// The schemas that these values refer to, and those that these refer to.
fn reached(values: &[Value], schemas: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut ahead: Vec<&Value> = values.iter().collect();
    while let Some(value) = ahead.pop() {
        match value {
            Value::Array(items) => ahead.extend(items),
            Value::Object(fields) => {
                ahead.extend(fields.values());
                let name =
                    fields.get("$ref").and_then(|path| path.as_str()?.strip_prefix("#/components/schemas/"));
                if let Some(name) = name
                    && found.insert(name.to_owned())
                {
                    ahead.push(&schemas[name]);
                }
            }
            _ => {}
        }
    }
    found
}

fn refer_to(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to(item, from, to)),
        Value::Object(fields) => {
            if let Some(path) = fields.get_mut("$ref")
                && path.as_str() == Some(&format!("#/components/schemas/{from}"))
            {
                *path = json!(format!("#/components/schemas/{to}"));
            }
            fields.values_mut().for_each(|field| refer_to(field, from, to));
        }
        _ => {}
    }
}
