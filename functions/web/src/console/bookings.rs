//! `/console/events/{id}/bookings`: who booked what at an event, all of them or those of one address.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::Uri, response::Response};
use domain::{
    booking::{Booking, BookingStatus},
    email::Address,
    error::Error,
    event::Event,
    id::{EventId, UserId},
    page::Page,
    user::Person,
};
use http_api::{
    Admin, App, PathId, Problem,
    cursor::{from_cursor_if, to_cursor},
    query::PAGE_ITEMS_DEFAULT,
};
use maud::{Markup, html};
use stores::dynamodb::is_place_of_event_bookings;

use super::{event, page, tables::table};
use crate::frame::{
    links,
    parts::pager,
    visitor::Visitor,
    words::{amount, by_rate, time},
};

pub(crate) const PATH: &str = "/console/events/{id}/bookings";

/// The bookings of an event.
pub(crate) fn href(id: EventId) -> String {
    format!("{}/bookings", event::href(id))
}

/// Which bookings somebody looks for.
#[derive(Debug, Default)]
struct Wanted {
    email: String,
    status: Option<BookingStatus>,
    cursor: Option<String>,
}

impl Wanted {
    fn of(uri: &Uri) -> Self {
        let mut query = links::query(uri);
        let status = query.get("status").map(String::as_str);
        Self {
            status: BookingStatus::ALL.into_iter().find(|known| Some(known.as_str()) == status),
            email: query.remove("email").unwrap_or_default().trim().to_owned(),
            cursor: query.remove("cursor").filter(|cursor| !cursor.is_empty()),
        }
    }

    fn href(&self, id: EventId, cursor: &str) -> String {
        let status = self.status.map_or("", BookingStatus::as_str);
        links::with(&href(id), [("status", status.into()), ("cursor", cursor.into())])
    }
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    PathId(id): PathId<EventId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri);
    let (event, found) = tokio::join!(app.store.event(id), async {
        if wanted.email.is_empty() {
            of_all(&app, id, &wanted).await
        } else {
            of_address(&app, id, &wanted).await
        }
    });
    let event = event?.ok_or(Error::EventNotFound)?;
    let (bookings, next) = found?;
    let people = app.store.people(bookings.iter().map(|booking| booking.user_id)).await?;
    let main = html! {
        h1 { "Bookings: " (event.details.name) }
        (search_form(id, &wanted))
        @if bookings.is_empty() { p { (nothing(&wanted)) } } @else { (rows(&event, &bookings, &people)) }
        (pager(wanted.cursor.as_ref().map(|_| wanted.href(id, "")), next.map(|next| wanted.href(id, &next))))
        p { a href=(event::href(id)) { "The event" } }
    };
    Ok(page(visitor, "Bookings", main))
}

/// A page of all, newest first, and where it goes on.
async fn of_all(app: &App, id: EventId, wanted: &Wanted) -> Result<(Vec<Booking>, Option<String>), Problem> {
    let name = format!("console bookings {id} {:?}", wanted.status.as_slice());
    let start = from_cursor_if(&app.tokens, &name, wanted.cursor.as_deref(), is_place_of_event_bookings)?;
    let Page { items, next } =
        app.store.bookings_of_event(id, wanted.status.as_slice(), PAGE_ITEMS_DEFAULT as usize, start).await?;
    Ok((items, to_cursor(&app.tokens, &name, next)?))
}

/// All of one address. They are few: nobody has more than the event's limit.
async fn of_address(
    app: &App,
    id: EventId,
    wanted: &Wanted,
) -> Result<(Vec<Booking>, Option<String>), Problem> {
    let Ok(address) = Address::of_account(&wanted.email) else { return Ok((Vec::new(), None)) };
    let Some(user) = app.store.account_of(&address).await? else { return Ok((Vec::new(), None)) };
    Ok((app.store.bookings_of_user_at(user.id, id, wanted.status.as_slice()).await?, None))
}

fn search_form(id: EventId, wanted: &Wanted) -> Markup {
    html! {
        form.search method="get" action=(href(id)) role="search" {
            div.field {
                label for="email" { "Email of the buyer" }
                input #email name="email" type="text" inputmode="email" value=(wanted.email) autocomplete="off";
            }
            div.field {
                label for="status" { "Status" }
                select #status name="status" {
                    option value="" { "Any" }
                    @for status in BookingStatus::ALL {
                        option value=(status.as_str()) selected[wanted.status == Some(status)] { (word(status)) }
                    }
                }
            }
            button { "Search" }
        }
    }
}

fn nothing(wanted: &Wanted) -> &'static str {
    match (wanted.email.is_empty(), wanted.status) {
        (true, None) => "Nobody booked yet.",
        (true, Some(_)) => "There are none of this status here.",
        (false, _) => "Nobody with this address has such bookings here. The whole address is needed.",
    }
}

fn rows(event: &Event, bookings: &[Booking], people: &HashMap<UserId, Person>) -> Markup {
    let rows = bookings.iter().map(|booking| {
        vec![
            time(booking.created_at),
            buyer(people.get(&booking.user_id)),
            html! {
                (by_rate(booking.quantity, &booking.lines))
                @if !booking.area.is_general() { br; (booking.area.name) }
                @if !booking.seats.is_empty() { br; (booking.seats.join(", ")) }
            },
            html! { (amount(booking.charge().total(), &booking.currency)) },
            html! { (word(booking.status)) @if let Some(at) = booking.cancelled_at { ", " (time(at)) } },
            html! { code { (booking.id) } },
        ]
    });
    table(
        &format!("Bookings of {}", event.details.name),
        ["Booked", "Who", "Places", "Price", "Status", "Number"],
        rows,
    )
}

fn buyer(person: Option<&Person>) -> Markup {
    html! {
        @match person {
            Some(person) => { (person.email.to_string()) @if let Some(name) = &person.name { br; (name) } }
            None => { "an erased account" }
        }
    }
}

fn word(status: BookingStatus) -> &'static str {
    match status {
        BookingStatus::Confirmed => "Booked",
        BookingStatus::Cancelled => "Cancelled",
        BookingStatus::Pending => "Pending",
        BookingStatus::Closing => "Closing",
        BookingStatus::Expired => "Expired",
    }
}
