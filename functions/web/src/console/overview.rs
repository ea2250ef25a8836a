//! `/console`: what sold today, over the last weeks and in all, and how full coming events are.

use std::sync::Arc;

use administration::{Amount, Analytics, Bucket, Seats, Timeline, TimelineBucket, with_seats};
use axum::{extract::State, http::Uri, response::Response};
use domain::event::Event;
use http_api::{Admin, App, Problem};
use jiff::Timestamp;
use maud::{Markup, html};
use stores::dynamodb::EventsFilter;

use super::{
    edit, events, page,
    plot::{Plot, plain},
    tables::{self, table},
};
use crate::frame::{
    links,
    parts::facts,
    visitor::Visitor,
    words::{amount, counted, grouped},
};

pub(crate) const PATH: &str = "/console";
/// How many coming events are shown.
const EVENTS_SHOWN: usize = 10;

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    _: Admin,
    uri: Uri,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let bucket = match links::query(&uri).get("by").map(String::as_str) {
        Some("hour") => Bucket::Hour,
        _ => Bucket::Day,
    };
    let all = administration::analytics_of_all(&app, now);
    let (days, shown, coming, all) = tokio::join!(
        administration::timeline(&app, Bucket::Day, None, (None, None), now),
        async {
            match bucket {
                Bucket::Day => Ok(None),
                Bucket::Hour => {
                    administration::timeline(&app, bucket, None, (None, None), now).await.map(Some)
                }
            }
        },
        coming(&app, now),
        all
    );
    let (days, coming, all) = (days?, coming?, all?);
    let shown = shown?;
    let main = html! {
        h1 { "How events sell" }
        section aria-labelledby="today" {
            h2 #today { "Today" span.hint { " (in UTC)" } }
            @if let Some(today) = days.items.last() { (sums_of(today)) }
        }
        section aria-labelledby="over-time" {
            h2 #over-time { "Over time" }
            p.choice {
                @for (other, by, label) in [(Bucket::Day, "day", "30 days"), (Bucket::Hour, "hour", "24 hours")] {
                    a href=(links::with(PATH, [("by", by.into())])) aria-current=[(other == bucket).then_some("true")] { (label) } " "
                }
            }
            (sales("sales", shown.as_ref().unwrap_or(&days)))
        }
        section aria-labelledby="coming" {
            h2 #coming { "Coming events" }
            @if coming.is_empty() {
                p { "There are none. " a.button href=(edit::NEW_PATH) { "New event" } }
            } @else {
                (tables::events("Coming events", &coming))
                p { a href=(events::PATH) { "All events" } }
            }
        }
        section aria-labelledby="in-all" {
            h2 #in-all { "In all" }
            (in_all(&all))
        }
    };
    Ok(page(visitor, "Overview", main))
}

async fn coming(app: &App, now: Timestamp) -> Result<Vec<(Event, Seats)>, Problem> {
    let filter = EventsFilter { upcoming_at: Some(now), ..EventsFilter::default() };
    let page = app.store.events_by_start(&filter, EVENTS_SHOWN, None).await?;
    Ok(with_seats(app, page.items).await?)
}

fn sums_of(bucket: &TimelineBucket) -> Markup {
    facts([
        ("Bookings", html! { (grouped(bucket.bookings)) }),
        ("Tickets sold", html! { (grouped(bucket.tickets_sold)) }),
        ("Revenue", html! { (amounts(&bucket.revenue)) }),
        ("Cancelled", cancelled(bucket)),
    ])
}

fn cancelled(bucket: &TimelineBucket) -> Markup {
    html! {
    (counted(bucket.bookings_cancelled, "booking")) ", " (counted(bucket.tickets_cancelled, "ticket"))
            @if !bucket.refunds.is_empty() { ", which had cost " (amounts(&bucket.refunds)) }
        }
}

/// Amounts of several currencies, which are never added together.
pub(super) fn amounts(amounts: &[Amount]) -> String {
    let said: Vec<_> = amounts.iter().map(|one| amount(one.amount, &one.currency)).collect();
    if said.is_empty() { "–".to_owned() } else { said.join(", ") }
}

/// Tickets sold over time.
pub(super) fn sales(id: &str, timeline: &Timeline) -> Markup {
    let (title, form) = match timeline.bucket {
        Bucket::Day => ("Tickets sold a day, in UTC", "%a %-d %b"),
        Bucket::Hour => ("Tickets sold an hour, in UTC", "%-d %b, %H:%M"),
    };
    let label = |bucket: &TimelineBucket| bucket.start.strftime(form).to_string();
    let values: Vec<_> = timeline.items.iter().map(|bucket| (label(bucket), bucket.tickets_sold)).collect();
    let ends =
        [timeline.items.first(), timeline.items.last()].map(|bucket| bucket.map_or_else(String::new, label));
    let columns = ["From", "Bookings", "Tickets", "Revenue", "Cancelled tickets", "Refunds"];
    // What happened last is what people look for.
    let rows = timeline.items.iter().rev().map(|bucket| {
        vec![
            html! { (label(bucket)) },
            html! { (grouped(bucket.bookings)) },
            html! { (grouped(bucket.tickets_sold)) },
            html! { (amounts(&bucket.revenue)) },
            html! { (grouped(bucket.tickets_cancelled)) },
            html! { (amounts(&bucket.refunds)) },
        ]
    });
    let table = table(title, columns, rows);
    let [begin, end] = &ends;
    Plot { id, title, ends: [begin, end], said: &plain }.columns(&values, &table)
}

fn in_all(all: &Analytics) -> Markup {
    let percent = |ratio: f64| format!("{:.1} %", ratio * 100.0);
    facts([
        ("Revenue", html! { (amounts(&all.revenue)) span.hint { " what was cancelled is taken off" } }),
        (
            "Tickets sold",
            html! { (grouped(all.tickets_sold)) " of " (grouped(all.capacity)) " (" (percent(all.capacity_utilization)) ")" },
        ),
        (
            "Bookings",
            html! { (grouped(all.confirmed_bookings)) ", and " (grouped(all.cancelled_bookings)) " cancelled (" (percent(all.cancellation_rate)) ")" },
        ),
    ])
}
