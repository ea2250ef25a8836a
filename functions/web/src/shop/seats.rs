//! `/shop/events/{id}/seats`: the seats of an area that have names, and choosing some of them.
//!
//! A seat is a box to tick, so that a keyboard and a screen reader have it as everybody else; `style.css` makes a plan of them.
//! Rows come some at a time: 20,000 boxes are no page.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::State, http::Uri, response::Response};
use catalogue::AreaSeats;
use domain::{
    error::Error,
    event::{Area, Event, EventStatus},
    id::EventId,
    row::{Layout, Row},
};
use http_api::{App, PathId, Problem};
use maud::{Markup, html};
use stores::redis::scripts::RowFree;
use uuid::Uuid;

use super::event;
use crate::frame::{
    links,
    parts::hidden,
    visitor::Visitor,
    words::{money, places},
};

pub(crate) const PATH: &str = "/shop/events/{id}/seats";
/// Seats of one page, about.
const SEATS_SHOWN: usize = 400;

/// The page of an area's seats, with these ticked.
pub(crate) fn href(event: EventId, area: &str, chosen: &[String], key: &str) -> String {
    let chosen = chosen.join("/");
    let parameters = [("area", area.into()), ("chosen", chosen.into()), ("key", key.into())];
    links::with(&format!("{}/seats", event::href(event)), parameters)
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
    let Some(area) = areas.iter().find(numbered) else { return Err(Error::EventNotFound.into()) };
    let AreaSeats { seats, .. } = catalogue::seats(&app.catalogue, id, Some(area.id)).await?;
    let layout = catalogue::layout(&app.catalogue, &event).await?;
    let plan = Plan { event: &event, area, layout: &layout, rows: &seats.rows };
    let title = format!("Seats: {}", event.details.name);
    let main = plan.page(&visitor, &query);
    Ok(visitor.page(&title, main))
}

struct Plan<'a> {
    event: &'a Event,
    area: &'a Area<'a>,
    layout: &'a Layout,
    rows: &'a [RowFree],
}

/// Rows that are shown together: from that one on, up to that one.
type Part = std::ops::Range<usize>;

impl Plan<'_> {
    fn page(&self, visitor: &Visitor, query: &HashMap<String, String>) -> Markup {
        let rows: Vec<&Row> = self.layout.rows_of(self.area.key.number).collect();
        let chosen: Vec<&str> =
            query.get("chosen").map(|chosen| chosen.split('/').collect()).unwrap_or_default();
        let ticked = self.ticked(&rows, &chosen);
        let parts = parts(&rows);
        let part = self.part(&parts, query.get("row").map(String::as_str), &rows, &ticked);
        let key = query.get("key").and_then(|key| key.parse().ok()).unwrap_or_else(Uuid::new_v4);
        let most = self.event.details.max_per_booking.min(self.event.details.max_per_user);
        let price = self.event.at_ordinary_rate(self.area.price);
        html! {
            h1 { (self.area.name) }
            p { (event::link(self.event.id, &self.event.details.name)) " · " span.price { (money(price.into(), self.event.details.currency.code())) } " a seat" }
            (self.other_rows(&parts, &rows, &part))
            form.seats method="post" action=(format!("{}/book", event::href(self.event.id))) {
                (hidden(&visitor.glimpse, None))
                input type="hidden" name="key" value=(key);
                input type="hidden" name="area" value=(self.area.id);
                p.hint { "The first row is the best one. Tick up to " (places(most)) "." }
                @for at in part.clone() { (self.row(rows[at], &self.rows[at], &ticked, first_of(&rows, &part, at))) }
                button { "Hold these seats" }
                p.hint {
                    "They are yours alone for some minutes, while you decide. "
                    @if !visitor.is_signed_in() { "You sign in or register first." }
                }
            }
        }
    }

    /// What is ticked at first: what somebody chose, if all of it is free; else as many free neighbours, as near as there are.
    fn ticked(&self, rows: &[&Row], chosen: &[&str]) -> Vec<(usize, usize)> {
        let place = |name: &&str| {
            let at = rows
                .iter()
                .position(|row| name.strip_prefix(&row.name).is_some_and(|rest| rest.starts_with('-')))?;
            let seat = rows[at].seat(&name[rows[at].name.len() + 1..])?;
            Some((at, usize::from(seat)))
        };
        let wanted: Vec<(usize, usize)> = chosen.iter().filter_map(place).collect();
        let Some(&(row, seat)) = wanted.first() else { return Vec::new() };
        let is_free = |(row, seat): &(usize, usize)| self.free(*row).get(*seat) == Some(&b'1');
        if wanted.iter().all(is_free) {
            return wanted;
        }
        neighbours(self.rows, (row, seat), wanted.len()).unwrap_or_default()
    }

    fn free(&self, row: usize) -> &[u8] {
        self.rows.get(row).map_or(&[], |row| row.free.as_bytes())
    }

    /// The rows to show: those that are asked for, or that have what is ticked, or the first with something free.
    fn part(&self, parts: &[Part], row: Option<&str>, rows: &[&Row], ticked: &[(usize, usize)]) -> Part {
        let asked = row.and_then(|name| rows.iter().position(|row| row.name == name));
        let first_free = || (0..rows.len()).find(|at| self.free(*at).contains(&b'1'));
        let at = ticked.first().map(|(row, _)| *row).or(asked).or_else(first_free).unwrap_or(0);
        parts.iter().find(|part| part.contains(&at)).cloned().unwrap_or(0..0)
    }

    fn other_rows(&self, parts: &[Part], rows: &[&Row], shown: &Part) -> Markup {
        let to = |part: &Part| {
            let row = rows[part.start].name.as_str();
            let path = format!("{}/seats", event::href(self.event.id));
            links::with(&path, [("area", self.area.id.into()), ("row", row.into())])
        };
        let words = |part: &Part| match part.len() {
            1 => format!("Row {}", rows[part.start].name),
            _ => format!("Rows {} to {}", rows[part.start].name, rows[part.end - 1].name),
        };
        let left = |part: &Part| {
            part.clone().map(|row| self.free(row).iter().filter(|seat| **seat == b'1').count()).sum::<usize>()
        };
        html! {
            @if parts.len() > 1 {
                nav aria-label="Rows" {
                    ul.rows {
                        @for part in parts {
                            li { a href=(to(part)) aria-current=[(part == shown).then_some("page")] { (words(part)) } " " span.hint { (left(part)) " free" } }
                        }
                    }
                }
            }
        }
    }

    fn row(&self, row: &Row, seen: &RowFree, ticked: &[(usize, usize)], first: usize) -> Markup {
        let at = self.rows.iter().position(|known| std::ptr::eq(known, seen)).unwrap_or_default();
        let seats = row.labels.iter().zip(seen.free.bytes()).zip(0_u8..);
        html! {
            fieldset.row-of-seats {
                legend { "Row " (row.name) }
                div {
                    @for ((label, free), seat) in seats {
                        @let place = (at, usize::from(seat));
                        label {
                            input type="checkbox" name=(format!("seat.{}", first + usize::from(seat)))
                                value=(format!("{}-{label}", row.name))
                                checked[ticked.contains(&place)] disabled[free != b'1'];
                            (label)
                            @if row.accessible.has(seat) { span title="For people who need an accessible seat" { " ♿" } span.sr { " accessible" } }
                            @if free != b'1' { span.sr { " taken" } }
                        }
                    }
                }
            }
        }
    }
}

/// How many seats stand before that row on the page.
fn first_of(rows: &[&Row], part: &Part, row: usize) -> usize {
    (part.start..row).map(|before| rows[before].labels.count()).sum()
}

/// Rows in parts of about as many seats as a page shows.
fn parts(rows: &[&Row]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut seats = SEATS_SHOWN;
    for (at, row) in rows.iter().enumerate() {
        seats += row.labels.count();
        match parts.last_mut() {
            Some(part) if seats <= SEATS_SHOWN => part.end = at + 1,
            _ => {
                seats = row.labels.count();
                parts.push(at..at + 1);
            }
        }
    }
    parts
}

/// So many free seats side by side, in the same row or the nearest one that has them, as near to that seat as they are.
fn neighbours(rows: &[RowFree], (row, seat): (usize, usize), wanted: usize) -> Option<Vec<(usize, usize)>> {
    let in_row = |at: usize| {
        let free = rows[at].free.as_bytes();
        let runs = free.windows(wanted).enumerate().filter(|(_, run)| run.iter().all(|seat| *seat == b'1'));
        runs.map(|(first, _)| first).min_by_key(|first| first.abs_diff(seat))
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| at.abs_diff(row));
    let (at, first) = order.into_iter().find_map(|at| Some((at, in_row(at)?)))?;
    Some((first..first + wanted).map(|seat| (at, seat)).collect())
}

/// Seats that a form of this page can tick.
pub(crate) fn names() -> impl Iterator<Item = String> {
    (0..SEATS_SHOWN + domain::row::SEATS_PER_ROW_MAX).map(|seat| format!("seat.{seat}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(free: &[&str]) -> Vec<RowFree> {
        let row =
            |(number, free): (usize, &&str)| RowFree { name: number.to_string(), free: (*free).to_owned() };
        free.iter().enumerate().map(row).collect()
    }

    #[test]
    fn the_nearest_free_neighbours_are_offered() {
        let hall = rows(&["11111", "10011", "11011"]);
        assert_eq!(
            neighbours(&hall, (1, 1), 2),
            Some(vec![(1, 3), (1, 4)]),
            "in the same row, if it has them"
        );
        assert_eq!(
            neighbours(&hall, (1, 1), 3),
            Some(vec![(0, 1), (0, 2), (0, 3)]),
            "else in the nearest one"
        );
        assert_eq!(neighbours(&hall, (2, 2), 1), Some(vec![(2, 1)]));
        assert_eq!(neighbours(&hall, (0, 0), 6), None);
    }
}
