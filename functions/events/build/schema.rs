//! Schemas in words.

use maud::{Markup, html};
use serde_json::Value;

use super::page::{items, members, prose, text};

/// A link to an object of the page.
pub(super) fn link(name: &str) -> Markup {
    html! { a href={ "#object-" (name) } { (name) } }
}

/// An object's fields, or the values of what is none.
pub(super) fn fields(object: &Value) -> Markup {
    let is_required = |name: &str| items(&object["required"]).any(|required| required == name);
    html! {
        @if object["properties"].is_object() {
            table {
                tbody {
                    @for (name, field) in members(&object["properties"]) {
                        tr {
                            td { code { (name) } }
                            td {
                                (kind(field))
                                @if is_required(name) { " " strong { "required" } }
                                br;
                                (prose(description(field)))
                            }
                        }
                    }
                }
            }
        } @else {
            p { (kind(object)) }
        }
    }
}

/// A field that refers to another object may be described beside the reference.
fn description(field: &Value) -> &str {
    let choices = || items(&field["oneOf"]).map(|choice| &choice["description"]);
    std::iter::once(&field["description"]).chain(choices()).find_map(Value::as_str).unwrap_or_default()
}

/// The codes of a schema that is a problem with one of them.
pub(super) fn codes(schema: &Value) -> Option<&Value> {
    items(&schema["allOf"]).find_map(|part| part["properties"]["code"].get("enum"))
}

/// What kind of value it is.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = text(&schema["$ref"]).rsplit('/').next().filter(|name| !name.is_empty()) {
        return link(name);
    }
    if let Some(codes) = codes(schema) {
        return html! { (link("Problem")) ": " (values(codes)) };
    }
    for choices in [&schema["oneOf"], &schema["anyOf"], &schema["allOf"]] {
        if choices.is_array() {
            return joined(items(choices).map(kind).collect());
        }
    }
    if schema["enum"].is_array() {
        return values(&schema["enum"]);
    }
    let names: Vec<Markup> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(|kind| named(text(kind), schema)).collect(),
        kind => vec![named(text(kind), schema)],
    };
    html! { (joined(names)) (bounds(schema)) }
}

fn named(kind: &str, schema: &Value) -> Markup {
    match (kind, text(&schema["format"])) {
        ("array", _) => html! { "list of " (self::kind(&schema["items"])) },
        ("string", "date-time") => html! { "instant" },
        ("string", "uuid") => html! { "UUID" },
        ("string", "email") => html! { "email address" },
        ("string", _) => html! { "text" },
        ("", _) => html! { "anything" },
        (kind, _) => html! { (kind) },
    }
}

fn bounds(schema: &Value) -> Markup {
    let bound = |name: &str| schema.get(name).map(ToString::to_string);
    let range = |low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) => format!(", {low} to {high}{unit}"),
        (Some(low), None) => format!(", at least {low}{unit}"),
        (None, Some(high)) => format!(", at most {high}{unit}"),
        (None, None) => String::new(),
    };
    html! {
        (range(bound("minimum"), bound("maximum"), ""))
        (range(bound("minLength"), bound("maxLength"), " characters"))
        @if let Some(default) = bound("default") { ", " (default) " if left out" }
        @if let Some(pattern) = schema["pattern"].as_str() { ", like " code { (pattern) } }
    }
}

fn values(list: &Value) -> Markup {
    joined(items(list).map(|value| html! { code { (text(value)) } }).collect())
}

fn joined(parts: Vec<Markup>) -> Markup {
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index > 0 { " or " }
            (part)
        }
    }
}
