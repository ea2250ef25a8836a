//! `/shop/events/{id}/seats`: the seats of an area that have names, and choosing some of them.
//!
//! A seat is a box to tick, so that a keyboard and a screen reader have it as everybody else; `style.css` makes a plan of them.
//! Rows come some at a time: 20,000 boxes are no page. A map shows all of them. What is ticked comes along to other rows.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::Uri, response::Response};
use catalogue::AreaSeats;
use domain::{
    error::Error,
    event::{Area, Event, EventStatus},
    id::EventId,
};
use http_api::{App, PathId, Problem};
use maud::{Markup, html};
use uuid::Uuid;

use super::{
    event::{self, Order, choice, chosen_of},
    plan::{Part, Place, Plan, field},
};
use crate::frame::{
    assets::SEATS_SCRIPT,
    form::Form,
    links,
    parts::hidden,
    seat_map::{self, Look},
    visitor::Visitor,
    words::{grouped, money, places},
};

pub(crate) const PATH: &str = "/shop/events/{id}/seats";
/// The parameter with seats that are ticked, and stay so where others are looked at.
const KEPT: &str = "kept";
/// The parameter with seats that somebody wanted and may not have got: their neighbours are as good.
pub(crate) const CHOSEN: &str = "chosen";

/// The page of an area's seats.
pub(crate) fn href(event: EventId, area: &str, more: &[(&str, String)]) -> String {
    let more = more.iter().map(|(name, value)| (*name, value.as_str().into()));
    links::with(&format!("{}/seats", event::href(event)), [("area", area.into())].into_iter().chain(more))
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    PathId(id): PathId<EventId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = links::query(&uri);
    let asked = query.get("area").map(String::as_str);
    let shown = catalogue::event(&app.catalogue, id).await?.map(|shown| shown.event);
    let event =
        shown.filter(|event| event.details.status != EventStatus::Draft).ok_or(Error::EventNotFound)?;
    let areas = event.areas();
    let numbered = |area: &&Area<'_>| area.is_numbered() && asked.is_none_or(|asked| asked == area.id);
    let Some(area) = areas.iter().find(numbered) else { return Err(Error::AreaNotFound.into()) };
    let AreaSeats { seats, .. } = catalogue::seats(&app.catalogue, id, Some(area.id)).await?;
    let layout = catalogue::layout(&app.catalogue, &event).await?;
    let plan = Plan::new(layout.rows_of(area.key.number).collect(), &seats.rows);
    let title = format!("Seats: {}", event.details.name);
    let main = Shown::of(&event, area, &plan, &query).page(&visitor, &query);
    Ok(visitor.page(&title, main))
}

/// Without scripts, what is ticked is sent to come along to other rows.
pub(crate) async fn keep(visitor: Visitor, PathId(id): PathId<EventId>, form: Form<Order>) -> Response {
    let kept = form.read.map(|order| order.named()).unwrap_or_default();
    visitor.go(&href(id, form.typed.get("area"), &[(KEPT, kept)]))
}

/// What the page shows.
struct Shown<'a> {
    event: &'a Event,
    area: &'a Area<'a>,
    plan: &'a Plan<'a>,
    parts: Vec<Part>,
    /// Those rows whose seats are boxes.
    part: Part,
    ticked: Vec<Place>,
    /// What was ticked, and is somebody else's by now.
    lost: Vec<Place>,
    /// How many can be ticked.
    most: u32,
}

impl<'a> Shown<'a> {
    fn of(event: &'a Event, area: &'a Area<'a>, plan: &'a Plan<'a>, query: &HashMap<String, String>) -> Self {
        let named = |parameter: &str| {
            let names = query.get(parameter).map(|names| names.split('/')).into_iter().flatten();
            names.filter_map(|name| plan.place(name)).collect::<Vec<_>>()
        };
        let (mut ticked, lost): (Vec<_>, Vec<_>) =
            named(KEPT).into_iter().partition(|place| plan.is_free(*place));
        ticked.extend(plan.offered(named(CHOSEN)));
        ticked.sort_unstable();
        ticked.dedup();
        let most = event.details.max_per_booking.min(event.details.max_per_user);
        ticked.truncate(most as usize);
        let parts = plan.parts();
        let asked = query.get("row").and_then(|name| plan.rows.iter().position(|row| row.name == *name));
        let first = || ticked.first().map(|(row, _)| *row).or_else(|| plan.first_free_row());
        let at = asked.or_else(first).unwrap_or_default();
        let part = parts.iter().find(|part| part.contains(&at)).cloned().unwrap_or_default();
        Self { event, area, plan, parts, part, ticked, lost, most }
    }

    fn page(&self, visitor: &Visitor, query: &HashMap<String, String>) -> Markup {
        let key = query.get("key").and_then(|key| key.parse().ok()).unwrap_or_else(Uuid::new_v4);
        let live = links::with(&format!("/events/{}/seats", self.event.id), [("area", self.area.id.into())]);
        let page = format!("{}/seats", event::href(self.event.id));
        let is_parted = self.parts.len() > 1;
        html! {
            h1 { (self.area.name) }
            p { (event::link(self.event.id, &self.event.details.name)) " · " span.price { (self.price(self.event.at_ordinary_rate(self.area.price))) } " a seat" }
            (self.map())
            @if is_parted { (self.other_rows()) }
            form.seats method="post" action=(format!("{}/book", event::href(self.event.id))) data-live=(live) data-most=(self.most) {
                (hidden(&visitor.glimpse, None))
                input type="hidden" name="key" value=(key);
                input type="hidden" name="area" value=(self.area.id);
                p.hint { "The first row is the best one. Tick up to " (places(self.most)) @if is_parted { ", in any rows" } "." }
                p #seats-said role="status" { (self.lost()) }
                (self.kept())
                @for row in self.part.clone() { (self.row(row)) }
                @if is_parted {
                    noscript { p { button.quiet formaction=(page) { "Keep these, and look at other rows" } } }
                }
                (self.rates(query))
                button { "Hold these seats" }
                p.hint {
                    "They are yours alone for some minutes, while you decide. "
                    @if !visitor.is_signed_in() { "You sign in or register first." }
                }
            }
            script src=(SEATS_SCRIPT.href()) defer {}
        }
    }

    fn price(&self, price: u32) -> String {
        money(price.into(), self.event.details.currency.code())
    }

    /// Where those rows are shown, with what is ticked.
    fn href(&self, part: &Part) -> String {
        let kept = self.ticked.iter().map(|place| self.plan.name(*place)).collect::<Vec<_>>().join("/");
        let row = self.plan.rows[part.start].name.clone();
        href(self.event.id, self.area.id, &[("row", row), (KEPT, kept)])
    }

    fn map(&self) -> Markup {
        let (map, seats) = self.plan.map(&self.ticked);
        let drawing = html! {
            (seats)
            @if self.parts.len() > 1 {
                @for part in &self.parts {
                    (map.link(part.start, part.len(), &self.href(part), &self.plan.called(part), *part == self.part))
                }
            }
        };
        let mut looks = vec![(Look::Free, "free"), (Look::Yours, "ticked by you"), (Look::Taken, "taken")];
        if self.plan.rows.iter().any(|row| !row.accessible.is_empty()) {
            looks.push((Look::Accessible, "accessible"));
        }
        seat_map::figure(&map.show(None, &drawing), &looks)
    }

    fn other_rows(&self) -> Markup {
        html! {
            nav aria-label="Rows" {
                ul.rows {
                    @for part in &self.parts {
                        li {
                            a href=(self.href(part)) aria-current=[(*part == self.part).then_some("page")] { (self.plan.called(part)) }
                            " " span.hint data-rows=(format!("{}-{}", part.start, part.end)) { (grouped(self.plan.left(part))) " free" }
                        }
                    }
                }
            }
        }
    }

    fn lost(&self) -> Markup {
        html! { @for place in &self.lost { (self.plan.name(*place)) " was taken by somebody else meanwhile. " } }
    }

    /// What is ticked in rows that are not shown.
    fn kept(&self) -> Markup {
        let others: Vec<&Place> = self.ticked.iter().filter(|(row, _)| !self.part.contains(row)).collect();
        let first = self.plan.seats(&self.part);
        html! {
            @if !others.is_empty() {
                fieldset.row-of-seats {
                    legend { "In other rows" }
                    div { @for (nth, place) in others.into_iter().enumerate() { (self.seat(first + nth, *place, &self.plan.name(*place))) } }
                }
            }
        }
    }

    fn row(&self, at: usize) -> Markup {
        let row = self.plan.rows[at];
        let first = self.plan.seats(&(self.part.start..at));
        html! {
            fieldset.row-of-seats {
                legend { "Row " (row.name) }
                div { @for (seat, label) in row.labels.iter().enumerate() { (self.seat(first + seat, (at, seat), &label)) } }
            }
        }
    }

    fn seat(&self, number: usize, place: Place, label: &str) -> Markup {
        let (row, seat) = place;
        let is_free = self.plan.is_free(place);
        let is_accessible = u8::try_from(seat).is_ok_and(|seat| self.plan.rows[row].accessible.has(seat));
        html! {
            label {
                input type="checkbox" name=(field(number)) value=(self.plan.name(place)) data-at=(format!("{row}.{seat}"))
                    checked[self.ticked.contains(&place)] disabled[!is_free];
                (label)
                @if is_accessible { span title="For people who need an accessible seat" { " ♿" } span.sr { " accessible" } }
                @if !is_free { span.sr.taken { " taken" } }
            }
        }
    }

    /// How many of them at which rates; what nobody says is at the first.
    fn rates(&self, query: &HashMap<String, String>) -> Markup {
        let rates = &self.event.details.rates;
        let Some((ordinary, others)) = rates.split_first().filter(|(_, others)| !others.is_empty()) else {
            return html! {};
        };
        let chosen = chosen_of(rates, query, 0);
        html! {
            fieldset {
                legend { "At which price" }
                p.hint { (ordinary.name) ", " (self.price(ordinary.price_of(self.area.price))) " a seat, unless you say otherwise:" }
                @for (index, (rate, chosen)) in (1..).zip(others.iter().zip(chosen.iter().skip(1))) {
                    input type="hidden" name=(format!("rate.{index}")) value=(rate.id);
                    (choice(
                        &format!("places.{index}"),
                        html! { (rate.name) " " span.hint { (self.price(rate.price_of(self.area.price))) } },
                        0..=self.most,
                        self.most.min(*chosen),
                    ))
                }
            }
        }
    }
}
