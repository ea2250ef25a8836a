//! Events: what is sold, when, and for how much. What an admin decides of one stands in [`EventDetails`].

mod area;
mod available;
mod cancellation;
mod details;
mod now;
mod time_zone;
mod words;

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

pub use area::{
    AREAS_MAX, Area, AreaDetails, AreaName, AreaState, GENERAL, Resized, Size, areas_in_one_line,
};
pub use available::{Available, PriceFrom};
pub use cancellation::{Cancellation, REASON_CHARS_MAX};
pub use details::*;
pub use now::EventNow;
pub use words::{Words, searched};

use super::{
    id::{AreaNumber, EventId, ReservationId},
    inventory::Shards,
    time::to_whole_ms,
};

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What an admin decides about it.
    #[serde(flatten)]
    pub details: EventDetails,
    /// What a seat costs now, in minor units.
    pub price: u32,
    /// How many inventory shards its capacity is split over. Never shown to clients.
    pub shards: Shards,
    /// Every change adds 1.
    pub version: u64,
    /// The withdrawal of the last lowering of its capacity: tells the janitor whether it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_withdrawal: Option<ReservationId>,
    /// How many prices it has had, those of all its areas: the number of the last one in its price history.
    #[serde(default)]
    pub price_changes: u32,
    /// The day, in UTC, of the last pricing run that decided on its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_on: Option<Date>,
    /// What became of its areas, by their numbers; none if it names no areas. Those that were taken away are still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub area_states: Vec<AreaState>,
    /// How many parts the layout of its numbered areas is kept in; each change of it adds some. None if it has no such area.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub layout_parts: u16,
    /// What comes after it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
    /// When it was created.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(parts: &u16) -> bool {
    *parts == 0
}

/// Why an event sells nothing right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOnSale {
    /// Sales open at that instant.
    OpensAt(Timestamp),
    /// Sales closed at that instant.
    ClosedAt(Timestamp),
    /// The event was cancelled.
    Cancelled,
    /// The event is not published any more.
    Draft,
}

/// How long before now an event can have started that is still on sale.
pub const ON_SALE_LOOKBACK: SignedDuration = SignedDuration::from_hours(24 * EVENT_DAYS_MAX);

/// A published event, as far as it takes to find it in the list of upcoming ones. An event is *upcoming*, here and
/// wherever events are listed, while it is still to come or its sales are not over, which may be after its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpcomingEvent {
    /// Its id.
    pub id: EventId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// How many inventory shards it has.
    pub shards: Shards,
    /// Its version.
    pub version: u64,
    /// What words are looked for in, see [`searched`].
    pub searched: String,
    /// When sales close; at the start if not given.
    pub sales_close_at: Option<Timestamp>,
}

impl UpcomingEvent {
    /// Whether it is upcoming.
    pub fn is_upcoming(&self, now: Timestamp) -> bool {
        is_upcoming(self.starts_at, self.sales_close_at, now)
    }
}

fn is_upcoming(starts_at: Timestamp, sales_close_at: Option<Timestamp>, now: Timestamp) -> bool {
    starts_at >= now || sales_close_at.is_some_and(|close| close > now)
}

impl From<&Event> for UpcomingEvent {
    fn from(event: &Event) -> Self {
        let Event { id, details, shards, version, .. } = event;
        let searched = searched(&details.name, details.venue.as_deref());
        Self {
            id: *id,
            starts_at: details.starts_at,
            shards: shards.clone(),
            version: *version,
            searched,
            sales_close_at: details.sales_close_at,
        }
    }
}

impl Event {
    /// What a place of that price costs at the ordinary rate, in minor units.
    pub fn at_ordinary_rate(&self, price: u32) -> u32 {
        self.details.rates.first().map_or(price, |rate| rate.price_of(price))
    }

    /// What a place costs at the ordinary rate, or the cheapest one that is left, in minor units.
    pub fn ordinary_price_from(&self, available: &Available) -> u32 {
        self.at_ordinary_rate(self.price_from(available).price)
    }

    /// A new event; its price starts at the base price.
    pub fn new(id: EventId, details: EventDetails, shards: impl Into<Shards>, now: Timestamp) -> Self {
        let area_states: Vec<_> = details.areas.iter().map(AreaState::new).collect();
        Self {
            id,
            price_changes: u32::try_from(area_states.len()).unwrap_or(1).max(1),
            price: details.base_price,
            details,
            shards: shards.into(),
            version: 1,
            last_withdrawal: None,
            priced_on: None,
            area_states,
            layout_parts: 0,
            cancellation: None,
            created_at: to_whole_ms(now),
        }
    }

    /// The event after an admin replaced its details. A new base price is the new price; demand pricing moves
    /// it from there. Without demand pricing the price is the base price.
    pub fn replaced(&self, details: EventDetails) -> Self {
        let area_states = self.area_states_under(&details);
        if !area_states.is_empty() {
            // Its own price is the lowest of its areas.
            let priced =
                area_states.iter().filter(|state| details.areas.iter().any(|area| area.id == state.id));
            let price = priced.map(|state| state.price).min().unwrap_or(self.price);
            let after = Self { details, price, area_states, version: self.version + 1, ..self.clone() };
            return self.counting_prices(after);
        }
        let stays = details.base_price == self.details.base_price
            && (details.pricing.is_some() || self.price == details.base_price);
        let price = if stays { self.price } else { details.base_price };
        let price_changes = self.price_changes + u32::from(!stays);
        Self { details, price, price_changes, version: self.version + 1, ..self.clone() }
    }

    /// The event after a pricing run on that day gave its areas, by their numbers, these prices.
    pub fn repriced(&self, prices: &[(AreaNumber, u32)], on: Date) -> Self {
        let mut after = Self { priced_on: Some(on), version: self.version + 1, ..self.clone() };
        for (area, price) in prices {
            match after.area_states.get_mut(usize::from(*area)) {
                Some(state) => state.price = *price,
                None => after.price = *price,
            }
        }
        if !after.area_states.is_empty() {
            after.price = after.areas().iter().map(|area| area.price).min().unwrap_or(after.price);
        }
        self.counting_prices(after)
    }

    /// This is what becomes of it, with the prices that are new there counted.
    fn counting_prices(&self, after: Self) -> Self {
        let new = u32::try_from(self.areas_repriced(&after).len()).unwrap_or(0);
        Self { price_changes: self.price_changes + new, ..after }
    }

    /// Whether these details are others, or change its price.
    pub fn would_change_by(&self, details: &EventDetails) -> bool {
        let after = self.replaced(details.clone());
        *details != self.details || after.price != self.price || after.area_states != self.area_states
    }

    /// When sales open, or did: with its creation if nothing else is said.
    pub fn sales_open_at(&self) -> Timestamp {
        self.details.sales_open_at.map_or(self.created_at, |open| open.max(self.created_at))
    }

    /// When sales close.
    pub fn sales_close_at(&self) -> Timestamp {
        self.details.sales_close_at.unwrap_or(self.details.starts_at)
    }

    /// Whether sales have closed, so that no seat can be held any more.
    pub fn sales_are_over(&self, now: Timestamp) -> bool {
        self.sales_close_at() <= now
    }

    /// Whether it is still to come or on sale, see [`UpcomingEvent`]; whether people can see it is another matter.
    pub fn is_upcoming(&self, now: Timestamp) -> bool {
        is_upcoming(self.details.starts_at, self.details.sales_close_at, now)
    }

    /// Whether it belongs in the lists that people browse: it is upcoming, and published.
    pub fn is_listed(&self, now: Timestamp) -> bool {
        self.details.status == EventStatus::Published && self.is_upcoming(now)
    }

    /// Whether seats of it may be held, so that it is worth knowing how many are free: it is no draft, and its sales have
    /// not closed.
    pub fn may_sell(&self, now: Timestamp) -> bool {
        self.details.status != EventStatus::Draft && !self.sales_are_over(now)
    }

    /// Whether demand pricing decides on its price: it has bounds, people can see it, and it can still be bought.
    pub fn moves_its_price(&self, now: Timestamp) -> bool {
        let details = &self.details;
        (details.pricing.is_some() || details.areas.iter().any(|area| area.pricing.is_some()))
            && self.details.status == EventStatus::Published
            && !self.sales_are_over(now)
    }

    /// Whether a pricing run on that day, or a later one, decided on its price.
    pub fn was_priced_on(&self, day: Date) -> bool {
        self.priced_on.is_some_and(|last| last >= day)
    }

    /// Why it sells nothing at `now`; `None` if it is on sale.
    pub fn not_on_sale(&self, now: Timestamp) -> Option<NotOnSale> {
        if self.details.status == EventStatus::Cancelled {
            Some(NotOnSale::Cancelled)
        } else if self.sales_are_over(now) {
            Some(NotOnSale::ClosedAt(self.sales_close_at()))
        } else {
            self.details.sales_open_at.filter(|open| *open > now).map(NotOnSale::OpensAt)
        }
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;
    use crate::field_error::FieldError;

    fn concert() -> EventDetails {
        EventDetails {
            name: "Concert".into(),
            description: None,
            venue: None,
            starts_at: at(100),
            ends_at: None,
            capacity: 10,
            base_price: 2_500,
            currency: Currency::EUR,
            time_zone: None,
            sales_open_at: None,
            sales_close_at: None,
            cancel_until: None,
            max_per_booking: 10,
            max_per_user: 10,
            status: EventStatus::Published,
            pricing: None,
            rates: Vec::new(),
            areas: Vec::new(),
        }
    }

    fn at(second: i64) -> Timestamp {
        crate::time::from_ms(second * 1_000)
    }

    fn fields(checked: Result<(), Vec<FieldError>>) -> Vec<String> {
        match checked {
            Err(errors) => errors.into_iter().map(|error| error.field).collect(),
            Ok(()) => vec![],
        }
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let bad = EventDetails {
            name: " ".into(),
            venue: Some("v".repeat(201)),
            description: Some("d".repeat(5_001)),
            ends_at: Some(at(50)),
            capacity: 0,
            base_price: PRICE_MAX + 1,
            max_per_booking: 0,
            max_per_user: 0,
            time_zone: Some("Mars/Olympus".into()),
            sales_open_at: Some(at(200)),
            cancel_until: Some(at(101)),
            pricing: Some(Pricing { min_percent: 0, max_percent: 2_000 }),
            rates: Vec::new(),
            areas: Vec::new(),
            ..concert()
        };
        assert_eq!(
            fields(bad.check(None, at(150))),
            [
                "name",
                "venue",
                "description",
                "time_zone",
                "starts_at",
                "ends_at",
                "sales_close_at",
                "sales_open_at",
                "cancel_until",
                "capacity",
                "base_price",
                "max_per_booking",
                "max_per_user",
                "pricing.min_percent",
                "pricing.max_percent",
            ]
        );
        assert_eq!(fields(concert().check(None, at(0))), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_said_of_what_depends_on_a_field_that_is_not_known() {
        let bad = EventDetails {
            starts_at: at(100),
            ends_at: Some(at(50)),
            sales_open_at: Some(at(200)),
            cancel_until: Some(at(101)),
            capacity: 0,
            ..concert()
        };
        let named = |unknown: &[&str]| fields(Err(bad.complaints(None, at(150), unknown)));
        assert_eq!(named(&["starts_at"]), ["capacity"]);
        assert_eq!(named(&["ends_at"]), ["starts_at", "sales_open_at", "cancel_until", "capacity"]);
        assert_eq!(named(&["capacity", "sales_close_at"]), ["starts_at", "ends_at", "cancel_until"]);
    }

    #[test]
    fn what_an_event_had_before_it_was_looked_at_may_stay() {
        let old = EventDetails { name: "\u{200b}".into(), venue: Some("\0".into()), ..concert() };
        let event = Event::new(EventId::new(at(0)), old.clone(), 1, at(0));
        assert_eq!(fields(old.check(Some(&event), at(0))), Vec::<String>::new());
        assert_eq!(fields(old.check(None, at(0))), ["name", "venue"]);
    }

    #[test]
    fn the_same_details_change_nothing_but_a_price_that_is_not_theirs() {
        let priced = EventDetails { pricing: Some(Pricing::default()), ..concert() };
        let event = Event { price: 3_000, ..Event::new(EventId::new(at(0)), priced.clone(), 1, at(0)) };
        assert!(!event.would_change_by(&priced) && event.would_change_by(&concert()));
        let ended = Event { details: concert(), ..event };
        assert!(ended.would_change_by(&concert()), "its price goes back");
    }

    #[test]
    fn a_past_event_keeps_its_start_but_none_is_moved_into_the_past() {
        let event = Event::new(EventId::new(at(0)), concert(), 1, at(0));
        assert!(concert().check(Some(&event), at(500)).is_ok());
        let moved = EventDetails { starts_at: at(400), ..concert() };
        assert_eq!(fields(moved.check(Some(&event), at(500))), ["starts_at"]);
    }

    #[test]
    fn the_currency_stays() {
        let event = Event::new(EventId::new(at(0)), concert(), 1, at(0));
        let dollars = EventDetails { currency: Currency::USD, ..concert() };
        assert_eq!(fields(dollars.check(Some(&event), at(0))), ["currency"]);
    }

    #[test]
    fn an_event_sells_within_its_window_only() {
        let details = EventDetails { sales_open_at: Some(at(10)), sales_close_at: Some(at(90)), ..concert() };
        let event = Event::new(EventId::new(at(0)), details, 1, at(0));
        let a_ms = SignedDuration::from_millis(1);
        assert_eq!(event.not_on_sale(at(10) - a_ms), Some(NotOnSale::OpensAt(at(10))));
        assert_eq!(event.not_on_sale(at(10)), None);
        assert_eq!(event.not_on_sale(at(90) - a_ms), None);
        assert_eq!(event.not_on_sale(at(90)), Some(NotOnSale::ClosedAt(at(90))));
    }

    #[test]
    fn an_event_is_listed_until_it_has_started_and_its_sales_are_over() {
        let listed_at = |details: &EventDetails, second| {
            let event = Event::new(EventId::new(at(0)), details.clone(), 1, at(0));
            assert_eq!(UpcomingEvent::from(&event).is_upcoming(at(second)), event.is_upcoming(at(second)));
            event.is_listed(at(second))
        };
        let until =
            |close| EventDetails { sales_close_at: Some(at(close)), ends_at: Some(at(200)), ..concert() };
        for (details, last) in [(concert(), 100), (until(90), 100), (until(150), 149)] {
            assert!(listed_at(&details, last) && !listed_at(&details, last + 1), "{details:?}");
        }
        for status in [EventStatus::Draft, EventStatus::Cancelled] {
            assert!(!listed_at(&EventDetails { status, ..concert() }, 0));
        }
    }

    #[test]
    fn sales_never_close_later_than_the_lists_look_back() {
        let last = at(100) + ON_SALE_LOOKBACK;
        let closes_at =
            |close| EventDetails { ends_at: Some(close), sales_close_at: Some(close), ..concert() };
        assert_eq!(fields(closes_at(last).check(None, at(0))), Vec::<String>::new());
        assert_eq!(fields(closes_at(last + SignedDuration::from_millis(1)).check(None, at(0))), ["ends_at"]);
        let no_end = EventDetails { sales_close_at: Some(at(101)), ..concert() };
        assert_eq!(fields(no_end.check(None, at(0))), ["sales_close_at"]);
    }

    #[test]
    fn a_new_base_price_is_the_new_price() {
        let priced = EventDetails { pricing: Some(Pricing::default()), ..concert() };
        let event = Event { price: 3_000, ..Event::new(EventId::new(at(0)), priced.clone(), 1, at(0)) };
        let renamed = event.replaced(EventDetails { name: "Opera".into(), ..priced.clone() });
        assert_eq!((renamed.price, renamed.price_changes, renamed.version), (3_000, 1, 2));
        let cheaper = event.replaced(EventDetails { base_price: 2_000, ..priced });
        assert_eq!((cheaper.price, cheaper.price_changes, cheaper.version), (2_000, 2, 2));
    }

    #[test]
    fn without_demand_pricing_the_price_is_the_base_price() {
        let priced = EventDetails { pricing: Some(Pricing::default()), ..concert() };
        let event = Event { price: 3_000, ..Event::new(EventId::new(at(0)), priced, 1, at(0)) };
        let fixed = event.replaced(concert());
        assert_eq!((fixed.price, fixed.price_changes), (2_500, 2));
        assert_eq!(fixed.replaced(concert()).price_changes, 2);
    }

    #[test]
    fn bounds_that_are_left_out_have_defaults() {
        let pricing = |json: &str| serde_json::from_str::<Pricing>(json).unwrap();
        assert_eq!(pricing("{}"), Pricing { min_percent: 80, max_percent: 150 });
        assert_eq!(pricing(r#"{"max_percent": 200}"#), Pricing { min_percent: 80, max_percent: 200 });
    }
}
