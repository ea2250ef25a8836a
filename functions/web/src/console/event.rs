//! `/console/events/{id}`: an event, where its seats are, how it sells, the prices that it had, and taking it on and off sale.

use std::sync::Arc;

use administration::{Bucket, RateSales, by_rate};
use axum::{extract::State, response::Response};
use booking::{CancellationProgress, Conservation, Counted};
use domain::{
    error::Error,
    event::{Event, EventStatus},
    id::{AreaNumber, EventId},
    pricing::{PriceChange, PriceReason},
    rate::Rate,
};
use http_api::{Admin, App, PathId, Problem};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    audit, bookings, edit, events, hall, overview, page,
    plot::{Plot, bar},
    status,
    tables::{self, table},
};
use crate::{
    frame::{
        links,
        parts::{facts, paragraphs},
        visitor::Visitor,
        words::{amount, grouped, plain_time, time},
    },
    shop,
};

pub(crate) const PATH: &str = "/console/events/{id}";
/// How many prices are shown, the last ones.
const PRICES_SHOWN: u32 = 100;

/// The console's page of an event.
pub(crate) fn href(id: EventId) -> String {
    format!("/console/events/{id}")
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
        administration::timeline(&app, Bucket::Day, Some((&event, None)), (None, None), now),
        app.store.prices(id, oldest_price..=event.price_changes)
    );
    let seats = match seats {
        Err(error) if error.is_without_redis() => None,
        seats => Some(seats?),
    };
    let progress = seats.as_ref().and_then(|counted| CancellationProgress::of(&event, &counted.inventory));
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
        section aria-labelledby="seats" { h2 #seats { "Places" } (where_seats_are(seats.as_ref())) }
        section aria-labelledby="details" { h2 #details { "Details" } (details_of(&event)) }
        section aria-labelledby="selling" { h2 #selling { "Sales" } (overview::sales("sales", &sales?)) }
        section aria-labelledby="prices" { h2 #prices { "Price" } (price_history(&event, &prices?, now)) }
        section aria-labelledby="status" { h2 #status { "On and off sale" } (status::forms(&visitor, &event, progress.as_ref())) }
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
            ("Time zone", html! { (details.time_zone.as_deref().unwrap_or("UTC")) }),
            ("Sales open", or(details.sales_open_at, "at once")),
            ("Sales close", or(details.sales_close_at, "at the start")),
            ("Can be cancelled until", or(details.cancel_until, "the start")),
            ("Rates", html! { (rates(&details.rates())) }),
            ("At most", html! { (details.max_per_booking) " in one booking, " (details.max_per_user) " for one person" }),
        ]))
        @if let Some(description) = &details.description { (paragraphs(description)) }
    }
}

/// `Full price 100 %, Up to 14 50 %`
fn rates(rates: &[Rate]) -> String {
    let one = |rate: &Rate| format!("{} {} %", rate.name, rate.percent);
    rates.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn where_seats_are(counted: Option<&Counted>) -> Markup {
    let Some(Counted { event, inventory, seats, by_area }) = counted else {
        return html! { p { "Where they are can't be told right now: Redis does not answer. What is sold is safe." } };
    };
    let by_rate = by_rate(event, inventory);
    let Conservation { capacity, sold, pending, held, in_flight, free } = *seats;
    let number = |number: i64| html! { (grouped(number)) };
    let of_bar = |seats: i64| seats.max(0).unsigned_abs();
    html! {
        (bar(of_bar(sold), of_bar(pending + held + in_flight), of_bar(capacity)))
        (facts([
            ("Sold", number(sold)),
            ("Pending", number(pending)),
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
        @if !event.details.areas.is_empty() { (seats_by_area(event, by_area)) }
        @if by_rate.len() > 1 { (sold_by_rate(&by_rate, event.details.currency.code())) }
    }
}

fn seats_by_area(event: &Event, by_area: &[(AreaNumber, Conservation)]) -> Markup {
    let currency = event.details.currency.code();
    let price = |price: u32| amount(price.into(), currency);
    let rows = event.areas().into_iter().map(|area| {
        let found = by_area.iter().find(|(number, _)| *number == area.key.number);
        let seats = found.map(|(_, seats)| *seats).unwrap_or_default();
        let Conservation { capacity, sold, pending, held, in_flight, free } = seats;
        let number = |number: i64| html! { (grouped(number)) };
        vec![
            html! {
                @if area.is_numbered() { a href=(hall::href(event.id, area.id)) { (area.name) } } @else { (area.name) }
                " (" code { (area.id) } ")"
            },
            html! {
                (price(area.price))
                @if let Some(pricing) = area.pricing {
                    ", " (pricing.min_percent) " to " (pricing.max_percent) " % of " (price(area.base_price)) " by demand"
                }
            },
            number(sold),
            number(pending + held + in_flight),
            number(free),
            number(capacity),
        ]
    });
    html! {
        h3 { "By area" }
        (table("Places by area", ["Area", "Price", "Sold", "Held", "Free", "In all"], rows))
    }
}

fn sold_by_rate(sales: &[RateSales], currency: &str) -> Markup {
    let name = |sales: &RateSales| match (&sales.rate, &sales.name) {
        (_, Some(name)) => html! { (name) },
        (Some(rate), None) => html! { (rate) ", which is no rate any more" },
        (None, None) => html! { "Before there were rates" },
    };
    let rows = sales.iter().map(|sales| {
        vec![name(sales), html! { (grouped(sales.sold)) }, html! { (amount(sales.revenue, currency)) }]
    });
    html! {
        h3 { "By rate" }
        (table("Sold by rate", ["Rate", "Sold", "Revenue"], rows))
    }
}

fn price_history(event: &Event, prices: &[PriceChange], now: Timestamp) -> Markup {
    let currency = event.details.currency.code();
    let said = |minor: u64| amount(minor, currency);
    let of = |price: u32| said(price.into());
    let names_areas = !event.details.areas.is_empty();
    // The newest comes first.
    let changes: Vec<_> =
        prices.iter().rev().map(|price| (price.changed_at, u64::from(price.price))).collect();
    let first = changes.first().map_or_else(String::new, |(at, _)| plain_time(*at));
    let rows = prices.iter().map(|price| {
        let area = price.area.as_deref().unwrap_or("all places");
        let mut row = vec![
            time(price.changed_at),
            html! { (of(price.price)) },
            html! { @if let Some(before) = price.previous_price { (of(before)) } @else { "–" } },
            html! { (reason(price)) },
        ];
        if names_areas {
            row.insert(1, html! { (area) });
        }
        row
    });
    html! {
        @if names_areas {
            p { "Each area has its own price: see them above. What moved them:" }
            (table("Prices", ["Since", "Area", "Price", "Before", "Why"], rows))
        } @else {
            p {
                b { (of(event.price)) } " a place. "
                @if let Some(pricing) = event.details.pricing {
                    "Demand may move it from " (pricing.min_percent) " to " (pricing.max_percent) " % of " (of(event.details.base_price)) ", once a day."
                } @else { "It moves only when you change it." }
            }
            // A line that never moved says nothing.
            @if changes.len() > 1 {
                @let table = table("Prices", ["Since", "Price", "Before", "Why"], rows);
                (Plot { id: "price", title: "Price of a place", ends: [&first, "now"], said: &said }.steps(&changes, now, &table))
            }
        }
    }
}

fn reason(price: &PriceChange) -> String {
    match (price.reason, price.demand) {
        (PriceReason::Created, _) if price.area.is_some() => "The area was made".to_owned(),
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
