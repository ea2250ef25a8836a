//! `/console/events/{id}`: an event, where its seats are, how it sells, the prices that it had, and taking it on and off sale.

use std::sync::Arc;

use administration::{Bucket, EventInput};
use axum::{extract::State, response::Response};
use booking::Conservation;
use domain::{
    audit::Actor,
    error::Error,
    event::{Event, EventStatus},
    id::EventId,
    pricing::{PriceChange, PriceReason},
};
use http_api::{
    Admin, App, PathId, Problem,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    audit, bookings, edit, events, overview, page,
    plot::{Plot, bar},
    tables::{self, table},
};
use crate::{
    frame::{
        form::Form,
        links,
        parts::{facts, hidden, paragraphs},
        refusal::Refusal,
        visitor::Visitor,
        words::{amount, grouped, plain_time, time},
    },
    shop,
};

pub(crate) const PATH: &str = "/console/events/{id}";
pub(crate) const STATUS_PATH: &str = "/console/events/{id}/status";
pub(crate) const DELETE_PATH: &str = "/console/events/{id}/delete";
/// How many prices are shown, the last ones.
const PRICES_SHOWN: u32 = 100;

/// The console's page of an event.
pub(crate) fn href(id: EventId) -> String {
    format!("/console/events/{id}")
}

/// What a version is called in forms: what is changed is what was looked at.
pub(crate) const VERSION: &str = "version";

/// The version that a form was made of.
pub(crate) fn version(fields: &mut Fields) -> Option<u64> {
    fields.required(VERSION, text)?.parse().ok()
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    PathId(id): PathId<EventId>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let oldest_price = event.price_changes.saturating_sub(PRICES_SHOWN - 1).max(1);
    let (seats, sales, prices) = tokio::join!(
        booking::conservation(&app.protocol, id, now),
        administration::timeline(&app, Bucket::Day, Some(&event), (None, None), now),
        app.store.prices(id, oldest_price..=event.price_changes)
    );
    let seats = match seats {
        Err(error) if error.is_without_redis() => None,
        seats => Some(seats?),
    };
    let details = &event.details;
    let main = html! {
        h1 { (details.name) }
        p { (tables::status(details.status)) " · " (time(details.starts_at)) @if let Some(venue) = &details.venue { " · " (venue) } }
        div.actions {
            a.button href=(edit::href(id)) { "Edit" }
            a.button.quiet href=(bookings::href(id)) { "Bookings" }
            a.button.quiet href=(links::with(audit::PATH, [("event", id.to_string().into())])) { "Audit trail" }
            @if details.status != EventStatus::Draft { a.button.quiet href=(shop::event::href(id)) { "In the shop" } }
        }
        section aria-labelledby="seats" { h2 #seats { "Places" } (where_seats_are(seats)) }
        section aria-labelledby="details" { h2 #details { "Details" } (details_of(&event)) }
        section aria-labelledby="selling" { h2 #selling { "Sales" } (overview::sales("sales", &sales?)) }
        section aria-labelledby="prices" { h2 #prices { "Price" } (price_history(&event, &prices?, now)) }
        section aria-labelledby="status" { h2 #status { "On and off sale" } (status_forms(&visitor, &event)) }
        p { a href=(events::PATH) { "All events" } }
    };
    let title = details.name.clone();
    Ok(page(visitor, &title, main))
}

fn details_of(event: &Event) -> Markup {
    let details = &event.details;
    let or = |at: Option<Timestamp>, otherwise: &str| at.map_or_else(|| html! { (otherwise) }, time);
    html! {
        (facts([
            ("Ends", or(details.ends_at, "not said")),
            ("Sales open", or(details.sales_open_at, "at once")),
            ("Sales close", or(details.sales_close_at, "at the start")),
            ("Can be cancelled until", or(details.cancel_until, "the start")),
            ("At most", html! { (details.max_per_booking) " in one booking, " (details.max_per_user) " for one person" }),
        ]))
        @if let Some(description) = &details.description { (paragraphs(description)) }
    }
}

fn where_seats_are(seats: Option<Conservation>) -> Markup {
    let Some(seats) = seats else {
        return html! { p { "Where they are can't be told right now: Redis does not answer. What is sold is safe." } };
    };
    let Conservation { capacity, sold, held, in_flight, free } = seats;
    let number = |number: i64| html! { (grouped(number)) };
    let of_bar = |seats: i64| seats.max(0).unsigned_abs();
    html! {
        (bar(of_bar(sold), of_bar(held + in_flight), of_bar(capacity)))
        (facts([
            ("Sold", number(sold)),
            ("Held", number(held)),
            ("Being booked", number(in_flight)),
            ("Free", number(free)),
            ("In all", number(capacity)),
            ("Missing", match seats.drift() {
                0 => html! { span.good { "none" } },
                drift => html! {
                    span.gone { @if drift > 0 { (drift) } @else { (-drift) " counted twice" } }
                    ", for now. While people buy that may be so for a moment; within two minutes the janitor mends what stays."
                },
            }),
        ]))
    }
}

fn price_history(event: &Event, prices: &[PriceChange], now: Timestamp) -> Markup {
    let currency = event.details.currency.code();
    let said = |minor: u64| amount(minor, currency);
    let of = |price: u32| said(price.into());
    // The newest comes first.
    let changes: Vec<_> =
        prices.iter().rev().map(|price| (price.changed_at, u64::from(price.price))).collect();
    let first = changes.first().map_or_else(String::new, |(at, _)| plain_time(*at));
    let rows = prices.iter().map(|price| {
        vec![
            time(price.changed_at),
            html! { (of(price.price)) },
            html! { @if let Some(before) = price.previous_price { (of(before)) } @else { "–" } },
            html! { (reason(price)) },
        ]
    });
    let table = table("Prices", ["Since", "Price", "Before", "Why"], rows);
    html! {
        p {
            b { (of(event.price)) } " a place. "
            @if let Some(pricing) = event.details.pricing {
                "Demand may move it from " (pricing.min_percent) " to " (pricing.max_percent) " % of " (of(event.details.base_price)) ", once a day."
            } @else { "It moves only when you change it." }
        }
        // A line that never moved says nothing.
        @if changes.len() > 1 { (Plot { id: "price", title: "Price of a place", ends: [&first, "now"], said: &said }.steps(&changes, now, &table)) }
    }
}

fn reason(price: &PriceChange) -> String {
    match (price.reason, price.demand) {
        (PriceReason::Created, _) => "The event was made".to_owned(),
        (PriceReason::BasePriceChanged, _) => "You set another price".to_owned(),
        (PriceReason::PricingRemoved, _) => "Demand pricing was switched off".to_owned(),
        (PriceReason::Demand, None) => "Demand".to_owned(),
        (PriceReason::Demand, Some(demand)) => format!(
            "Demand: {:.0} % sold, {:.1} a day, {:.0} days left",
            demand.utilization() * 100.0,
            demand.tickets_per_day(),
            demand.days_left()
        ),
    }
}

/// What the event may become, each with what that means. What can't be taken back easily takes two steps.
fn status_forms(visitor: &Visitor, event: &Event) -> Markup {
    let form = |status: EventStatus, label: &str, class: &str| {
        html! {
            form method="post" action=(format!("{}/status", href(event.id))) {
                (hidden(&visitor.glimpse, None))
                input type="hidden" name=(VERSION) value=(event.version);
                input type="hidden" name="status" value=(status.as_str());
                button class=(class) { (label) }
            }
        }
    };
    match event.details.status {
        EventStatus::Draft => html! {
            p { "Nobody sees it yet." }
            (form(EventStatus::Published, "Publish", ""))
            details {
                summary { "Delete this draft" }
                p { "It is gone for good, with the prices it had." }
                form method="post" action=(format!("{}/delete", href(event.id))) {
                    (hidden(&visitor.glimpse, None))
                    input type="hidden" name=(VERSION) value=(event.version);
                    button.danger { "Delete the draft" }
                }
            }
        },
        EventStatus::Published => html! {
            p { "People see it, and buy while sales are open." }
            details {
                summary { "Cancel this event" }
                p { "It goes off sale at once, and everybody who looks at it sees that it is cancelled. Bookings stay as they are." }
                (form(EventStatus::Cancelled, "Cancel the event", "danger"))
            }
            details {
                summary { "Make it a draft again" }
                p { "That takes it out of the shop. It can be done only while nothing of it is sold or held." }
                (form(EventStatus::Draft, "Make it a draft", "quiet"))
            }
        },
        EventStatus::Cancelled => html! {
            p { "It is cancelled, and people see that." }
            (form(EventStatus::Published, "Put it back on sale", "quiet"))
        },
    }
}

/// What a form says whose hidden fields somebody changed.
const NO_CHANGE: &str = "That was no change of an event. Try again.";

/// Which status an event is to have.
#[derive(Debug)]
pub(crate) struct StatusChange {
    status: EventStatus,
    version: u64,
}

impl Read for StatusChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (status, version) = (fields.required("status", administration::status), version(fields));
        Some(Self { status: status?, version: version? })
    }
}

pub(crate) async fn change_status(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    PathId(id): PathId<EventId>,
    form: Form<StatusChange>,
) -> Result<Response, Problem> {
    let Ok(StatusChange { status, version }) = form.read else {
        return Ok(visitor.go_refused(&href(id), NO_CHANGE));
    };
    let now = Timestamp::now();
    let changed = booking::replace_event(
        &app.protocol,
        id,
        |event| event.version == version,
        |event| EventInput { status: Some(status), ..EventInput::of(event) }.details(Some(event), now),
        Some(&Actor::from(admin)),
        now,
    )
    .await;
    match changed {
        Ok(_) => Ok(visitor.go_saying(
            &href(id),
            match status {
                EventStatus::Draft => "It is a draft now.",
                EventStatus::Published => "It is published.",
                EventStatus::Cancelled => "It is cancelled.",
            },
        )),
        Err(error) => refused(visitor, id, error),
    }
}

/// A draft that is to go.
#[derive(Debug)]
pub(crate) struct Deletion {
    version: u64,
}

impl Read for Deletion {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { version: version(fields)? })
    }
}

pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    admin: Admin,
    PathId(id): PathId<EventId>,
    form: Form<Deletion>,
) -> Result<Response, Problem> {
    let Ok(Deletion { version }) = form.read else {
        return Ok(visitor.go_refused(&href(id), NO_CHANGE));
    };
    let (by, now) = (Actor::from(admin), Timestamp::now());
    let deleted =
        booking::delete_draft(&app.protocol, id, |event| event.version == version, Some(&by), now).await;
    match deleted {
        Ok(()) => Ok(visitor.go_saying(events::PATH, "The draft is deleted.")),
        Err(error) => refused(visitor, id, error),
    }
}

/// Leads back to the event, if there is one.
fn refused(visitor: Visitor, id: EventId, error: Error) -> Result<Response, Problem> {
    match error {
        error @ Error::EventNotFound => Err(error.into()),
        error => Ok(visitor.go_refused(&href(id), Refusal::of(error).said())),
    }
}
