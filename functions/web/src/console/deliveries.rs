//! `/console/deliveries`: what was told to whom, with the last answer, and telling it once more.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::Uri, response::Response};
use domain::{
    delivery::{BOOKERS, Delivery, DeliveryStatus},
    error::Error,
    id::{UserId, WebhookId},
    user::Person,
};
use http_api::{
    Admin, App, Problem,
    cursor::{from_cursor_if, to_cursor},
    fields::{Fields, Read, text},
    query::PAGE_ITEMS_DEFAULT,
};
use jiff::Timestamp;
use maud::{Markup, html};
use stores::dynamodb::{DeliveriesFilter, Replayed, is_place_of_deliveries};

use super::{page, tables::table};
use crate::frame::{
    form::Form,
    links,
    parts::{hidden, pager},
    visitor::Visitor,
    words::time,
};

pub(crate) const PATH: &str = "/console/deliveries";
pub(crate) const REPLAY_PATH: &str = "/console/deliveries/replay";

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = links::query(&uri);
    let given = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let status = given("status")
        .and_then(|word| DeliveryStatus::ALL.into_iter().find(|status| status.as_str() == word));
    let name = format!("console deliveries {status:?}");
    let start = from_cursor_if(&app.tokens, &name, given("cursor"), is_place_of_deliveries)?;
    let filter = DeliveriesFilter { status, message_id: None };
    let found = match app.store.deliveries(&filter, PAGE_ITEMS_DEFAULT as usize, start.as_ref()).await {
        Err(Error::NoMail) => {
            return Ok(page(
                visitor,
                "Deliveries",
                html! { h1 { "Deliveries" } p { "This service tells nobody anything." } },
            ));
        }
        found => found?,
    };
    let next = to_cursor(&app.tokens, &name, found.next)?;
    let href = |cursor: String| {
        links::with(
            PATH,
            [("status", status.map_or("", DeliveryStatus::as_str).into()), ("cursor", cursor.into())],
        )
    };
    let people = app.store.people(found.items.iter().filter_map(Delivery::user)).await?;
    let endpoints = match app.store.has_webhooks() {
        true => {
            app.store.endpoints().await?.into_iter().map(|endpoint| (endpoint.id, endpoint.url)).collect()
        }
        false => HashMap::new(),
    };
    let main = html! {
        h1 { "Deliveries" }
        p { "Who was told what, by mail and by webhooks, for 30 days. Accounts are shown by the address that they have now." }
        (search_form(status))
        @if found.items.is_empty() { p { "There are none here." } } @else { (rows(&visitor, &found.items, &people, &endpoints)) }
        (pager(given("cursor").map(|_| href(String::new())), next.map(href)))
    };
    Ok(page(visitor, "Deliveries", main))
}

fn search_form(wanted: Option<DeliveryStatus>) -> Markup {
    html! {
        form.search method="get" action=(PATH) role="search" {
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "Any" }
                    @for status in DeliveryStatus::ALL {
                        option value=(status.as_str()) selected[wanted == Some(status)] { (word(status)) }
                    }
                }
            }
            button { "Search" }
        }
    }
}

fn rows(
    visitor: &Visitor,
    deliveries: &[Delivery],
    people: &HashMap<UserId, Person>,
    endpoints: &HashMap<WebhookId, String>,
) -> Markup {
    let rows = deliveries.iter().map(|delivery| {
        vec![
            time(delivery.happened_at),
            html! { (delivery.kind.as_str()) },
            html! { (recipient(delivery, people, endpoints)) },
            html! {
                (word(delivery.status)) @if delivery.tries > 1 { ", tried " (delivery.tries) " times" }
                @if let Some(next) = delivery.due_at.filter(|_| delivery.status == DeliveryStatus::Failed) { ", again " (time(next)) }
            },
            html! { (delivery.answer.as_deref().unwrap_or("–")) },
            again(visitor, delivery),
        ]
    });
    table("Deliveries", ["When", "What", "To whom", "Status", "Last answer", "What to do"], rows)
}

fn recipient(
    delivery: &Delivery,
    people: &HashMap<UserId, Person>,
    endpoints: &HashMap<WebhookId, String>,
) -> String {
    match (delivery.endpoint(), delivery.user()) {
        (Some(endpoint), _) => {
            endpoints.get(&endpoint).map_or("a removed endpoint", String::as_str).to_owned()
        }
        (None, Some(user)) => {
            people.get(&user).map_or("an erased account".to_owned(), |person| person.email.to_string())
        }
        (None, None) if delivery.recipient == BOOKERS => "all who have places".to_owned(),
        (None, None) => "–".to_owned(),
    }
}

/// What is about an account is not told again: its link has ended.
fn again(visitor: &Visitor, delivery: &Delivery) -> Markup {
    let is_over = delivery.status != DeliveryStatus::Pending && !delivery.kind.is_of_account();
    html! {
        @if is_over {
            form method="post" action=(REPLAY_PATH) {
                (hidden(&visitor.glimpse, None))
                input type="hidden" name="message" value=(delivery.message_id);
                input type="hidden" name="recipient" value=(delivery.recipient);
                button.quiet { "Tell again" }
            }
        }
    }
}

fn word(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "On its way",
        DeliveryStatus::Delivered => "Delivered",
        DeliveryStatus::Failed => "To be tried again",
        DeliveryStatus::Dead => "Given up",
        DeliveryStatus::Dropped => "Not told",
    }
}

/// What is to be told once more.
#[derive(Debug)]
pub(crate) struct Replay {
    message: String,
    recipient: String,
}

impl Read for Replay {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (message, recipient) = (fields.required("message", text), fields.required("recipient", text));
        Some(Self { message: message?, recipient: recipient? })
    }
}

pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    form: Form<Replay>,
) -> Result<Response, Problem> {
    let replayed = match form.read {
        Ok(Replay { message, recipient }) => {
            app.store.replay_delivery(&message, &recipient, Timestamp::now()).await?
        }
        Err(_) => Replayed::Nothing,
    };
    Ok(match replayed {
        Replayed::Due => visitor.go_saying(PATH, "It is told once more."),
        Replayed::Nothing => visitor.go_refused(PATH, "It is forgotten by now."),
        Replayed::OfAccount => {
            visitor.go_refused(PATH, "Its link has ended: whoever needs another asks for it.")
        }
        Replayed::ToNobody => visitor.go_refused(PATH, "Its endpoint was removed."),
    })
}
