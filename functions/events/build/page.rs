//! The page as a whole: what there is, by tag; then the problems and the objects.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::{guide::guide, operation::Operation, schema};

pub(super) fn page(document: &Value, style: &str) -> Markup {
    let (info, components) = (&document["info"], &document["components"]);
    let operations = Operation::all(document);
    let tags = || items(&document["tags"]).map(|tag| (text(&tag["name"]), text(&tag["description"])));
    let of_tag = |tag| operations.iter().filter(move |operation| operation.tag() == tag);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(&info["title"])) " API" }
                style { (PreEscaped(style)) }
            }
            body {
                nav {
                    p.brand { (text(&info["title"])) }
                    h2 { a href="#guide" { "In short" } }
                    @for (tag, _) in tags() {
                        h2 { a href={ "#" (tag) } { (tag) } }
                        ul { @for operation in of_tag(tag) { li { (operation.link()) } } }
                    }
                    h2 { a href="#problems" { "Problems" } }
                    h2 { a href="#objects" { "Objects" } }
                }
                main {
                    h1 { (text(&info["title"])) " API " small { (text(&info["version"])) } }
                    p { (prose(text(&info["description"]))) }
                    p {
                        "For programs: " a href="/openapi.json" { "OpenAPI " (text(&document["openapi"])) } ". "
                        "In the examples, " code { "API" } " is where this page comes from, and " code { "TOKEN" }
                        " the " code { "access_token" } " of " a href="#sign_in" { code { "POST /login" } } "."
                    }
                    (guide())
                    @for (tag, description) in tags() {
                        section id=(tag) {
                            h2 { (tag) }
                            p { (prose(description)) }
                            @for operation in of_tag(tag) { (operation.whole(components)) }
                        }
                    }
                    (problems(components))
                    (objects(components))
                }
            }
        }
    }
}

/// Every code with its status and an example.
fn problems(components: &Value) -> Markup {
    html! {
        section id="problems" {
            h2 { "Problems" }
            p { "Go by the " code { "code" } ": it is stable. " (schema::link("Problem")) " lists all members." }
            table {
                thead { tr { th { "Code" } th { "Status" } th { "Means" } } }
                tbody {
                    @for (code, example) in members(&components["examples"]) {
                        tr id={ "problem-" (code) } {
                            td { code { (code) } }
                            td { (example["value"]["status"]) }
                            td { details { summary { (text(&example["summary"])) } (json(&example["value"])) } }
                        }
                    }
                }
            }
        }
    }
}

fn objects(components: &Value) -> Markup {
    html! {
        section id="objects" {
            h2 { "Objects" }
            @for (name, object) in members(&components["schemas"]).filter(|(_, object)| schema::codes(object).is_none()) {
                article id={ "object-" (name) } {
                    h3 { (name) }
                    p { (prose(text(&object["description"]))) }
                    (schema::fields(object))
                }
            }
        }
    }
}

/// Text in which code stands between backticks.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// JSON, to be read.
pub(super) fn json(value: &Value) -> Markup {
    html! { pre { code { (serde_json::to_string_pretty(value).unwrap_or_default()) } } }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
