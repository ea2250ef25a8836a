//! `/`: coming events, found by words and dates, and the popular ones.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::State,
    http::Uri,
    response::{Redirect, Response},
};
use catalogue::{Search, Shown};
use domain::event::{NAME_CHARS_MAX, Words};
use http_api::{
    App, Problem,
    cursor::{from_cursor, to_cursor},
    query::PAGE_ITEMS_DEFAULT,
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use maud::{Markup, html};

use super::event;
use crate::frame::{
    links,
    parts::pager,
    visitor::Visitor,
    words::{Offer, money, time},
};

pub(crate) const PATH: &str = "/";
/// How many popular events are shown.
const POPULAR_EVENTS: usize = 3;

/// What somebody looks for, as far as it makes sense.
#[derive(Debug, Default)]
struct Wanted {
    typed: HashMap<String, String>,
    words: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// What makes no sense, by its field.
    errors: Vec<(&'static str, &'static str)>,
}

const TOO_LONG: &str = "Search for less: 200 characters at most.";
const NO_DAY: &str = "Write a day like 2031-06-12.";
const BACKWARDS: &str = "This day is before the first one.";

impl Wanted {
    fn of(uri: &Uri) -> Self {
        let mut wanted = Self { typed: links::query(uri), ..Self::default() };
        let words = wanted.get("q").trim().to_owned();
        if words.chars().count() > NAME_CHARS_MAX {
            wanted.errors.push(("q", TOO_LONG));
        } else if !words.is_empty() {
            wanted.words = Some(words);
        }
        wanted.from = wanted.day("from").and_then(start_of);
        // The whole day is meant.
        let after = wanted.day("to").and_then(|day| start_of(day.tomorrow().ok()?));
        wanted.to = after.and_then(|after| after.checked_sub(1.millisecond()).ok());
        if let (Some(from), Some(to)) = (wanted.from, wanted.to)
            && to < from
        {
            wanted.errors.push(("to", BACKWARDS));
        }
        wanted
    }

    fn get(&self, name: &str) -> &str {
        self.typed.get(name).map_or("", String::as_str)
    }

    fn day(&mut self, name: &'static str) -> Option<Date> {
        let typed = self.get(name).trim();
        if typed.is_empty() {
            return None;
        }
        let day = typed.parse().ok();
        if day.is_none() {
            self.errors.push((name, NO_DAY));
        }
        day
    }

    fn is_for_something(&self) -> bool {
        ["q", "from", "to"].iter().any(|name| !self.get(name).is_empty())
    }

    fn is_understood(&self) -> bool {
        self.errors.is_empty()
    }

    /// This list's address, from that place on.
    fn href(&self, cursor: &str) -> String {
        let parameters = ["q", "from", "to"].map(|name| (name, self.get(name).into()));
        links::with(PATH, parameters.into_iter().chain([("cursor", cursor.into())]))
    }
}

fn start_of(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let wanted = Wanted::of(&uri);
    let list = format!("page of events {:?} {:?} {:?}", wanted.words, wanted.from, wanted.to);
    let cursor = Some(wanted.get("cursor")).filter(|cursor| !cursor.is_empty());
    let search = Search {
        from: wanted.from,
        to: wanted.to,
        words: wanted.words.as_deref().map(Words::of),
        after: from_cursor(&app.tokens, &list, cursor)?,
    };
    // Popular ones are for who looks at nothing in particular.
    let shows_popular = !wanted.is_for_something() && cursor.is_none();
    let popular = async {
        if shows_popular {
            catalogue::popular(&app.catalogue, POPULAR_EVENTS, now).await
        } else {
            Ok(Vec::new())
        }
    };
    let (page, popular) = tokio::try_join!(
        catalogue::upcoming(&app.catalogue, &search, PAGE_ITEMS_DEFAULT as usize, now),
        popular
    )?;
    let next = to_cursor(&app.tokens, &list, page.next)?;
    let main = html! {
        h1 { "Coming events" }
        (search_form(&wanted))
        @if !popular.is_empty() {
            section aria-labelledby="popular" {
                h2 #popular { "Popular right now" }
                ul.cards { @for shown in &popular { (card(shown, now)) } }
            }
        }
        section aria-labelledby="all" {
            h2 #all { @if wanted.is_understood() && wanted.is_for_something() { "What was found" } @else { "All events" } }
            @if page.items.is_empty() { (nothing(&wanted)) }
            ul.cards { @for shown in &page.items { (card(shown, now)) } }
        }
        (pager(cursor.map(|_| wanted.href("")), next.map(|next| wanted.href(&next))))
    };
    Ok(visitor.page("Coming events", main))
}

fn search_form(wanted: &Wanted) -> Markup {
    html! {
        form.search method="get" action=(PATH) role="search" {
            div.field {
                label for="q" { "Name or venue" }
                input #q name="q" type="search" value=(wanted.get("q")) maxlength=(NAME_CHARS_MAX);
                (wrong(wanted, "q"))
            }
            @for (name, label) in [("from", "From day (UTC)"), ("to", "To day (UTC)")] {
                div.field {
                    label for=(name) { (label) }
                    input id=(name) name=(name) type="date" value=(wanted.get(name));
                    (wrong(wanted, name))
                }
            }
            button { "Search" }
        }
    }
}

fn wrong(wanted: &Wanted, name: &str) -> Markup {
    html! { @for (_, wrong) in wanted.errors.iter().filter(|(field, _)| *field == name) { p.error { (wrong) } } }
}

fn nothing(wanted: &Wanted) -> Markup {
    html! {
        @if wanted.is_for_something() {
            p { "Nothing matches. Try fewer words or other days, or " a href=(PATH) { "see all events" } "." }
        } @else {
            p { "No events are on sale yet. Look again soon." }
        }
    }
}

fn card(Shown { event, available }: &Shown, now: Timestamp) -> Markup {
    let details = &event.details;
    html! {
        li.card {
            h3 { a href=(event::href(event.id)) { (details.name) } }
            p { (time(details.starts_at)) @if let Some(venue) = &details.venue { br; (venue) } }
            p.offer { b { (money(event.ordinary_price_from(available).into(), details.currency.code())) } " · " (Offer::of(event, available.seats, now).words()) }
        }
    }
}

/// Where people type the shop's address.
pub(crate) async fn redirect() -> Redirect {
    Redirect::permanent(PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Wanted {
        Wanted::of(&format!("/?{query}").parse().unwrap())
    }

    #[test]
    fn days_are_whole_days_and_what_makes_no_sense_is_said() {
        let day = wanted("q=+open+air+&from=2031-06-12&to=2031-06-12&utm_source=mail");
        assert_eq!(day.words.as_deref(), Some("open air"));
        assert_eq!(day.from.unwrap().to_string(), "2031-06-12T00:00:00Z");
        assert_eq!(day.to.unwrap().to_string(), "2031-06-12T23:59:59.999Z");
        assert!(day.errors.is_empty());
        let fields =
            |query: &str| wanted(query).errors.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(fields("from=soon&to=2031-02-30"), ["from", "to"]);
        assert_eq!(fields("from=2031-06-13&to=2031-06-12"), ["to"]);
        assert_eq!(fields(&format!("q={}", "a".repeat(201))), ["q"]);
        assert_eq!(fields("from=9999-12-31&to=9999-12-31"), [""; 0]);
    }

    #[test]
    fn the_next_page_is_of_the_same_search() {
        let href = wanted("q=open+air&from=2031-06-12&utm_source=mail").href("abc");
        assert_eq!(href, "/?q=open+air&from=2031-06-12&cursor=abc");
        assert_eq!(wanted("utm_source=mail").href(""), "/");
    }
}
