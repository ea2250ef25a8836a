//! One operation: what it does, what it takes, what it answers, and how to call it.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    curl,
    page::{items, json, members, prose, text},
    schema,
};

/// The order of the page, within what belongs together. A test says what is missing.
const JOURNEY: [&str; 60] = [
    "list_events",
    "list_popular_events",
    "get_event",
    "get_seats",
    "get_layout",
    "register_account",
    "sign_in",
    "get_me",
    "update_me",
    "change_password",
    "change_email",
    "get_verify_email_page",
    "verify_email",
    "resend_verification",
    "get_forgot_password_page",
    "forgot_password",
    "get_reset_password_page",
    "reset_password",
    "erase_me",
    "hold_seats",
    "list_reservations",
    "get_reservation",
    "confirm_reservation",
    "release_reservation",
    "list_bookings",
    "get_booking",
    "cancel_booking",
    "close_booking",
    "create_event",
    "list_all_events",
    "get_any_event",
    "update_event",
    "replace_event",
    "add_rows",
    "withdraw_seats",
    "restore_seats",
    "cancel_event",
    "get_cancellation",
    "delete_event",
    "get_inventory",
    "list_event_bookings",
    "list_prices",
    "preview_pricing",
    "get_analytics",
    "get_timeline",
    "list_capacity_utilization",
    "list_audit_entries",
    "create_webhook",
    "list_webhooks",
    "get_webhook",
    "replace_webhook",
    "delete_webhook",
    "test_webhook",
    "rotate_webhook",
    "list_deliveries",
    "replay_delivery",
    "get_health",
    "get_problem",
    "get_docs",
    "get_openapi",
];

pub(super) struct Operation<'a> {
    pub(super) method: String,
    pub(super) path: &'a str,
    pub(super) said: &'a Value,
}

impl<'a> Operation<'a> {
    pub(super) fn all(document: &'a Value) -> Vec<Self> {
        let of_path = |(path, item): (&'a String, &'a Value)| {
            members(item).map(move |(method, said)| Self { method: method.to_uppercase(), path, said })
        };
        let mut operations: Vec<Self> = members(&document["paths"]).flat_map(of_path).collect();
        operations.sort_by_key(Self::place);
        operations
    }

    /// Its place in the journey of a person, or of an organiser.
    fn place(&self) -> usize {
        JOURNEY.iter().position(|id| *id == self.id()).unwrap_or(JOURNEY.len())
    }

    pub(super) fn tag(&self) -> &'a str {
        text(&self.said["tags"][0])
    }

    fn id(&self) -> &'a str {
        text(&self.said["operationId"])
    }

    /// Whether it is for signed-in users, or admins.
    pub(super) fn needs_token(&self) -> bool {
        items(&self.said["security"]).next().is_some()
    }

    pub(super) fn link(&self) -> Markup {
        html! { a href={ "#" (self.id()) } { (self.badge()) " " span.path { (self.path) } } }
    }

    fn badge(&self) -> Markup {
        html! { span class={ "method " (self.method.to_lowercase()) } { (self.method) } }
    }

    pub(super) fn whole(&self, components: &Value) -> Markup {
        html! {
            article id=(self.id()) {
                h3 { (self.badge()) " " span.path { (self.path) } }
                p.summary {
                    (prose(text(&self.said["summary"])))
                    @if self.needs_token() {
                        " " span.who { @if self.said["responses"]["403"].is_object() { "for admins" } @else { "signed in" } }
                    }
                }
                @for paragraph in text(&self.said["description"]).split("\n\n").filter(|text| !text.is_empty()) {
                    p { (prose(paragraph)) }
                }
                (self.parameters())
                (self.body())
                (self.answers(components))
                pre.curl { code { (curl::line(self)) } }
            }
        }
    }

    fn parameters(&self) -> Markup {
        html! {
            @if items(&self.said["parameters"]).next().is_some() {
                h4 { "Parameters" }
                table {
                    tbody {
                        @for parameter in items(&self.said["parameters"]) {
                            tr {
                                td { code { (text(&parameter["name"])) } " " small { (text(&parameter["in"])) } }
                                td {
                                    (schema::kind(&parameter["schema"]))
                                    @if parameter["required"] == true { " " strong { "required" } }
                                    br;
                                    (prose(text(&parameter["description"])))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn body(&self) -> Markup {
        html! {
            @for (_, content) in members(&self.said["requestBody"]["content"]) {
                h4 { "Body" }
                p {
                    (schema::kind(&content["schema"]))
                    @if self.said["requestBody"]["required"] != true { ", may be left out" }
                }
                (json(&content["example"]))
            }
        }
    }

    fn answers(&self, components: &Value) -> Markup {
        html! {
            h4 { "Answers" }
            @for (status, answer) in members(&self.said["responses"]) {
                @let answer = found(answer, components);
                details.answer {
                    summary {
                        span class={ "status s" (&status[..1]) } { (status) } " " (prose(text(&answer["description"])))
                    }
                    @for (media_type, content) in members(&answer["content"]) {
                        p { small { (media_type) } " " (schema::kind(problem(&content["schema"], components))) }
                        @if !content["example"].is_null() { (json(&content["example"])) }
                        @for (code, _) in members(&content["examples"]) {
                            (json(&components["examples"][code]["value"]))
                        }
                    }
                    (headers(&answer["headers"], &components["headers"]))
                }
            }
        }
    }
}

/// What a value says, or what it refers to.
fn found<'a>(value: &'a Value, components: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|path| path.strip_prefix("#/components")) {
        Some(path) => components.pointer(path).unwrap_or(value),
        None => value,
    }
}

/// The schema, or what it refers to if that is a problem with some codes: these are told where they are answered.
fn problem<'a>(schema: &'a Value, components: &'a Value) -> &'a Value {
    Some(found(schema, components)).filter(|found| schema::codes(found).is_some()).unwrap_or(schema)
}

fn headers(said: &Value, known: &Value) -> Markup {
    html! {
        table {
            tbody {
                @for (name, _) in members(said) {
                    tr {
                        td { code { (name) } }
                        td { (prose(text(&known[name]["description"]))) br; code { (text(&known[name]["example"])) } }
                    }
                }
            }
        }
    }
}
