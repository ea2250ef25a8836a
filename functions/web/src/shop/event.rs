//! `/shop/events/{id}`: an event, and holding places of it.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
    sync::Arc,
};

use axum::{extract::State, http::Uri, response::Response};
use booking::Wanted;
use catalogue::Shown;
use domain::{
    error::Error,
    event::{Area, Available, Event, EventStatus, MAX_PER_BOOKING_MAX},
    field_error::Wrong,
    id::EventId,
    rate::{RATES_MAX, Rate, WantedRates},
    reservation::{ReservationStatus, WantedSeats},
    row::SEAT_NAME_CHARS_MAX,
    text::SHORT_ID_CHARS_MAX,
};
use http_api::{
    App, Caller, ClientAddress, PathId, Permit, Problem,
    fields::{Fields, Read, text_of, uuid, whole_within},
    headers::{cacheable, text_answer},
};
use jiff::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use super::{bookings, holds, plan, seats};
use crate::frame::{
    form::Form,
    layout::sign_in_link,
    links,
    parts::{facts, hidden, paragraphs},
    refusal::Refusal,
    visitor::Visitor,
    words::{Offer, money, places, time},
};

/// What the paths of all events begin with.
pub(crate) const FOLDER: &str = "/shop/events/";
pub(crate) const PATH: &str = "/shop/events/{id}";
pub(crate) const AVAILABILITY_PATH: &str = "/shop/events/{id}/availability";
pub(crate) const BOOK_PATH: &str = "/shop/events/{id}/book";
/// For how long a browser need not ask anew how many places are left.
const LIVE_SECONDS: u32 = 1;
/// The parameter that says of which area somebody wants places.
const AREA: &str = "area";
/// What people take unless they say otherwise.
const QUANTITY_DEFAULT: u32 = 1;

/// The page of an event.
pub(crate) fn href(id: EventId) -> String {
    format!("{FOLDER}{id}")
}

/// How many places somebody wants, at which rates if there are several, and which visit of the page they want them from: sent twice, they are had once.
#[derive(Debug)]
pub(crate) struct Order {
    /// Of which area, where there are several.
    area: Option<String>,
    /// These very seats, of an area where they have names.
    pub(crate) seats: BTreeSet<String>,
    quantity: u32,
    rates: WantedRates,
    key: Uuid,
}

impl Read for Order {
    fn read(fields: &mut Fields) -> Option<Self> {
        let quantity = fields.optional("quantity", whole_within(1..=MAX_PER_BOOKING_MAX));
        let area = fields.optional(AREA, text_of(1..=SHORT_ID_CHARS_MAX));
        let mut rates = WantedRates::new();
        for index in 0..RATES_MAX {
            let rate = fields.optional(&format!("rate.{index}"), text_of(1..=SHORT_ID_CHARS_MAX));
            let places = fields.optional(&format!("places.{index}"), whole_within(0..=MAX_PER_BOOKING_MAX));
            if let Some((rate, places)) = rate.zip(places).filter(|(_, places)| *places > 0) {
                *rates.entry(rate).or_default() += places;
            }
        }
        let of_rates = rates.values().sum();
        let ticked =
            plan::fields().filter_map(|name| fields.optional(&name, text_of(1..=SEAT_NAME_CHARS_MAX)));
        let seats: BTreeSet<String> = ticked.collect();
        let quantity = match (seats.len(), rates.is_empty()) {
            (0, true) => quantity,
            (0, false) => Some(of_rates),
            (seats, _) => u32::try_from(seats).ok(),
        };
        if !(1..=MAX_PER_BOOKING_MAX).contains(&quantity.unwrap_or_default()) {
            fields.complain("quantity", Wrong::OutOfRange { min: 1, max: MAX_PER_BOOKING_MAX });
        }
        // Without a key it is a visit of its own.
        let key = fields.optional("key", |value| Ok(uuid(value).unwrap_or_else(|_| Uuid::new_v4())));
        Some(Self { area, seats, quantity: quantity?, rates, key: key.unwrap_or_else(Uuid::new_v4) })
    }
}

impl Order {
    /// The seats by their names, as an address has them: none has a slash.
    pub(crate) fn named(&self) -> String {
        self.seats.iter().map(String::as_str).collect::<Vec<_>>().join("/")
    }

    /// What leads back to the page with the same choice.
    fn page(&self, event: EventId, key: &str) -> String {
        let of_rates = self.rates.iter().map(|(rate, places)| (places_at(rate), places.to_string()));
        if let (false, Some(area)) = (self.seats.is_empty(), &self.area) {
            let of_rates: Vec<_> = of_rates.collect();
            let mut more = vec![(seats::CHOSEN, self.named()), ("key", key.to_owned())];
            more.extend(of_rates.iter().map(|(name, places)| (name.as_str(), places.clone())));
            return seats::href(event, area, &more);
        }
        let quantity = ("quantity".to_owned(), self.quantity.to_string());
        let area = self.area.iter().map(|area| (AREA.to_owned(), area.clone()));
        let chosen: Vec<_> =
            [quantity, ("key".to_owned(), key.to_owned())].into_iter().chain(of_rates).chain(area).collect();
        links::with(&href(event), chosen.iter().map(|(name, value)| (&**name, (&**value).into())))
    }
}

/// The parameter that says how many places of a rate somebody wants.
fn places_at(rate: &str) -> String {
    format!("places.{rate}")
}

/// How many of each rate somebody wants who has chosen so many before, or all of the first.
pub(crate) fn chosen_of(rates: &[Rate], query: &HashMap<String, String>, quantity: u32) -> Vec<u32> {
    let chosen = |rate: &Rate| query.get(&places_at(&rate.id))?.parse().ok();
    let chosen: Vec<Option<u32>> = rates.iter().map(chosen).collect();
    let first = if chosen.iter().any(Option::is_some) { 0 } else { quantity };
    (0..).zip(chosen).map(|(index, chosen)| chosen.unwrap_or(if index == 0 { first } else { 0 })).collect()
}

pub(crate) async fn show(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    PathId(id): PathId<EventId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let shown = published(&app, id).await?;
    let now = Timestamp::now();
    let offer = Offer::of(&shown.event, shown.available.seats, now);
    let query = links::query(&uri);
    let quantity =
        query.get("quantity").and_then(|quantity| quantity.parse().ok()).unwrap_or(QUANTITY_DEFAULT);
    // The key of a try whose outcome is not known: with it the next one is the same.
    let key = query.get("key").and_then(|key| key.parse().ok()).unwrap_or_else(Uuid::new_v4);
    let details = &shown.event.details;
    let title = details.name.clone();
    let main = html! {
        h1 { (details.name) }
        (about(&shown.event))
        (live(&shown, offer))
        @match offer {
            Offer::Left(left) => {
                (order_form(&visitor, &shown, left, &Chosen {
                    area: query.get(AREA).map(String::as_str),
                    quantity,
                    of_rates: chosen_of(&details.rates, &query, quantity),
                    key,
                }))
            }
            Offer::None => p { "All places are sold or held by others right now. Some may come back: this page shows it when they do." },
            Offer::OpensAt(at) => p { "Come back when sales open: " (time(at)) "." },
            Offer::Over => {}
            Offer::Cancelled => {
                @if let Some(with) = &shown.event.cancellation {
                    p { "All bookings are cancelled with it, and whoever had one is told." @if !with.reason.is_empty() { " Why: " (with.reason) } }
                }
            }
        }
        @if let Some(description) = &details.description { section.description aria-labelledby="about" { h2 #about { "About" } (paragraphs(description)) } }
        p { a href="/" { "All events" } }
    };
    Ok(visitor.page(&title, main))
}

/// Who knows a cancelled event's address still sees it, and of a draft nobody hears.
async fn published(app: &App, id: EventId) -> Result<Shown, Error> {
    let shown = catalogue::live_event(&app.catalogue, id).await?;
    shown.filter(|shown| shown.event.details.status != EventStatus::Draft).ok_or(Error::EventNotFound)
}

fn about(event: &Event) -> Markup {
    let details = &event.details;
    let mut rows = vec![("Starts", time(details.starts_at))];
    rows.extend(details.ends_at.map(|ends_at| ("Ends", time(ends_at))));
    rows.extend(details.venue.as_ref().map(|venue| ("Venue", html! { (venue) })));
    if let Some(until) = details.cancel_until {
        rows.push(("Can be cancelled until", time(until)));
    }
    facts(rows)
}

/// What changes while somebody looks: with scripts, this part is asked for again and again.
fn live(Shown { event, available }: &Shown, offer: Offer) -> Markup {
    let asks_again = matches!(offer, Offer::Left(_) | Offer::None | Offer::OpensAt(_));
    let price = money(event.ordinary_price_from(available).into(), event.details.currency.code());
    let from = if event.details.areas.len() > 1 { "from " } else { "" };
    html! {
        p #live aria-live="polite" hx-get=[asks_again.then(|| format!("{}/availability", href(event.id)))]
            hx-trigger=[asks_again.then_some("every 5s")] hx-swap=[asks_again.then_some("outerHTML")] {
            span.price { (from) (price) } " a place · " (offer.words())
        }
    }
}

/// What the form has chosen at first.
struct Chosen<'a> {
    area: Option<&'a str>,
    quantity: u32,
    of_rates: Vec<u32>,
    key: Uuid,
}

fn order_form(visitor: &Visitor, shown: &Shown, left: u32, chosen: &Chosen<'_>) -> Markup {
    let (Shown { event, available }, Chosen { area, quantity, of_rates, key }) = (shown, chosen);
    let areas = event.areas();
    let most = event.details.max_per_booking.min(event.details.max_per_user).min(left);
    html! {
        form.order method="post" action=(format!("{}/book", href(event.id))) {
            (hidden(&visitor.glimpse, None))
            input type="hidden" name="key" value=(key);
            (plans(event, &areas))
            @if areas.len() > 1 { (choice_of_area(event, &areas, available, *area)) }
            @match &event.details.rates[..] {
                [] | [_] => (choice("quantity", html! { "Places" }, 1..=most, most.min(*quantity))),
                rates => {
                    @for (index, (rate, chosen)) in rates.iter().zip(of_rates).enumerate() {
                        input type="hidden" name=(format!("rate.{index}")) value=(rate.id);
                        (choice(
                            &format!("places.{index}"),
                            html! { (rate.name) " " span.hint { (price_at(rate, event, &areas)) } },
                            0..=most,
                            most.min(*chosen),
                        ))
                    }
                }
            }
            button { "Hold " span.sr { "these " } "places" }
            p.hint {
                "They are yours alone for some minutes, while you decide. "
                @if !visitor.is_signed_in() { "You sign in or register first." }
            }
        }
    }
}

/// Where seats have names, people may choose them; otherwise they get the best ones.
fn plans(event: &Event, areas: &[Area<'_>]) -> Markup {
    let numbered: Vec<&Area<'_>> = areas.iter().filter(|area| area.is_numbered()).collect();
    html! {
        @if !numbered.is_empty() {
            p {
                @for area in &numbered {
                    a href=(seats::href(event.id, area.id, &[])) {
                        "Choose your seats"
                        @if areas.len() > 1 { ": " (area.name) }
                    }
                    " "
                }
            }
            p.hint { "Or say how many: you get the best that are free, side by side." }
        }
    }
}

/// How many places: a list to choose from.
pub(crate) fn choice(name: &str, label: Markup, of: RangeInclusive<u32>, chosen: u32) -> Markup {
    html! {
        div.field {
            label for=(name) { (label) }
            select #(name) name=(name) {
                @for number in of { option value=(number) selected[number == chosen] { (number) } }
            }
        }
    }
}

/// Which area: one of those that have something left.
fn choice_of_area(event: &Event, areas: &[Area<'_>], available: &Available, chosen: Option<&str>) -> Markup {
    let left = |area: &Area<'_>| available.of(area);
    let first = areas.iter().find(|area| left(area) > 0).map(|area| area.id);
    let chosen =
        areas.iter().find(|area| Some(area.id) == chosen && left(area) > 0).map(|area| area.id).or(first);
    let price =
        |area: &Area<'_>| money(event.at_ordinary_rate(area.price).into(), event.details.currency.code());
    html! {
        fieldset.areas {
            legend { "Area" }
            @for area in areas {
                @let id = format!("area.{}", area.id);
                div.tick.area {
                    input id=(id) type="radio" name=(AREA) value=(area.id) required
                        checked[chosen == Some(area.id)] disabled[left(area) == 0];
                    label for=(id) {
                        b { (area.name) } " " span.price { (price(area)) } " "
                        @match left(area) {
                            0 => span.gone { "sold out for now" },
                            left => span.hint { (places(left)) " left" },
                        }
                    }
                }
            }
        }
    }
}

/// What a place costs at a rate: where areas differ, which part of their price.
fn price_at(rate: &Rate, event: &Event, areas: &[Area<'_>]) -> String {
    match areas {
        [area] => money(rate.price_of(area.price).into(), event.details.currency.code()),
        _ => format!("{} % of the area's price", rate.percent),
    }
}

/// The live part alone. It is the same for all, so that caches may keep it for a moment.
pub(crate) async fn availability(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
) -> Result<Response, Problem> {
    let shown = published(&app, id).await?;
    let offer = Offer::of(&shown.event, shown.available.seats, Timestamp::now());
    let part = live(&shown, offer).into_string();
    Ok(cacheable(LIVE_SECONDS, text_answer("text/html; charset=utf-8", part)?))
}

pub(crate) async fn book(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    permit: Permit,
    caller: Result<Caller, Problem>,
    from: ClientAddress,
    PathId(event): PathId<EventId>,
    form: Form<Order>,
) -> Result<Response, Problem> {
    let page = href(event);
    let Ok(order) = form.read else {
        return Ok(visitor.go_refused(&page, "Choose how many places you want."));
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(_) => {
            return Ok(visitor.go(&sign_in_link(&order.page(event, ""))));
        }
    };
    if let Err(error) = caller.must_get_mail(&app).await {
        return Ok(visitor.go_refused(&page, Refusal::of(error).said()));
    }
    // The rest of the seats are at the first rate.
    if order.rates.values().sum::<u32>() > order.quantity {
        let error = Error::invalid_field("rates", Wrong::MoreThan("quantity"));
        return Ok(visitor.go_refused(&order.page(event, ""), Refusal::of(error).said()));
    }
    let (network, key) = (from.network(&app), order.key.to_string());
    let wanted = Wanted {
        user: caller.user_id,
        event,
        area: order.area.as_deref(),
        quantity: order.quantity,
        rates: &order.rates,
        seats: &WantedSeats { chosen: order.seats.clone(), ..WantedSeats::default() },
        idempotency_key: &key,
        network: network.as_ref(),
    };
    match booking::reserve(&app.protocol, wanted, Timestamp::now(), permit.granted()).await {
        Ok(reserved) => Ok(match reserved.status {
            ReservationStatus::Held => visitor.go(&holds::href(reserved.reservation.id)),
            ReservationStatus::Pending
            | ReservationStatus::Closing
            | ReservationStatus::Confirmed
            | ReservationStatus::Cancelled => visitor.go(&bookings::href(reserved.reservation.id)),
            // The page was sent again after its hold had ended.
            ReservationStatus::Released | ReservationStatus::Expired => visitor.go_refused(
                &page,
                format!("You held {} before, which are on sale again.", places(order.quantity)),
            ),
        }),
        Err(error @ (Error::TokenEnded | Error::RateLimited { .. } | Error::EventNotFound)) => {
            Err(error.into())
        }
        Err(error) => {
            let again = if error.is_refusal() { "" } else { &*key };
            Ok(visitor.go_refused(&order.page(event, again), Refusal::of(error).said()))
        }
    }
}

/// For other pages: an event by its name, with its page behind it.
pub(crate) fn link(id: EventId, name: &str) -> Markup {
    html! { a href=(href(id)) { (name) } }
}
