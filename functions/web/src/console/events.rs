//! `/console/events`: all events, also drafts, cancelled and past ones.

use std::{collections::HashMap, sync::Arc};

use administration::with_seats;
use axum::{extract::State, http::Uri, response::Response};
use domain::event::{EventStatus, NAME_CHARS_MAX, Words};
use http_api::{
    Admin, App, Problem,
    cursor::{from_cursor_if, to_cursor},
    query::PAGE_ITEMS_DEFAULT,
};
use jiff::Timestamp;
use maud::{Markup, html};
use stores::dynamodb::{EventsFilter, is_place_by_start};

use super::{edit, page, tables};
use crate::frame::{links, parts::pager, visitor::Visitor};

pub(crate) const PATH: &str = "/console/events";

/// Which events somebody looks for.
struct Wanted {
    query: HashMap<String, String>,
    status: Option<EventStatus>,
    words: Option<String>,
    /// Also those that are over.
    with_past: bool,
}

impl Wanted {
    fn of(uri: &Uri) -> Self {
        let query = links::query(uri);
        let given = |name: &str| query.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let status = given("status").and_then(EventStatus::parse);
        let words = given("q").map(|words| words.chars().take(NAME_CHARS_MAX).collect());
        let with_past = given("past").is_some();
        Self { status, words, with_past, query }
    }

    fn href(&self, cursor: &str) -> String {
        let given = |name: &str| self.query.get(name).map_or("", String::as_str);
        links::with(
            PATH,
            [
                ("q", given("q").into()),
                ("status", given("status").into()),
                ("past", given("past").into()),
                ("cursor", cursor.into()),
            ],
        )
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri);
    let name = format!("console events {:?} {:?} {}", wanted.status, wanted.words, wanted.with_past);
    let cursor = wanted.query.get("cursor").map(String::as_str);
    let start = from_cursor_if(&app.tokens, &name, cursor, is_place_by_start)?;
    let filter = EventsFilter {
        status: wanted.status,
        words: wanted.words.as_deref().map(Words::of),
        from: (!wanted.with_past).then(Timestamp::now),
        ..EventsFilter::default()
    };
    let found = app.store.events_by_start(&filter, PAGE_ITEMS_DEFAULT as usize, start).await?;
    let next = to_cursor(&app.tokens, &name, found.next)?;
    let events = with_seats(&app, found.items).await?;
    let main = html! {
        h1 { "Events" }
        (search_form(&wanted))
        @if events.is_empty() {
            p { "None here. " a.button href=(edit::NEW_PATH) { "New event" } }
        } @else {
            (tables::events("Events", &events))
        }
        (pager(cursor.map(|_| wanted.href("")), next.map(|next| wanted.href(&next))))
    };
    Ok(page(visitor, "Events", main))
}

fn search_form(wanted: &Wanted) -> Markup {
    html! {
        form.search method="get" action=(PATH) role="search" {
            div.field {
                label for="q" { "Name or venue" }
                input #q name="q" type="search" value=(wanted.words.as_deref().unwrap_or_default()) maxlength=(NAME_CHARS_MAX);
            }
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "Any" }
                    @for status in EventStatus::ALL {
                        option value=(status.as_str()) selected[wanted.status == Some(status)] { (tables::word(status)) }
                    }
                }
            }
            div.field.tick {
                input #past name="past" type="checkbox" value="yes" checked[wanted.with_past];
                label for="past" { "Past ones, too" }
            }
            button { "Search" }
        }
    }
}
