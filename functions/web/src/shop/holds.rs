//! `/shop/holds`: places that somebody holds, confirming them, and giving them back.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use booking::Looked;
use domain::{error::Error, id::ReservationId, rate::Line, reservation::Reservation};
use http_api::{App, Caller, ClientAddress, PathId, Permit, Problem};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{bookings, event};
use crate::frame::{
    form::{Button, Form},
    parts::{button, facts},
    refusal::Refusal,
    visitor::Visitor,
    words::{area, by_rate, clock, money, places, seats, time},
};

pub(crate) const PATH: &str = "/shop/holds";
pub(crate) const ONE_PATH: &str = "/shop/holds/{id}";
pub(crate) const CONFIRM_PATH: &str = "/shop/holds/{id}/confirm";
pub(crate) const RELEASE_PATH: &str = "/shop/holds/{id}/release";

/// The page of a hold.
pub(crate) fn href(id: ReservationId) -> String {
    format!("/shop/holds/{id}")
}

pub(crate) async fn list(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
) -> Result<Response, Problem> {
    let holds = booking::own_holds(&app.protocol, caller.user_id).await?;
    let ids: Vec<_> = holds.iter().map(|(hold, _)| hold.event_id).collect();
    let events = catalogue::events(&app.catalogue, &ids).await?;
    let name =
        |hold: &Reservation| events.get(&hold.event_id).map_or("an event", |shown| &shown.event.details.name);
    let main = html! {
        h1 { "Places on hold" }
        @if holds.is_empty() { p { "You hold no places right now. " a href="/" { "See all events" } "." } }
        ul.cards {
            @for (hold, now) in &holds {
                li.card {
                    h2 { a href=(href(hold.id)) { (name(hold)) } }
                    p { (places(hold.quantity)) ", " (sum(hold)) }
                    p { "Yours for " (countdown(hold, *now)) }
                }
            }
        }
    };
    Ok(visitor.page("Places on hold", main))
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    PathId(id): PathId<ReservationId>,
) -> Result<Response, Problem> {
    let (looked, shown) = tokio::join!(
        booking::reservation(&app.protocol, caller.user_id, id),
        catalogue::event(&app.catalogue, id.event())
    );
    let (hold, now) = match looked {
        Ok(Looked::Hold(hold, now)) => (hold, now),
        Ok(Looked::Booking(_)) => return Ok(visitor.go(&bookings::href(id))),
        Err(error @ (Error::ReservationExpired | Error::ReservationReleased)) => {
            return Ok(visitor.go_refused(&event::href(id.event()), Refusal::of(error).said()));
        }
        Err(error) => return Err(error.into()),
    };
    // Without its event the hold is good all the same.
    let shown = shown.ok().flatten();
    let details = shown.as_ref().map(|shown| &shown.event.details);
    let mut rows = vec![
        ("Event", details.map_or(html! { "An event" }, |details| event::link(hold.event_id, &details.name))),
        ("Starts", details.map_or(html! { "–" }, |details| time(details.starts_at))),
    ];
    rows.extend(details.and_then(|details| details.venue.as_ref()).map(|venue| ("Venue", html! { (venue) })));
    rows.extend(area(&hold.area));
    rows.extend(seats(&hold.seats));
    rows.extend([
        ("Places", html! { (by_rate(hold.quantity, &hold.lines)) }),
        ("Price", html! { (sum(&hold)) }),
    ]);
    let main = html! {
        h1 { "Held for you" }
        p.timer { "Yours alone for " (countdown(&hold, now)) }
        (facts(rows))
        @if hold.charge().total() > 0 { p.hint { "Nothing is charged here: whoever runs the event says how it is paid." } }
        div.actions {
            form method="post" action=(format!("{}/confirm", href(id))) { (button(&visitor.glimpse, "Book these places", "")) }
            form method="post" action=(format!("{}/release", href(id))) { (button(&visitor.glimpse, "Give them back", "quiet")) }
        }
    };
    Ok(visitor.page("Held for you", main))
}

/// What all places of it cost.
fn sum(hold: &Reservation) -> String {
    let lines = hold.charge().lines();
    let all = money(hold.charge().total(), &hold.currency);
    if hold.quantity == 1 {
        return all;
    }
    let one = |line: &Line| format!("{} × {}", line.quantity, money(line.unit_price.into(), &hold.currency));
    format!("{all} ({})", lines.iter().map(one).collect::<Vec<_>>().join(" + "))
}

/// What is left of it, by the server's clock; scripts count on from there.
fn countdown(hold: &Reservation, now: Timestamp) -> Markup {
    let left = hold.expires_at.duration_since(now).as_secs().max(0);
    html! { b.countdown role="timer" data-seconds-left=(left) { (clock(left)) } " (until " (time(hold.expires_at)) ")" }
}

pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    caller: Caller,
    from: ClientAddress,
    PathId(id): PathId<ReservationId>,
    _: Form<Button>,
) -> Result<Response, Problem> {
    let (network, now) = (from.network(&app), Timestamp::now());
    let confirmed =
        booking::confirm(&app.protocol, caller.user_id, id, now, network.as_ref(), permit.granted()).await;
    match confirmed {
        Ok(confirmed) => {
            let said = format!(
                "Booked: {} of {}.",
                places(confirmed.booking.quantity),
                confirmed.booking.event_name
            );
            Ok(visitor.go_saying(&bookings::href(id), said))
        }
        Err(error) => refused(visitor, id, error),
    }
}

pub(crate) async fn release(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    caller: Caller,
    from: ClientAddress,
    PathId(id): PathId<ReservationId>,
    _: Form<Button>,
) -> Result<Response, Problem> {
    let network = from.network(&app);
    match booking::release(&app.protocol, caller.user_id, id, network.as_ref()).await {
        Ok(()) => Ok(visitor.go_saying(&event::href(id.event()), "You gave these places back.")),
        Err(error) => refused(visitor, id, error),
    }
}

/// Leads to where somebody can go on: to the hold while there is one, else to its event.
fn refused(visitor: Visitor, id: ReservationId, error: Error) -> Result<Response, Problem> {
    match error {
        error @ (Error::TokenEnded | Error::RateLimited { .. } | Error::ReservationNotFound) => {
            Err(error.into())
        }
        Error::AlreadyConfirmed => Ok(visitor.go(&bookings::href(id))),
        error @ (Error::ReservationExpired | Error::ReservationReleased | Error::NotOnSale(_)) => {
            Ok(visitor.go_refused(&event::href(id.event()), Refusal::of(error).said()))
        }
        error => Ok(visitor.go_refused(&href(id), Refusal::of(error).said())),
    }
}
