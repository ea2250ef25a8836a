//! `/shop/bookings`: what somebody booked, and cancelling it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{extract::State, http::Uri, response::Response};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::{EventNow, EventStatus},
    id::{EventId, ReservationId},
};
use http_api::{
    App, BookingId, Caller, ClientAddress, PathId, Permit, Problem,
    cursor::{from_cursor, to_cursor},
    query::PAGE_ITEMS_DEFAULT,
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::event;
use crate::frame::{
    form::{Button, Form},
    links,
    parts::{button, facts, pager},
    refusal::Refusal,
    visitor::Visitor,
    words::{area, by_rate, money, places, seats, time},
};

pub(crate) const PATH: &str = "/shop/bookings";
pub(crate) const ONE_PATH: &str = "/shop/bookings/{id}";
pub(crate) const CANCEL_PATH: &str = "/shop/bookings/{id}/cancel";

/// The page of a booking.
pub(crate) fn href(id: ReservationId) -> String {
    format!("/shop/bookings/{id}")
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let list = format!("page of bookings {}", caller.user_id);
    let query = links::query(&uri);
    let cursor = query.get("cursor").map(String::as_str);
    let start = from_cursor(&app.tokens, &list, cursor)?;
    let page = app.store.bookings_of_user(caller.user_id, &[], PAGE_ITEMS_DEFAULT as usize, start).await?;
    let ids: BTreeSet<EventId> = page.items.iter().map(|booking| booking.event_id).collect();
    let found = app.store.events(&ids.into_iter().collect::<Vec<_>>()).await?;
    let events: HashMap<EventId, EventNow> =
        found.events.into_iter().map(|event| (event.id, event.into())).collect();
    let next = to_cursor(&app.tokens, &list, page.next)?;
    let main = html! {
        h1 { "My bookings" }
        @if page.items.is_empty() { p { "You booked nothing yet. " a href="/" { "See all events" } "." } }
        ul.cards {
            @for booking in &page.items {
                @let now = events.get(&booking.event_id);
                li.card {
                    h2 { a href=(href(booking.id)) { (name(booking, now)) } }
                    p { (time(starts_at(booking, now))) }
                    p {
                        (places(booking.quantity))
                        @if !booking.area.is_general() { ", " (booking.area.name) }
                        @if !booking.seats.is_empty() { ", " (booking.seats.join(", ")) }
                        " · " (status(booking, now))
                    }
                }
            }
        }
        (pager(cursor.map(|_| PATH.to_owned()), next.map(|next| links::with(PATH, [("cursor", next.into())]))))
    };
    Ok(visitor.page("My bookings", main))
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    PathId(BookingId(id)): PathId<BookingId>,
) -> Result<Response, Problem> {
    let (booking, event) =
        tokio::try_join!(app.store.booking(caller.user_id, id), app.store.event(id.event()))?;
    let booking = booking.ok_or(Error::BookingNotFound)?;
    let reason = event.as_ref().and_then(|event| event.cancellation.as_ref()).map(|with| with.reason.clone());
    let now = event.map(EventNow::from);
    let title = name(&booking, now.as_ref()).to_owned();
    let venue = now.as_ref().and_then(|now| now.venue.clone());
    let mut rows = vec![
        ("Status", status(&booking, now.as_ref())),
        ("Event", event::link(booking.event_id, &title)),
        ("Starts", time(starts_at(&booking, now.as_ref()))),
    ];
    rows.extend(venue.map(|venue| ("Venue", html! { (venue) })));
    rows.extend(area(&booking.area));
    rows.extend(seats(&booking.seats));
    rows.extend([
        ("Places", html! { (by_rate(booking.quantity, &booking.lines)) }),
        ("Price", html! { (money(booking.charge().total(), &booking.currency)) }),
        ("Booked on", time(booking.created_at)),
    ]);
    rows.extend(booking.cancelled_at.map(|at| ("Cancelled on", time(at))));
    let reason = reason.filter(|reason| !reason.is_empty());
    rows.extend(reason.map(|reason| ("The event was cancelled", html! { (reason) })));
    rows.extend([("Booking number", html! { code { (booking.id) } })]);
    let main = html! {
        h1 { (title) }
        (facts(rows))
        (cancelling(&visitor, &booking, now.as_ref()))
        p { a href=(PATH) { "My bookings" } }
    };
    Ok(visitor.page(&title, main))
}

fn name<'a>(booking: &'a Booking, now: Option<&'a EventNow>) -> &'a str {
    now.map_or(&booking.event_name, |now| &now.name)
}

fn starts_at(booking: &Booking, now: Option<&EventNow>) -> Timestamp {
    now.map_or(booking.starts_at, |now| now.starts_at)
}

fn is_called_off(now: Option<&EventNow>) -> bool {
    now.is_some_and(|now| now.status == EventStatus::Cancelled)
}

fn status(booking: &Booking, now: Option<&EventNow>) -> Markup {
    html! {
        @match booking.status {
            BookingStatus::Confirmed if is_called_off(now) => { span.gone { "The event was cancelled" } }
            BookingStatus::Confirmed => { span.good { "Booked" } }
            BookingStatus::Pending => { span { "Yours until " } (time(booking.expires_at.unwrap_or(booking.created_at))) }
            BookingStatus::Closing => { span { "Time is over; it is being found out whether it was paid" } }
            BookingStatus::Cancelled => { span.gone { "Cancelled" } }
            BookingStatus::Expired => { span.gone { "Not bought" } }
        }
    }
}

/// How it can be cancelled, or that it can't any more. It takes two steps, as it can't be taken back.
fn cancelling(visitor: &Visitor, booking: &Booking, event: Option<&EventNow>) -> Markup {
    let until = event.and_then(|event| event.cancel_until).unwrap_or(starts_at(booking, event));
    let is_open = is_called_off(event) || Timestamp::now() < until.min(starts_at(booking, event));
    html! {
        @if booking.status == BookingStatus::Confirmed {
            @if is_open {
                details {
                    summary { "Cancel this booking" }
                    p { "Your places go back on sale at once, and can't be had back. "
                        @if !is_called_off(event) { "You can cancel until " (time(until)) "." } }
                    form method="post" action=(format!("{}/cancel", href(booking.id))) {
                        (button(&visitor.glimpse, "Cancel the booking", "danger"))
                    }
                }
            } @else {
                p.hint { "It could be cancelled until " (time(until)) "." }
            }
        }
    }
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    caller: Caller,
    from: ClientAddress,
    PathId(BookingId(id)): PathId<BookingId>,
    _: Form<Button>,
) -> Result<Response, Problem> {
    let (network, now) = (from.network(&app), Timestamp::now());
    match booking::cancel(&app.protocol, caller.user_id, id, now, network.as_ref(), permit.granted()).await {
        Ok(_) => Ok(visitor.go_saying(&href(id), "The booking is cancelled.")),
        Err(error @ (Error::TokenEnded | Error::RateLimited { .. } | Error::BookingNotFound)) => {
            Err(error.into())
        }
        Err(error) => Ok(visitor.go_refused(&href(id), Refusal::of(error).said())),
    }
}
