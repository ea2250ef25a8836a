//! `/console/audit`: what admins did, newest first.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::Uri, response::Response};
use domain::{
    audit::{AuditAction, AuditEntry, FieldChange, FieldValue, TIMES},
    id::{EventId, UserId},
    page::Page,
    user::Person,
};
use http_api::{
    Admin, App, Problem,
    cursor::{from_cursor_if, to_cursor},
    query::PAGE_ITEMS_DEFAULT,
};
use jiff::Timestamp;
use maud::{Markup, html};
use stores::dynamodb::{AuditFilter, is_place_in_audit};

use super::{event, page, tables::table};
use crate::frame::{links, parts::pager, visitor::Visitor, words::time};

pub(crate) const PATH: &str = "/console/audit";

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = links::query(&uri);
    let of_event = query.get("event").map(String::as_str).filter(|id| !id.is_empty());
    let name = format!("console audit {of_event:?}");
    let cursor = query.get("cursor").map(String::as_str).filter(|cursor| !cursor.is_empty());
    let start = from_cursor_if(&app.tokens, &name, cursor, is_place_in_audit)?;
    // What is no id names no event: nothing was done to it.
    let Page { items, next } = match of_event.map(str::parse::<EventId>).transpose() {
        Ok(event) => {
            let filter = AuditFilter { event, from: None, to: None, admin: None };
            app.store.audit(&filter, PAGE_ITEMS_DEFAULT as usize, start, Timestamp::now()).await?
        }
        Err(_) => Page { items: Vec::new(), next: None },
    };
    let people = app.store.people(items.iter().map(|entry| entry.admin_id)).await?;
    let next = to_cursor(&app.tokens, &name, next)?;
    let href = |cursor: String| {
        links::with(PATH, [("event", of_event.unwrap_or_default().into()), ("cursor", cursor.into())])
    };
    let main = html! {
        h1 { "Audit trail" }
        @if of_event.is_some() { p { "Of one event. " a href=(PATH) { "See all" } } }
        @if items.is_empty() { p { "Admins did nothing here yet." } } @else { (rows(&items, &people)) }
        (pager(cursor.map(|_| href(String::new())), next.map(href)))
    };
    Ok(page(visitor, "Audit trail", main))
}

fn rows(entries: &[AuditEntry], people: &HashMap<UserId, Person>) -> Markup {
    let rows = entries.iter().map(|entry| {
        let event = html! { a href=(event::href(entry.event_id)) { (entry.event_name) } };
        vec![
            time(entry.at),
            html! { (people.get(&entry.admin_id).map_or("–".to_owned(), |person| person.email.to_string())) },
            html! { (word(entry.action)) " " @if entry.action == AuditAction::EventDeleted { (entry.event_name) } @else { (event) } },
            changes(&entry.changes),
        ]
    });
    table("Audit trail", ["When", "Who", "What", "Fields"], rows)
}

fn word(action: AuditAction) -> &'static str {
    match action {
        AuditAction::EventCreated => "created",
        AuditAction::EventChanged => "changed",
        AuditAction::EventDeleted => "deleted",
    }
}

/// A large change folds its fields away.
fn changes(changes: &[FieldChange]) -> Markup {
    let list = html! {
        ul.changes {
            @for change in changes {
                li { (change.field.replace(['_', '.'], " ")) ": " (value(change, change.before.as_ref())) " → " (value(change, change.after.as_ref())) }
            }
        }
    };
    html! {
        @match changes.len() {
            0 => { "–" }
            1..=3 => { (list) }
            many => { details { summary { (many) " fields" } (list) } }
        }
    }
}

fn value(change: &FieldChange, value: Option<&FieldValue>) -> Markup {
    let is_time = TIMES.contains(&change.field.as_str());
    html! {
        @match value {
            None => { "nothing" }
            Some(FieldValue::Number(number)) => { (number) }
            Some(FieldValue::Text(text)) => {
                @match domain::time::parse(text).filter(|_| is_time) {
                    Some(at) => { (time(at)) }
                    None => { (text) }
                }
            }
        }
    }
}
